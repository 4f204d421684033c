"""Transactions of requests that fail are rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.http import Http404, HttpResponse

from adapters.django.stacks import STACKS, Project, Stack
from adapters.django.support import each_wsgi_stack
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest


def _writes(make: Callable[[], Exception]) -> Any:
    def view(_request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO rows_of_a_test VALUES (1)")
        raise make()

    return view


@pytest.mark.parametrize("make", [NotFoundError, ValueError, Http404])
@each_wsgi_stack
def test_atomic_requests_roll_back(stack: Stack, make: Any) -> None:
    """A view that fails rolls its transaction back, mapped or not."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE rows_of_a_test (n int)")
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        stack.ask(Project(_writes(make)))
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM rows_of_a_test")
            assert cursor.fetchone() == (0,)
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE rows_of_a_test")


def test_error_inside_a_transaction_block() -> None:
    """An error that `atomic` turns into another is answered as that other one."""

    def view(_request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            raise OperationalError("secret")

    assert STACKS[0].ask(Project(view)).status == 503

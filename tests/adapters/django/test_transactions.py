"""Transactions of requests that fail are rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, transaction
from django.http import Http404, HttpResponse

from adapters.django.atomic_table import atomic_table, write_row
from adapters.django.stacks import STACKS, Project, Stack
from adapters.django.support import each_wsgi_stack
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest


def _writes(make: Callable[[], Exception]) -> Any:
    def view(_request: HttpRequest) -> HttpResponse:
        write_row()
        raise make()

    return view


@pytest.mark.parametrize("make", [NotFoundError, ValueError, Http404])
@each_wsgi_stack
def test_atomic_requests_roll_back(stack: Stack, make: Any) -> None:
    """A view that fails rolls its transaction back, mapped or not."""
    with atomic_table() as count:
        stack.ask(Project(_writes(make)))
        assert count() == 0


def test_error_inside_a_transaction_block() -> None:
    """An error that `atomic` turns into another is answered as that other one."""

    def view(_request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            raise OperationalError("secret")

    assert STACKS[0].ask(Project(view)).status == 503

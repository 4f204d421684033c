"""Exceptions that do not let themselves be read, raised by a view: a plain 500, with an id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from django.test import Client, override_settings

from adapters.asgi.apps import said
from adapters.asgi.test_hostile import Closed, Endless, Unreadable
from adapters.django.row import raises
from adapters.django.stacks import STACKS, Project, Stack
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOSTILE: dict[str, Callable[[], BaseException]] = {
    "endless group": lambda: Endless("g", [ValueError("secret")]),
    "closed group": lambda: Closed("g", [ValueError("secret")]),
    "unreadable": lambda: Unreadable("secret"),
    "group of unreadables": lambda: ExceptionGroup("g", [Unreadable("secret")]),
}


@pytest.fixture(autouse=True)
def _silent_django() -> Iterator[None]:
    """Keep Django's own record from the standard library's traceback, which fails over these."""
    logger = logging.getLogger("django")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)


hostile = pytest.mark.parametrize("name", _HOSTILE)


@hostile
@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_it_is_answered(stack: Stack, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """By each handler of Django's, and one record says so."""
    answer = stack.ask(Project(raises(_HOSTILE[name])))
    assert answer.status == 500
    assert check_answer(answer.status, answer.headers, answer.body) == []
    ((level, text),) = said(caplog)
    assert level == "ERROR"
    assert answer.id in text


@hostile
def test_the_client_sees_it(name: str) -> None:
    """Django's test client, which goes no way of a server's."""
    with override_settings(**Project(raises(_HOSTILE[name])).all_settings()):
        answer = Client(raise_request_exception=False).get("/x")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-ID"]

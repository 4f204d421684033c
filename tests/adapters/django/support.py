"""What the tests of this folder share: views, signals that are heard, hooks that are told."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.http import Http404, HttpResponse

from adapters.django.row import raises, returns
from adapters.django.stacks import STACKS, Project, Stack
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Generator
    from logging import LogRecord

    from django.dispatch import Signal
    from django.http import HttpRequest

    from kaiko_middleware import ErrorReport


def exception_of(record: LogRecord) -> BaseException | None:
    """Return the exception that a record carries."""
    return record.exc_info[1] if isinstance(record.exc_info, tuple) else None


each_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
each_asgi_stack = pytest.mark.parametrize("stack", STACKS[2:], ids=lambda stack: stack.name)
each_wsgi_stack = pytest.mark.parametrize("stack", STACKS[:2], ids=lambda stack: stack.name)


@contextmanager
def heard(signal: Signal) -> Generator[list[BaseException | None]]:
    """Collect what is raised whenever a signal is sent."""
    found: list[BaseException | None] = []

    def receiver(**_kwargs: object) -> None:
        found.append(sys.exception())

    signal.connect(receiver)
    try:
        yield found
    finally:
        signal.disconnect(receiver)


def bug(_request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise ValueError("secret")


async def async_bug(_request: HttpRequest) -> HttpResponse:
    """Fail, asynchronously."""
    raise ValueError("secret")


typed = raises(lambda: NotFoundError("typed"))
http404 = raises(lambda: Http404("secret"))
timeout = raises(TimeoutError)
fine = returns(HttpResponse)
refused = returns(lambda: HttpResponse("x", status=409))


def views(**named: Any) -> pytest.MarkDecorator:
    """Run a test with each of these views."""
    return pytest.mark.parametrize("view", list(named.values()), ids=list(named))


def reports_of(stack: Stack, project: Project, **settings: Any) -> list[ErrorReport]:
    """Ask once; return what the hook was told."""
    reports: list[ErrorReport] = []
    config = {"on_error": [reports.append], **settings}
    changed = Project(
        project.view,
        project.middleware,
        {**project.settings, "KAIKO_MIDDLEWARE": config},
        project.handlers,
    )
    answer = stack.ask(changed)
    assert [report.request_id for report in reports] == [answer.id] * len(reports)
    return reports

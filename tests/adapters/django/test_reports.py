"""Hooks and mappings: each error is told once, with what is behind it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from django.core.signals import got_request_exception
from django.http import Http404, HttpResponse

from adapters.django.row import raises
from adapters.django.stacks import STACKS, Project, Stack
from adapters.django.support import bug, each_stack, heard, http404, refused, reports_of, typed
from kaiko_middleware import ConflictError, ExceptionMapping, KaikoError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable


@each_stack
@pytest.mark.parametrize(
    ("view", "told"),
    [
        (bug, (ValueError, True)),
        (typed, (NotFoundError, False)),
        (http404, (Http404, False)),
        (refused, (type(None), False)),
    ],
    ids=["bug", "typed", "http404", "refused"],
)
def test_hooks_are_called_once(stack: Stack, view: Any, told: tuple[type, bool]) -> None:
    """A hook is told of each error once, with the exception behind it."""
    (report,) = reports_of(stack, Project(view))
    assert (type(report.exception), report.unmapped) == told
    assert (report.method, report.path) == ("GET", "/x")


def closes_itself(_request: object) -> HttpResponse:
    """Answer with a response whose class fails when it is closed."""

    class Closing(HttpResponse):
        def close(self) -> None:
            super().close()
            raise ConflictError("no", code="table_locked")

    return Closing(b"whole")


def is_closed(_request: object) -> HttpResponse:
    """Answer with a response that was given a `close` which fails."""
    response = HttpResponse(b"whole")

    def close() -> None:
        raise ConflictError("no", code="table_locked")

    vars(response)["close"] = close
    return response


@pytest.mark.parametrize(
    "stack", [stack for stack in STACKS if stack.wrapped], ids=lambda stack: str(stack.name)
)
@pytest.mark.parametrize("view", [closes_itself, is_closed])
def test_a_response_that_cannot_be_closed(
    stack: Stack, view: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails after a whole answer is logged with its code, as just that."""
    with suppress(ConflictError):  # WSGI's server is told as well
        stack.ask(Project(view))
    (record,) = [record for record in caplog.records if record.name == "kaiko"]
    assert "raised after the answer: 409 table_locked: no" in record.getMessage()


class Taken(Exception):
    """A domain's exception."""


def mapping_of(handler: Callable[[Taken], KaikoError]) -> ExceptionMapping:
    """Return a mapping of `Taken`."""
    mapping = ExceptionMapping()
    mapping.register(Taken, handler)
    return mapping


@each_stack
def test_mapped_exception(stack: Stack) -> None:
    """A service's own handler is asked once, and its error is the answer."""
    asked: list[Taken] = []

    def handler(exc: Taken) -> KaikoError:
        asked.append(exc)
        return ConflictError("It is taken")

    project = Project(raises(lambda: Taken("secret")))
    (report,) = reports_of(stack, project, mapping=mapping_of(handler))
    assert isinstance(report.error, ConflictError)
    assert len(asked) == 1


@each_stack
def test_handler_that_fails(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that fails is asked and logged once, and the exception is then unmapped."""

    def handler(_exc: Taken) -> KaikoError:
        raise KeyError("secret")

    project = Project(raises(lambda: Taken("secret")))
    with heard(got_request_exception) as found:
        (report,) = reports_of(stack, project, mapping=mapping_of(handler))
    assert report.unmapped
    assert len(found) == 1
    failed, answered = [item for item in caplog.records if item.name.split(".")[0] == "kaiko"]
    assert "handler for Taken failed" in failed.getMessage()
    assert "unmapped exception" in answered.getMessage()

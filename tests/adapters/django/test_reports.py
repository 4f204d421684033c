"""Hooks and mappings: each error is told once, with what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.signals import got_request_exception
from django.http import Http404

from adapters.django.row import raises
from adapters.django.stacks import Project, Stack
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

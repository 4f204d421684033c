"""What Django itself still does: its signals and its records."""

from __future__ import annotations

import logging
from typing import Any

import django
import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception, request_finished
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from adapters.django.row import raises
from adapters.django.stacks import Project, Stack
from adapters.django.support import (
    async_bug,
    bug,
    each_stack,
    exception_of,
    heard,
    http404,
    refused,
    timeout,
    typed,
    views,
)
from adapters.django.test_streams import Streams


@each_stack
@views(bug=bug, async_bug=async_bug)
def test_unmapped_is_signalled_once(stack: Stack, view: Any) -> None:
    """`got_request_exception` fires once, while the very exception is handled."""
    with heard(got_request_exception) as found:
        answer = stack.ask(Project(view))
    assert [repr(exc) for exc in found] == ["ValueError('secret')"]
    assert answer.raised is None


@each_stack
@views(typed=typed, http404=http404, timeout=timeout)
def test_mapped_is_not_signalled(stack: Stack, view: Any) -> None:
    """What somebody foresaw is no crash."""
    with heard(got_request_exception) as found:
        stack.ask(Project(view))
    assert found == []


@each_stack
@views(bug=bug, refused=refused, typed=typed)
def test_request_finishes_once(stack: Stack, view: Any) -> None:
    """`request_finished` is sent once, whatever was rewritten."""
    with heard(request_finished) as found:
        stack.ask(Project(view))
    assert len(found) == 1


@each_stack
def test_django_logs_a_bug_once(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """`django.request` has one record, with the traceback, as without us."""
    stack.ask(Project(bug))
    (record,) = [item for item in caplog.records if item.name == "django.request"]
    assert record.getMessage() == "Internal Server Error: /x"
    assert isinstance(exception_of(record), ValueError)


@each_stack
def test_our_record_has_the_exception(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """`kaiko` has one record at ERROR with the very exception, rendered compactly already."""
    stack.ask(Project(bug))
    (record,) = [item for item in caplog.records if item.name.split(".")[0] == "kaiko"]
    assert record.levelno == logging.ERROR
    assert isinstance(exception_of(record), ValueError)
    assert record.exc_text is not None
    assert "bug" in record.exc_text


@each_stack
def test_django_logs_attacks_as_ever(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """A SuspiciousOperation still is a record of `django.security`, with its text."""
    stack.ask(Project(raises(lambda: SuspiciousOperation("an attack"))))
    names = [item.name for item in caplog.records if item.name.startswith("django")]
    before = ["django.request"] if django.VERSION < (5, 2, 3) else []  # it said it twice
    assert names == ["django.security.SuspiciousOperation", *before]


@each_stack
def test_django_logs_a_typed_error_once(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """A typed error has the record that a returned 404 has."""
    caplog.set_level(logging.INFO)
    stack.ask(Project(typed))
    assert [(item.name, item.levelname) for item in caplog.records] == [
        ("kaiko", "INFO"),
        ("django.request", "WARNING"),
    ]


@each_stack
def test_gone_client_is_no_error(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """A client that left while its body was read is one debug record, and nothing else."""
    caplog.set_level(logging.DEBUG)
    with heard(got_request_exception) as found:
        stack.ask(Project(raises(lambda: UnreadablePostError("gone"))))
    records = [item for item in caplog.records if item.name != "asyncio"]
    assert [(item.name, item.levelname) for item in records] == [("kaiko", "DEBUG")]
    assert found == []


@each_stack
def test_signal_of_another_request(stack: Stack) -> None:
    """What others send by the signal, without a request or an exception, is left to them."""

    def view(_request: HttpRequest) -> HttpResponse:
        got_request_exception.send(sender=None)
        got_request_exception.send(sender=None, request=_request)
        return HttpResponse(status=500)

    assert stack.ask(Project(view)).status == 500


@each_stack
def test_early_failure_of_a_stream_is_signalled(stack: Stack) -> None:
    """The middleware signals what it caught of a stream itself; the wrapper hands it on."""
    with heard(got_request_exception) as found:
        answer = stack.ask(Project(Streams(lambda: ValueError("secret"))))
    assert [repr(exc) for exc in found] == ([] if stack.wrapped else ["ValueError('secret')"])
    assert repr(answer.raised) == ("ValueError('secret')" if stack.wrapped else "None")


@each_stack
@pytest.mark.parametrize("late", [False, True], ids=["first", "later"])
def test_client_that_left_a_stream(
    stack: Stack, late: object, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream that ends because its client left is one debug record."""
    caplog.set_level(logging.DEBUG)
    chunks = (b"data: 1\n\n",) if late else ()
    kind = "text/event-stream" if late else "text/plain"
    stack.ask(Project(Streams(lambda: UnreadablePostError("gone"), *chunks, kind=kind)))
    records = [item for item in caplog.records if item.name != "asyncio"]
    assert [(item.name, item.levelname) for item in records] == [("kaiko", "DEBUG")]

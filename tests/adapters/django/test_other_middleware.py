"""Errors that other middleware raises, returns, replaces and watches."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.core.signals import got_request_exception
from django.http import HttpResponse, HttpResponseServerError
from django.http.request import UnreadablePostError

from adapters.django.stacks import Project, Stack
from adapters.django.support import (
    bug,
    each_stack,
    heard,
    http404,
    refused,
    reports_of,
    typed,
    views,
)
from kaiko_django import error_response
from kaiko_middleware import NotFoundError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

HERE = __name__


def raising(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Raise a typed error in a middleware."""

    def middleware(_request: HttpRequest) -> HttpResponse:
        raise RateLimitError("Slow down", retry_after=3)

    return middleware


def returning(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Return one, as middleware should."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return error_response(request, RateLimitError("Slow down", retry_after=3))

    return middleware


class ProcessView:
    """Raises a typed error in `process_view`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass."""
        return self.get_response(request)

    def process_view(self, *_args: object) -> None:
        """Raise."""
        raise RateLimitError("Slow down", retry_after=3)


@each_stack
@pytest.mark.parametrize(
    ("name", "signals"), [("raising", 1), ("ProcessView", 1), ("returning", 0)]
)
def test_typed_error_in_middleware(stack: Stack, name: str, signals: int) -> None:
    """It is answered as what it is; raised, Django has signalled it before anyone could map it."""
    with heard(got_request_exception) as found:
        answer = stack.ask(Project(bug, (f"{HERE}.{name}",)))
    assert len(found) == signals
    assert (answer.status, answer.one("retry-after")) == (429, "3")
    assert json.loads(answer.body)["error"]["message"] == "Slow down"


@each_stack
@pytest.mark.parametrize("name", ["raising", "ProcessView", "returning"])
def test_typed_error_in_middleware_is_reported_once(stack: Stack, name: str) -> None:
    """The hook is told once, wherever it was raised."""
    (report,) = reports_of(stack, Project(bug, (f"{HERE}.{name}",)))
    assert (report.error.status, report.unmapped) == (429, False)


def replacing(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Replace what failed by a page of one's own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        return HttpResponse("we are sorry") if response.status_code == 500 else response

    return middleware


def masking(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Replace any error by another one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        get_response(request)
        return HttpResponse("Busy", status=409, content_type="text/plain")

    return middleware


def again(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Replace what failed by a 500 of one's own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        get_response(request)
        return HttpResponseServerError("sorry")

    return middleware


@each_stack
def test_middleware_that_replaces_a_bug(stack: Stack) -> None:
    """A page that a middleware put in a bug's place is its answer, not the bug's."""
    assert stack.ask(Project(bug, (f"{HERE}.replacing",))).body == b"we are sorry"
    answer = stack.ask(Project(bug, (f"{HERE}.masking",)))
    assert json.loads(answer.body)["error"]["message"] == "Busy"
    answer = stack.ask(Project(typed, (f"{HERE}.masking",)))
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (409, "Busy")
    (report,) = reports_of(stack, Project(bug, (f"{HERE}.again",)))
    assert isinstance(report.exception, ValueError)


def marking(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Mark each answer, as middleware with request ids or limits of its own does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Request-ID"] = "another"
        response["X-RateLimit-Reset"] = f"{int(time.time()) + 90}"
        response["X-Other"] = "stays"
        if response.status_code >= 400:
            response["Content-Type"] = "application/problem+json"
        return response

    return middleware


@each_stack
@views(typed=typed, http404=http404, bug=bug, refused=refused)
def test_what_middleware_writes_on_an_envelope(stack: Stack, view: Any) -> None:
    """It stays, but for what the envelope says: its id, its media type, seconds from now."""
    answer = stack.ask(Project(view, (f"{HERE}.marking",)))
    assert json.loads(answer.body)["error"]["request_id"] == answer.id
    assert answer.all("content-type") == ["application/json"]
    assert 80 < int(answer.one("x-ratelimit-reset")) <= 90
    assert answer.one("x-other") == "stays"


def unsendable(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Write what Django takes, and servers do not."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Other"] = "a\0b"
        return response

    return middleware


@each_stack
def test_unsendable_field_on_an_envelope(stack: Stack) -> None:
    """It is dropped, as on an answer that a view returned."""
    answer = stack.ask(Project(typed, (f"{HERE}.unsendable",)))
    assert (answer.status, answer.all("x-other")) == (404, [])


def own_page(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Replace each error by a page with its status."""

    def middleware(request: HttpRequest) -> HttpResponse:
        status = get_response(request).status_code
        return HttpResponse("No such page", status=status, content_type="text/plain")

    return middleware


def adding(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Add a member to each error."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.content = json.dumps({**json.loads(response.content), "more": 1})
        return response

    return middleware


def returned(request: HttpRequest) -> HttpResponse:
    """Return an error that cannot be raised."""
    return error_response(request, NotFoundError("typed"))


@each_stack
@views(typed=typed, http404=http404, bug=bug, returned=returned)
@pytest.mark.parametrize("name", ["own_page", "adding"])
def test_error_that_middleware_changes_is_reported_once(stack: Stack, view: Any, name: str) -> None:
    """With its status it is the same error, whatever its body has become."""
    assert len(reports_of(stack, Project(view, (f"{HERE}.{name}",)))) == 1


def setting_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Set an id of its own, as libraries of ids do."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Request-ID"] = "own-1"
        return response

    return middleware


@each_stack
@views(typed=typed, http404=http404, bug=bug, returned=returned)
@pytest.mark.parametrize("outside", [True, False])
def test_id_that_middleware_sets(stack: Stack, view: Any, outside: bool) -> None:  # noqa: FBT001 - a column
    """Ours replaces it, outside of our middleware too where a layer is around the project."""
    names = (f"{HERE}.setting_id",)
    project = Project(view, first=names) if outside else Project(view, names)
    answer = stack.ask(project)
    sent = json.loads(answer.body)["error"]["request_id"]
    if outside and not stack.wrapped:
        sent = "own-1"  # nothing of ours sees it
    assert answer.all("x-request-id") == [sent]


class Watching:
    """Watches exceptions, as error trackers do."""

    seen: list[str] = []  # noqa: RUF012 - shared on purpose, and cleared by its test

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass."""
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, exception: Exception) -> None:
        """Note the exception."""
        self.seen.append(repr(exception))


@each_stack
def test_other_hooks_see_exceptions(stack: Stack) -> None:
    """`process_exception` of other middleware is called for all, ours being the last."""
    Watching.seen.clear()
    for view in (bug, typed):
        stack.ask(Project(view, (f"{HERE}.Watching",)))
    assert Watching.seen == ["ValueError('secret')", "NotFoundError('typed')"]


def gone(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Find, in a middleware, that the client left."""

    def middleware(_request: HttpRequest) -> HttpResponse:
        raise UnreadablePostError("gone")

    return middleware


@each_stack
def test_client_that_left_a_middleware(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """A middleware whose client left has been logged by Django; ours is a debug record."""
    caplog.set_level(logging.DEBUG)
    answer = stack.ask(Project(bug, (f"{HERE}.gone",)))
    assert answer.status == 500
    records = [item for item in caplog.records if item.name.split(".")[0] == "kaiko"]
    assert [item.levelname for item in records] == ["DEBUG"]


def early(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Answer with a status that is no answer yet."""

    def middleware(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=103)

    return middleware


@each_stack
def test_early_hints(stack: Stack) -> None:
    """1xx is not touched at all."""
    assert stack.ask(Project(bug, (f"{HERE}.early",))).status == 103


def unawaited(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Return what nobody awaits."""

    async def later() -> HttpResponse:
        return HttpResponse()

    return lambda _request: later()


@each_stack
def test_coroutine_that_nobody_awaited(stack: Stack) -> None:
    """A middleware that returns a coroutine is a bug, and no warning."""
    answer = stack.ask(Project(bug, (f"{HERE}.unawaited",)))
    assert json.loads(answer.body)["error"]["code"] == "internal"


@each_stack
def test_cache_outside(stack: Stack) -> None:
    """A cache keeps a response that our middleware passed on, as Django's own puts itself first."""
    called: list[object] = []

    def view(request: HttpRequest) -> HttpResponse:
        called.append(request)
        return HttpResponse("kept")

    project = Project(
        view,
        middleware=("django.middleware.cache.FetchFromCacheMiddleware",),
        first=("django.middleware.cache.UpdateCacheMiddleware",),
    )
    cache.clear()
    for _ in range(2):
        answer = stack.ask(project)
        assert (answer.status, answer.body) == (200, b"kept")
    assert len(called) == 1

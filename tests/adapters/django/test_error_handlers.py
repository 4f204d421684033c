"""`handler404` and its like of a project: what they say is the message, whoever called them."""

from __future__ import annotations

import json
from typing import Any

import django
import pytest
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
)
from django.core.signals import got_request_exception
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse

from adapters.django.row import raises
from adapters.django.stacks import Project, Stack
from adapters.django.support import each_stack, fine, heard, reports_of
from kaiko_middleware import ExceptionMapping, NotFoundError, RateLimitError

WORDS = {"detail": "Ask the desk", "code": "ask_desk"}


def handlers(said: Any, status: int) -> dict[str, Any]:
    """Return handlers that all answer with this."""

    def handler(_request: Any, exception: object = None) -> HttpResponse:
        del exception  # Django gives it by name
        made = JsonResponse(said, status=status) if isinstance(said, dict) else HttpResponse(said)
        made.status_code = status
        made["X-Own"] = "stays"
        return made

    return {f"handler{each}": handler for each in (400, 403, 404)}


def told(stack: Stack, project: Project, where: str = "/x") -> tuple[Any, ...]:
    """Return status, code and message of an answer."""
    answer = stack.ask(project, where)
    error = json.loads(answer.body)["error"]
    assert answer.one("x-own") == "stays"
    return answer.status, error["code"], error["message"]


@each_stack
@pytest.mark.parametrize(
    ("raised", "status"), [(Http404, 404), (PermissionDenied, 403), (BadRequest, 400)]
)
def test_a_handlers_words_are_sent(stack: Stack, raised: Any, status: int) -> None:
    """Of an exception that a view raised, as of an unknown route; hooks hear of the exception."""
    project = Project(raises(lambda: raised("secret")), handlers=handlers(WORDS, status))
    assert told(stack, project) == (status, "ask_desk", "Ask the desk")
    if status == 404:
        assert told(stack, project, "/none") == (status, "ask_desk", "Ask the desk")
    (report,) = reports_of(stack, project)
    assert (type(report.exception), report.error.code) == (raised, "ask_desk")


@each_stack
def test_a_handlers_page_says_nothing(stack: Stack) -> None:
    """The status's own message is sent, with the code of the exception."""
    page = Project(raises(lambda: TooManyFieldsSent("x")), handlers=handlers("<h1>No</h1>", 400))
    assert told(stack, page)[:2] == (400, "too_many_fields")
    text = Project(page.view, handlers=handlers({"detail": "Fewer, please"}, 400))
    assert told(stack, text) == (400, "too_many_fields", "Fewer, please")
    large = Project(raises(lambda: RequestDataTooBig("x")), handlers=handlers(WORDS, 400))
    assert told(stack, large)[:2] == (413, "payload_too_large")


class Limited(PermissionDenied):
    """What django-ratelimit raises is one, too."""


@each_stack
def test_a_mapping_beats_a_handler(stack: Stack) -> None:
    """What the service maps is answered by its mapping, with the fields of the handler's answer."""
    mapping = ExceptionMapping()
    mapping.register(Limited, RateLimitError)
    project = Project(
        raises(Limited),
        settings={"KAIKO_MIDDLEWARE": {"mapping": mapping}},
        handlers=handlers(WORDS, 403),
    )
    assert told(stack, project)[:2] == (429, "too_many_requests")


def refusing(_get_response: Any) -> Any:
    """Raise what the service maps, in a middleware."""

    def middleware(_request: Any) -> HttpResponse:
        raise Limited

    return middleware


@each_stack
def test_a_mapping_counts_in_middleware(stack: Stack) -> None:
    """Django calls a handler of ours, and logs the exception as ever."""
    mapping = ExceptionMapping()
    mapping.register(Limited, RateLimitError)
    settings: dict[str, Any] = {"KAIKO_MIDDLEWARE": {"mapping": mapping}}
    project = Project(fine, (f"{__name__}.refusing",), settings)
    with heard(got_request_exception) as signals:
        answer = stack.ask(project)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (429, "too_many_requests")
    assert signals == []
    settings = {"KAIKO_MIDDLEWARE": {"mapping": mapping, "paths": ["/other"]}}
    answer = stack.ask(Project(fine, (f"{__name__}.refusing",), settings))
    assert (answer.status, answer.one("content-type")) == (403, "text/html; charset=utf-8")


def reading(get_response: Any) -> Any:
    """Read the form, in a middleware."""

    def middleware(request: Any) -> Any:
        assert request.POST is not None
        return get_response(request)

    return middleware


@each_stack
def test_a_large_form_that_a_handler_answers(stack: Stack) -> None:
    """A project's own handler does not say what it answered; Django's traces do."""
    project = Project(
        fine,
        (f"{__name__}.reading",),
        {"DATA_UPLOAD_MAX_MEMORY_SIZE": 3},
        handlers=handlers("<h1>No</h1>", 400),
    )
    form = ("Content-Type", "application/x-www-form-urlencoded")
    answer = stack.ask(project, method="POST", body=b"a=12345", headers=[form])
    # Before 5.2.3 the handler is asked as for any other attack, and answers 400.
    too_large = django.VERSION >= (5, 2, 3)
    told = (413, "payload_too_large") if too_large else (400, "bad_request")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == told


# --- of what nobody mapped -----------------------------------------------------------

DOWN = {
    "type": "server_error",
    "code": "ledger_down",
    "message": "The ledger is down",
    "param": None,
    "request_id": "req-0123456789",
}


class Down(JsonResponse):
    """The answer of a project that knows what fails when everything fails."""

    def __init__(self, status: int) -> None:
        super().__init__({"error": DOWN}, status=status, headers={"Retry-After": "7"})


def last(made: Any) -> dict[str, Any]:
    """Return a project's own `handler500`, which answers with what is made."""
    return {"handler500": lambda _request: made()}


def failing(_get_response: Any) -> Any:
    """Raise what nobody maps, in a middleware."""

    def middleware(_request: Any) -> HttpResponse:
        raise ValueError("secret")

    return middleware


def replacing(get_response: Any) -> Any:
    """Answer in place of what nobody mapped, as a maintenance page does."""

    def middleware(request: Any) -> Any:
        response = get_response(request)
        return Down(500) if response.status_code == 500 else response

    return middleware


bug = raises(lambda: ValueError("secret"))
PLACES = {
    "view": Project(bug),
    "middleware": Project(fine, (f"{__name__}.failing",)),
}


@each_stack
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", [500, 503])
def test_a_handler_of_last_resort_is_obeyed(stack: Stack, place: str, status: int) -> None:
    """Its status, code and fields are sent, and hooks hear of the exception, once."""
    of = PLACES[place]
    project = Project(of.view, of.middleware, handlers=last(lambda: Down(status)))
    answer = stack.ask(project)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (status, "ledger_down")
    assert (error["message"], answer.one("retry-after")) == ("The ledger is down", "7")
    (report,) = reports_of(stack, project)
    assert (type(report.exception), report.error.code) == (ValueError, "ledger_down")
    assert report.unmapped


@each_stack
@pytest.mark.parametrize("place", PLACES)
def test_what_it_says_beside_an_envelope_is_not_sent(stack: Stack, place: str) -> None:
    """But its status is; a stream of it is not read."""
    of = PLACES[place]
    for made in (
        lambda: HttpResponse("secret", status=503),
        lambda: StreamingHttpResponse(iter([b"secret"]), status=503),
    ):
        answer = stack.ask(Project(of.view, of.middleware, handlers=last(made)))
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["code"]) == (503, "service_unavailable")
        assert b"secret" not in answer.body


@each_stack
def test_middleware_that_replaces_a_500_is_obeyed(stack: Stack) -> None:
    """What it answers is sent, and hooks hear of the exception, once."""
    project = Project(bug, (f"{__name__}.replacing",))
    answer = stack.ask(project)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (500, "ledger_down")
    (report,) = reports_of(stack, project)
    assert (type(report.exception), report.error.code) == (ValueError, "ledger_down")


@each_stack
@pytest.mark.parametrize("raised", [TimeoutError, NotFoundError])
def test_what_is_mapped_is_no_last_resort(stack: Stack, raised: Any) -> None:
    """Django calls the handler of what middleware raises, whose own answer is sent."""
    _raised[:] = [raised]
    project = Project(fine, (f"{__name__}.raising",), handlers=last(lambda: Down(500)))
    code = json.loads(stack.ask(project).body)["error"]["code"]
    assert code == ("timeout" if raised is TimeoutError else "not_found")


_raised: list[Any] = []


def raising(_get_response: Any) -> Any:
    """Raise what the test above names, in a middleware."""

    def middleware(_request: Any) -> HttpResponse:
        raise _raised[0]

    return middleware


@each_stack
def test_a_handler_of_last_resort_where_answers_are_not_rewritten(stack: Stack) -> None:
    """An exception is answered all the same, whatever Django's page of it says."""
    settings: dict[str, Any] = {"KAIKO_MIDDLEWARE": {"rewrite_answers": False}}
    project = Project(bug, settings=settings, handlers=last(lambda: Down(503)))
    answer = stack.ask(project)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (500, "internal")

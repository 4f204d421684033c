"""How an answer is rewritten in place: what stays of it, and what is let through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from adapters.django.row import raises, returns
from adapters.django.stacks import Project, Stack
from adapters.django.support import (
    bug,
    each_stack,
    each_wsgi_stack,
    refused,
    reports_of,
    typed,
    views,
)
from adapters.wsgi.server import make_environ
from kaiko_django import error_response
from kaiko_middleware import NotFoundError, ServiceUnavailableError

if TYPE_CHECKING:
    from django.http import HttpRequest


@each_stack
def test_one_answer_let_through(stack: Stack) -> None:
    """`kaiko_passthrough` lets one answer pass as it is, with the id, and unreported."""

    def view(_request: HttpRequest) -> HttpResponse:
        response = HttpResponse("<h1>mine", status=404)
        setattr(response, "kaiko_passthrough", True)  # noqa: B010 - what a service writes
        return response

    answer = stack.ask(Project(view))
    assert (answer.status, answer.body) == (404, b"<h1>mine")
    assert answer.id
    assert reports_of(stack, Project(view)) == []


@each_stack
def test_answers_left_alone(stack: Stack) -> None:
    """With `rewrite_answers` off, what is returned passes; what is raised is answered."""
    settings = {"KAIKO_MIDDLEWARE": {"rewrite_answers": False}}
    answer = stack.ask(Project(returns(lambda: HttpResponse("x", status=404)), (), settings))
    assert (answer.status, answer.body) == (404, b"x")
    assert answer.id
    answer = stack.ask(Project(bug, (), settings))
    assert json.loads(answer.body)["error"]["code"] == "internal"
    answer = stack.ask(Project(typed, (), settings))
    assert json.loads(answer.body)["error"]["message"] == "typed"


@each_stack
def test_cookies_stay(stack: Stack) -> None:
    """A rewritten answer keeps its cookies, and an error may set more than one."""

    def view(_request: HttpRequest) -> HttpResponse:
        response = HttpResponse("x", status=404)
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    answer = stack.ask(Project(view))
    # Django 5.2 begins each with a blank.
    given = [value.split(";")[0].strip() for value in answer.all("set-cookie")]
    assert given == ["a=1", "b=2"]
    error = NotFoundError(headers=[("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; HttpOnly")])
    answer = stack.ask(Project(raises(lambda: error)))
    given = sorted(value.strip() for value in answer.all("set-cookie"))
    assert given == ["a=1; Path=/", "b=2; HttpOnly"]


@each_stack
def test_repeated_headers_are_joined(stack: Stack) -> None:
    """Django holds one value a name: repeated ones become a list."""
    error = NotFoundError(headers=[("Link", "<a>"), ("Link", "<b>")])
    assert stack.ask(Project(raises(lambda: error))).one("link") == "<a>, <b>"


@each_stack
@views(bug=bug, refused=refused, typed=typed)
def test_head(stack: Stack, view: Any) -> None:
    """HEAD has the headers of GET and no body."""
    got, head = stack.ask(Project(view)), stack.ask(Project(view), method="HEAD")
    assert head.body == b""
    assert head.one("content-length") == got.one("content-length") == str(len(got.body))


@each_stack
@pytest.mark.parametrize(
    ("status", "code"), [(700, "internal"), (99, "internal"), ("404", "internal")]
)
def test_status_that_no_server_sends(stack: Stack, status: Any, code: str) -> None:
    """A status that a view assigned past Django's check is a bug."""

    def view(_request: HttpRequest) -> HttpResponse:
        response = HttpResponse("x")
        response.status_code = status
        return response

    answer = stack.ask(Project(view))
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (500, code)


@each_wsgi_stack
def test_reason_phrase_of_the_status(stack: Stack) -> None:
    """A changed status has its own phrase, not the replaced answer's."""
    lines: list[str] = []
    project = Project(returns(lambda: HttpResponse("x", status=502, reason="My Words")))
    with override_settings(**project.all_settings()):
        app = stack.make()
        body = app(make_environ("/x"), lambda status, *_: lines.append(status))
        b"".join(body)
        body.close()
    assert lines == ["503 Service Unavailable"]


@each_stack
def test_a_response_used_twice(stack: Stack) -> None:
    """A response object that a view returns again has each request's own id."""
    shared = HttpResponse("x", status=404)
    first, second = (stack.ask(Project(returns(lambda: shared))) for _ in range(2))
    assert first.id != second.id
    assert json.loads(second.body)["error"]["request_id"] == second.id


@each_stack
def test_an_envelope_used_twice(stack: Stack) -> None:
    """So has an envelope that was kept from another request."""
    kept: list[HttpResponse] = []

    def view(request: HttpRequest) -> HttpResponse:
        if not kept:
            kept.append(error_response(request, NotFoundError("typed")))
        return kept[0]

    first, second = (stack.ask(Project(view)) for _ in range(2))
    assert first.id != second.id
    error = json.loads(second.body)["error"]
    assert (error["request_id"], error["message"]) == (second.id, "typed")


def test_error_response_outside_of_a_request() -> None:
    """It answers for a request that the middleware never saw, too."""
    response = error_response(RequestFactory().get("/x"), ServiceUnavailableError())
    assert response.status_code == 503
    assert response["X-Request-ID"] == json.loads(response.content)["error"]["request_id"]

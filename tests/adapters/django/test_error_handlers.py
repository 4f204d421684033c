"""`handler404` and its like of a project: what they say is the message, whoever called them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import BadRequest, PermissionDenied, TooManyFieldsSent
from django.http import Http404, HttpResponse, JsonResponse

from adapters.django.row import raises
from adapters.django.stacks import Project, Stack
from adapters.django.support import each_stack, reports_of
from kaiko_middleware import ExceptionMapping, RateLimitError

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

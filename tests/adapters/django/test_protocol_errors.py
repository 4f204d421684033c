"""Another protocol's error in a project: a view's and a handler's."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse, JsonResponse

from adapters.django.row import raises, returns
from adapters.django.stacks import Project, Stack
from adapters.django.support import bug, each_stack, reports_of

if TYPE_CHECKING:
    import pytest
    from django.http import HttpRequest

RPC = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "x"}}
SCIM = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404"}


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return our records."""
    return [record for record in caplog.records if record.name.startswith("kaiko")]


@each_stack
def test_a_views(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """It goes out as it is, with the id and its cookies; one record and one report."""
    caplog.set_level(logging.INFO)

    def make() -> HttpResponse:
        response = JsonResponse(RPC, status=400)
        response.set_cookie("a", "b")
        return response

    answer = stack.ask(Project(returns(make)))
    assert (answer.status, json.loads(answer.body)) == (400, RPC)
    assert "a=b" in answer.one("set-cookie")
    assert answer.id
    [record] = ours(caplog)
    assert vars(record)["protocol"] == "JSON-RPC"
    [report] = reports_of(stack, Project(returns(make)))
    assert report.error.protocol == "JSON-RPC"


@each_stack
def test_a_response_that_is_returned_twice_stays_the_same(stack: Stack) -> None:
    """A module's constant, say: each answer has an id of its own."""
    constant = JsonResponse(RPC, status=400)
    answers = [stack.ask(Project(returns(lambda: constant))) for _ in range(2)]
    assert answers[0].body == answers[1].body == constant.content
    assert answers[0].id != answers[1].id
    assert "X-Request-ID" not in constant


def handler(said: dict[str, Any], status: int) -> Any:
    """Return a handler of a project's URLconf."""

    def answer(_request: HttpRequest, exception: object = None) -> HttpResponse:  # noqa: ARG001 - as Django calls it
        return JsonResponse(said, status=status)

    return answer


@each_stack
def test_what_a_project_makes_of_a_bug(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """Its handler's answer goes out, and the bug is in the log with its traceback."""
    answer = stack.ask(Project(bug, handlers={"handler500": handler(RPC, 500)}))
    assert (answer.status, json.loads(answer.body)) == (500, RPC)
    [record] = ours(caplog)
    assert record.levelname == "ERROR"
    assert record.exc_info is not None


@each_stack
def test_what_a_project_makes_of_a_404(stack: Stack) -> None:
    """Whether a view raised it or no route was found."""
    found = Project(raises(Http404), handlers={"handler404": handler(SCIM, 404)})
    for path in ("/x", "/nowhere"):
        answer = stack.ask(found, path)
        assert (answer.status, json.loads(answer.body)) == (404, SCIM)
        assert answer.id

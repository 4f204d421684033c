"""Response objects that a service returns more than once, which are never changed in place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpResponse, HttpResponseNotFound, JsonResponse
from django.template.response import SimpleTemplateResponse
from django.test import override_settings

from adapters.django.row import returns
from adapters.django.stacks import Project, Stack
from adapters.django.support import each_stack, fine
from kaiko_django import error_response
from kaiko_django.responses import EnvelopeResponse
from kaiko_middleware import NotFoundError, Reply
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable

PATHS = {"KAIKO_MIDDLEWARE": {"paths": ["/x/in"]}}


def _with_cookie() -> HttpResponse:
    response = HttpResponse("It is taken", status=409)
    response.set_cookie("seen", "1")
    return response


def _passed_on() -> HttpResponse:
    response = HttpResponseNotFound("mine")
    vars(response)["kaiko_passthrough"] = True
    return response


def _rendered() -> HttpResponse:
    response = SimpleTemplateResponse("none", status=404)
    response.content = b"No such thing"
    return response


MAKERS: dict[str, Callable[[], HttpResponse]] = {
    "success": lambda: HttpResponse("ok", headers={"X-Mine": "1"}),
    "redirect": lambda: HttpResponse(status=302, headers={"Location": "/"}),
    "own id": lambda: HttpResponse("ok", headers={"X-Request-ID": "mine"}),
    "text": _with_cookie,
    "json": lambda: JsonResponse({"detail": "It is taken"}, status=409),
    "bug": lambda: HttpResponse("secret", status=500),
    "let through": _passed_on,
    "template": _rendered,
}


@each_stack
@pytest.mark.parametrize("name", MAKERS)
def test_reused(stack: Stack, name: str) -> None:
    """Each request has an answer and an id of its own, and a path that is left out none."""
    kept = MAKERS[name]()
    before = (kept.status_code, dict(kept.headers), kept.content, kept.cookies.output())
    project = Project(returns(lambda: kept), settings=PATHS)
    first, second = (stack.ask(project, "/x/in") for _ in range(2))
    assert first.id != second.id
    assert first.all("set-cookie") == second.all("set-cookie")
    assert len(first.headers) == len(second.headers)
    if name in {"text", "json", "bug", "template"}:
        for answer in (first, second):
            assert check_answer(answer.status, answer.headers, answer.body) == []
    outside = stack.ask(project, "/x/out")
    assert (outside.status, outside.body) == (before[0], before[2])
    assert outside.all("x-request-id") == (["mine"] if name == "own id" else [])
    assert (kept.status_code, dict(kept.headers), kept.content, kept.cookies.output()) == before


@each_stack
def test_envelope_of_another_request(stack: Stack) -> None:
    """An answer that a service kept from an earlier request gets the id of this one."""
    kept: list[HttpResponse] = []

    def view(request: Any) -> HttpResponse:
        if not kept:
            kept.append(error_response(request, NotFoundError("No such thing")))
        return kept[0]

    first, second = (stack.ask(Project(view)) for _ in range(2))
    for answer in (first, second):
        assert check_answer(answer.status, answer.headers, answer.body) == []
        assert json.loads(answer.body)["error"]["message"] == "No such thing"
    assert first.id != second.id
    assert first.id.encode() in kept[0].content


@each_stack
def test_closers_run_once_a_request(stack: Stack) -> None:
    """What a rewritten response has to close is closed with the answer."""
    closed: list[str] = []

    class Closing:
        def __iter__(self) -> Any:
            return iter([b"x"])

        def close(self) -> None:
            closed.append("closed")

    def view(_request: Any) -> HttpResponse:
        response = HttpResponse("It is taken", status=409)
        closers: Any = vars(response)["_resource_closers"]
        closers.append(Closing().close)
        return response

    stack.ask(Project(view))
    assert closed == ["closed"]


def test_envelopes_are_responses() -> None:
    """One that is made without Django's constructor has all that one has, and shares none of it."""
    with override_settings(**Project(fine).all_settings()):
        plain = HttpResponse(b"{}", "application/json", 404)
        made = [
            EnvelopeResponse(Reply(404, (("Content-Type", "application/json"),), b"{}"), "req-1")
            for _ in range(2)
        ]
    assert vars(plain).keys() <= vars(made[0]).keys()
    assert (made[0].serialize(), made[0].reason_phrase) == (plain.serialize(), "Not Found")
    for name, value in vars(made[0]).items():
        if type(value) in {list, dict} or name == "headers":
            assert value is not vars(made[1])[name]

"""Odd requests: clients that leave, bodies that lie, queries and lengths that cannot be read."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

from adapters.asgi.server import Answer, call, http_scope
from adapters.django.row import returns
from adapters.django.stacks import Project, Stack, lowering
from adapters.django.support import each_asgi_stack, each_stack, each_wsgi_stack, fine
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable


def asked(
    stack: Stack, project: Project, body: tuple[bytes, ...] = (b"",), **request: Any
) -> Answer:
    """Ask on ASGI, with a body in parts, or a client that leaves."""
    leaves: bool = request.pop("leaves", False)
    with override_settings(**project.all_settings()):
        scope = http_scope("/x", **request)
        return asyncio.run(call(lowering(stack.make()), scope, body, leaves=leaves))


async def _waits(_request: HttpRequest) -> HttpResponse:
    await asyncio.Event().wait()
    return HttpResponse()


async def _own_task(_request: HttpRequest) -> HttpResponse:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)
    return HttpResponse()


@each_asgi_stack
def test_client_leaves_while_a_view_works(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for an answer: none is sent, and nothing is logged as an error."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    answer = asked(stack, Project(_waits), leaves=True)
    assert (answer.status, answer.raised) == (0, None)
    records = [item.levelname for item in caplog.records if item.name.split(".")[0] == "kaiko"]
    assert records == (["DEBUG"] if stack.wrapped else [])


@each_asgi_stack
def test_client_leaves_half_way_through_its_body(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    """Django does not even begin."""
    caplog.set_level(logging.INFO)
    answer = asked(stack, Project(fine), (b"half",), leaves=True, method="POST")
    assert (answer.status, answer.raised) == (0, None)
    assert caplog.records == []


@each_asgi_stack
def test_view_that_cancels_its_own_task(stack: Stack) -> None:
    """It ends like a request that was cancelled: nothing of it is left."""
    answer = asked(stack, Project(_own_task))
    # Django 5.2 runs a view in a task of its own, and returns in silence when that ends.
    assert answer.status in {0, 500}
    if answer.status:
        assert json.loads(answer.body)["error"]["code"] == "internal"


@each_asgi_stack
def test_query_that_is_no_text(stack: Stack) -> None:
    """Django refuses it before any middleware; the wrapper answers."""
    answer = asked(stack, Project(fine), query_string=b"a=\xff")
    assert answer.status == 400
    if stack.wrapped:
        assert check_answer(answer.status, answer.headers, answer.body) == []
        assert json.loads(answer.body)["error"]["code"] == "bad_request"
    else:
        assert answer.body == b""


@each_wsgi_stack
def test_query_that_is_no_text_on_wsgi(stack: Stack) -> None:
    """There it is read as Latin-1, and reaches the view."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.GET["a"])

    with override_settings(**Project(view).all_settings()):
        assert ask_wsgi(stack.make(), "/x?a=\udcff").body == "ÿ".encode()


def _reads(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


@pytest.mark.skipif(django.VERSION < (5, 2, 13), reason="Django trusted the length until then")
@each_asgi_stack
def test_chunked_body_over_the_limit(stack: Stack) -> None:
    """A body without a length is measured when it is read."""
    project = Project(_reads, settings={"DATA_UPLOAD_MAX_MEMORY_SIZE": 5})
    answer = asked(stack, project, (b"1234", b"5678"), method="POST")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (413, "payload_too_large")


@each_stack
def test_length_that_is_no_number(stack: Stack) -> None:
    """Servers refuse it; Django reads no body, or raises what is answered."""
    answer = stack.ask(Project(_reads), method="POST", headers=[("Content-Length", "abc")])
    assert answer.status in {200, 500}
    assert answer.id


def _not_used(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    raise KeyError("secret")


@each_stack
def test_middleware_that_cannot_be_made(stack: Stack) -> None:
    """The project does not start, as without us."""
    with pytest.raises(KeyError, match="secret"):
        stack.ask(Project(fine, (f"{__name__}._not_used",)))


@each_asgi_stack
def test_request_inside_another_application(stack: Stack) -> None:
    """Mounted in an application with its own middleware, the project has that one's id."""
    from kaiko_asgi import KaikoMiddleware

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(getattr(request, "kaiko_request_id", None)))

    with override_settings(**Project(view).all_settings()):
        answer = asyncio.run(call(KaikoMiddleware(lowering(stack.make())), http_scope("/x")))
        assert answer.body.decode() == answer.id
    with override_settings(**Project(returns(lambda: HttpResponse(status=409))).all_settings()):
        answer = asyncio.run(call(KaikoMiddleware(lowering(stack.make())), http_scope("/x")))
    assert check_answer(answer.status, answer.headers, answer.body) == []


@each_asgi_stack
@pytest.mark.parametrize("state", [None, {}])
def test_scope_without_state(stack: Stack, state: dict[str, Any] | None) -> None:
    """Servers without a lifespan give no state."""
    with override_settings(**Project(fine).all_settings()):
        scope = http_scope("/x")
        del scope["state"]
        if state is not None:
            scope["state"] = state
        answer = asyncio.run(call(lowering(stack.make()), scope))
    assert answer.status == 200
    assert answer.id

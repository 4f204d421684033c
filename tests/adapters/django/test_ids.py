"""Request ids on Django: made first, the same everywhere, gone when the response is closed."""

from __future__ import annotations

import asyncio
import json
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from adapters.asgi.server import call, http_scope
from adapters.django import views
from adapters.django.row import raises
from adapters.django.stacks import OURS, STACKS, Project, Stack, Urls, lowering
from adapters.wsgi.server import Server, ask_wsgi, make_environ
from kaiko_django import get_wsgi_application
from kaiko_middleware import NotFoundError, RequestIdFilter, current_request_id
from kaiko_middleware.ids import reset_request_id, set_request_id

if TYPE_CHECKING:
    from django.http import HttpRequest

HERE = "adapters.django.views"
each_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


@each_stack
def test_one_id_everywhere(stack: Stack) -> None:
    """Inner middleware, the view, the request and the header have the same id."""
    answer = stack.ask(Project(views.ids, (f"{HERE}.inner",)))
    assert json.loads(answer.body) == {"current": answer.id, "request": answer.id}
    assert answer.one("x-seen") == f"{answer.id} {answer.id}"


@each_stack
def test_async_view(stack: Stack) -> None:
    """An asynchronous view has it, too."""
    answer = stack.ask(Project(views.async_ids))
    assert json.loads(answer.body) == {"current": answer.id, "request": answer.id}


@each_stack
def test_log_records(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """Records that are made inside carry it, in a synchronous view's thread as well."""
    caplog.handler.addFilter(RequestIdFilter())
    answer = stack.ask(Project(views.ids))
    (record,) = [item for item in caplog.records if item.name == "project"]
    assert record.__dict__["request_id"] == answer.id


@each_stack
def test_stream(stack: Stack) -> None:
    """A stream is made with the id of its request, to its last chunk."""
    answer = stack.ask(Project(views.streamed_ids))
    assert answer.body.decode() == f"{answer.id};" * 3


@each_stack
def test_ours_replaces_the_applications(stack: Stack) -> None:
    """There is one id header, and it is ours."""
    assert stack.ask(Project(views.own_id)).id.startswith("req-")


@each_stack
def test_inbound_id_is_ignored(stack: Stack) -> None:
    """An id that anyone can send is not taken."""
    answer = stack.ask(Project(views.ids), headers=[("X-Request-ID", "req-0000000000")])
    assert answer.id != "req-0000000000"


@each_stack
@pytest.mark.parametrize("inbound", ["gateway:1/a=+", "a"])
def test_trusted_id_is_taken(stack: Stack, inbound: str) -> None:
    """Behind a gateway, the gateway's id is the request's."""
    project = Project(views.ids, settings={"KAIKO_MIDDLEWARE": {"trust_request_id": True}})
    answer = stack.ask(project, headers=[("X-Request-ID", inbound)])
    assert answer.id == inbound
    assert json.loads(answer.body)["request"] == inbound


@each_stack
@pytest.mark.parametrize("inbound", ["", "a b", "a,b", "x" * 129])
def test_odd_id_is_replaced(stack: Stack, inbound: str) -> None:
    """What is no acceptable id is replaced, never reflected."""
    project = Project(views.ids, settings={"KAIKO_MIDDLEWARE": {"trust_request_id": True}})
    assert stack.ask(project, headers=[("X-Request-ID", inbound)]).id.startswith("req-")


@each_stack
def test_repeated_id_is_replaced(stack: Stack) -> None:
    """More than one value is no value: a server joins them."""
    project = Project(views.ids, settings={"KAIKO_MIDDLEWARE": {"trust_request_id": True}})
    headers = (
        [("X-Request-ID", "a"), ("X-Request-ID", "b")] if stack.asgi else [("X-Request-ID", "a,b")]
    )
    assert stack.ask(project, headers=headers).id.startswith("req-")


@each_stack
def test_own_header_and_digits(stack: Stack) -> None:
    """Name and length are the settings'."""
    settings = {"request_id_header": "X-Correlation-Id", "request_id_digits": 16}
    answer = stack.ask(Project(views.ids, settings={"KAIKO_MIDDLEWARE": settings}))
    assert len(answer.one("x-correlation-id")) == len("req-") + 16
    assert answer.all("x-request-id") == []


@each_stack
def test_uncovered_path(stack: Stack) -> None:
    """A path that is left out has no id, no header, and its own errors."""
    project = Project(views.ids, settings={"KAIKO_MIDDLEWARE": {"exclude_paths": ["/x"]}})
    answer = stack.ask(project)
    assert json.loads(answer.body) == {"current": None, "request": None}
    assert answer.all("x-request-id") == []
    project = Project(
        raises(lambda: NotFoundError("typed")),
        settings={"KAIKO_MIDDLEWARE": {"paths": ["/v2"]}},
    )
    answer = stack.ask(project)
    assert (answer.status, answer.one("content-type")) == (500, "text/html; charset=utf-8")


# --- nothing is left behind -----------------------------------------------------------

ANSWERS: list[Any] = [
    pytest.param(views.ids, id="success"),
    pytest.param(views.streamed_ids, id="stream"),
    pytest.param(raises(lambda: NotFoundError("typed")), id="typed"),
    pytest.param(raises(lambda: ValueError("secret")), id="unmapped"),
    pytest.param(raises(lambda: SystemExit("secret")), id="exit"),
]


@pytest.mark.parametrize("view", ANSWERS)
@pytest.mark.parametrize("stack", STACKS[:2], ids=lambda stack: stack.name)
def test_nothing_is_left_on_the_thread(stack: Stack, view: Any) -> None:
    """After a WSGI response is closed, the thread has the id that it had before."""
    token = set_request_id("before")
    try:
        stack.ask(Project(view))
        assert current_request_id() == "before"
    finally:
        reset_request_id(token)


@pytest.mark.parametrize("view", ANSWERS[:4])
@pytest.mark.parametrize("stack", STACKS[2:], ids=lambda stack: stack.name)
def test_nothing_is_left_in_the_task(stack: Stack, view: Any) -> None:
    """After an ASGI call, its task has the id that it had before."""

    async def serve(app: Any) -> str | None:
        token = set_request_id("before")
        try:
            await call(app, http_scope("/x"))
            return current_request_id()
        finally:
            reset_request_id(token)

    with override_settings(**Project(view).all_settings()):
        assert asyncio.run(serve(lowering(stack.make()))) == "before"


@pytest.mark.parametrize("stack", STACKS[2:], ids=lambda stack: stack.name)
def test_nothing_is_left_when_the_client_leaves(stack: Stack) -> None:
    """A request that is cancelled leaves nothing behind, either."""

    async def waits(_request: HttpRequest) -> HttpResponse:
        await asyncio.Event().wait()
        return HttpResponse()

    async def serve(app: Any) -> str | None:
        await call(app, http_scope("/x"), leaves=True)
        return current_request_id()

    with override_settings(**Project(waits).all_settings()):
        assert asyncio.run(serve(stack.make())) is None


@pytest.mark.parametrize("view", ANSWERS[:4])
def test_client(view: Any) -> None:
    """Django's test clients leave nothing, once a stream is read."""
    with override_settings(**Project(view).all_settings()):
        response: Any = Client(raise_request_exception=False).get("/x")
        if response.streaming:
            b"".join(response.streaming_content)
    assert response.headers["X-Request-ID"].startswith("req-")
    assert current_request_id() is None


@pytest.mark.parametrize("view", [ANSWERS[0], *ANSWERS[2:4]])
def test_async_client(view: Any) -> None:
    """The asynchronous one neither."""

    async def ask() -> tuple[str, str | None]:
        response = await AsyncClient(raise_request_exception=False).get("/x")
        return response.headers["X-Request-ID"], current_request_id()

    with override_settings(**Project(view).all_settings()):
        given, left = asyncio.run(ask())
    assert given.startswith("req-")
    assert left is None


@each_stack
def test_state_of_another_request(stack: Stack) -> None:
    """An id that a server left in a shared state or environ is not this request's."""
    stale: dict[str, Any] = (
        {"state": {"kaiko_request_id": "req-stale"}}
        if stack.asgi
        else {"kaiko.request_id": "req-stale"}
    )
    answer = stack.ask(Project(views.ids), **stale)
    assert answer.id != "req-stale"
    assert json.loads(answer.body)["request"] == answer.id


# --- one application calls another ----------------------------------------------------


def _calls(request: HttpRequest) -> HttpResponse:
    """Call the same project in process, to a path that is covered or not."""
    before = current_request_id()
    where = request.GET["where"]
    nested = ask_wsgi(WSGIHandler() if "bare" in request.GET else get_wsgi_application(), where)
    return HttpResponse(
        json.dumps([before, json.loads(nested.body)["current"], current_request_id()])
    )


@pytest.mark.parametrize("bare", ["", "&bare"])
@pytest.mark.parametrize("stack", STACKS[:2], ids=lambda stack: stack.name)
@pytest.mark.parametrize("where", ["/ids", "/left/alone"])
def test_one_app_calls_another(stack: Stack, where: str, bare: str) -> None:
    """A call in process has an id of its own, or none; after it the caller's is back."""

    urls = Urls([path("x", _calls), path("ids", views.ids), path("left/alone", views.ids)])
    settings = {"exclude_paths": ["/left"]}
    with override_settings(MIDDLEWARE=[OURS], ROOT_URLCONF=urls, KAIKO_MIDDLEWARE=settings):
        answer = stack.ask_app(stack.make(), f"/x?where={where}{bare}")
    before, inside, after = json.loads(answer.body)
    assert before == after == answer.id
    assert (inside is None) if where.startswith("/left") else (inside not in {None, answer.id})


@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_that_passes_the_id_on(*, is_async: bool) -> None:
    """What trusts it answers with it, as it does over HTTP."""

    def calls(_request: HttpRequest) -> HttpResponse:
        given = current_request_id() or ""
        answer = Client().get("/ids", headers={"X-Request-ID": given})
        assert current_request_id() == given
        return HttpResponse(answer.headers["X-Request-ID"])

    urls = Urls([path("x", calls), path("ids", views.async_ids if is_async else views.ids)])
    settings = {"trust_request_id": True}
    with override_settings(MIDDLEWARE=[OURS], ROOT_URLCONF=urls, KAIKO_MIDDLEWARE=settings):
        answer = Client().get("/x", headers={"X-Request-ID": "gateway:1"})
    assert answer.content == b"gateway:1"
    assert current_request_id() is None


# --- concurrency ----------------------------------------------------------------------


@pytest.mark.parametrize("stack", STACKS[:2], ids=lambda stack: stack.name)
def test_200_threads(stack: Stack) -> None:
    """With 200 threads in flight at once, no request sees another's id, and none is left."""
    number, rounds = 200, 5
    barrier = threading.Barrier(number)
    seen: list[tuple[str, str]] = []
    left: list[str | None] = []
    broken: list[BaseException] = []

    def meets(_request: HttpRequest) -> HttpResponse:
        before = current_request_id()
        barrier.wait(30)  # all of them are inside now
        return HttpResponse(f"{before} {current_request_id()}")

    def work(app: Any) -> None:
        try:
            for _ in range(rounds):
                answer = ask_wsgi(app, "/x")
                seen.append((answer.id, answer.body.decode()))
                left.append(current_request_id())
        except BaseException as exc:  # noqa: BLE001 - shown by the assertion below
            broken.append(exc)
            barrier.abort()

    with override_settings(**Project(meets).all_settings()):
        app = stack.make()
        threads = [
            threading.Thread(target=copy_context().run, args=(work, app)) for _ in range(number)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert broken == []
    assert left == [None] * number * rounds
    assert len({given for given, _ in seen}) == number * rounds
    assert [body for _, body in seen] == [f"{given} {given}" for given, _ in seen]


def test_body_is_closed_once() -> None:
    """The wrapper closes the application's response once, as the server closes it."""
    with override_settings(**Project(views.ids).all_settings()):
        server = Server()
        server.serve(get_wsgi_application(), make_environ("/x"))
    assert server.closed == 1
    assert current_request_id() is None

"""What is watched and what is left alone, on a watch of the test's own."""

from __future__ import annotations

import asyncio
import importlib
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_middleware import Config, render
from kaiko_middleware.layers import PASS_THROUGH
from kaiko_pytest import _calls, assert_error
from kaiko_pytest._documents import Document
from kaiko_pytest._report import Tally
from kaiko_pytest._seams import Seams
from kaiko_pytest._session import Session
from kaiko_pytest._watch import Watch
from kaiko_wsgi import KaikoMiddleware
from pytest_plugin.clients import CLIENTS, flask_app, starlette_app
from pytest_plugin.service import LampNotFound, app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

import httpx2
import requests
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings
from fastapi import FastAPI
from fastapi.testclient import TestClient
from ninja import Router
from ninja.testing import TestClient as NinjaClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

PLAIN = {"content-type": "text/plain"}


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Watch strictly, for the test."""
    watch = Watch(strict=True, report=True)
    seams = Seams(watch)
    seams.open()
    yield watch
    seams.close()


def plain(status: int = 404) -> Callable[..., Any]:
    """Return a WSGI application without an envelope."""

    def app(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(f"{status} No", [("content-type", "text/plain")])
        return [b"no"]

    return app


def ask_wsgi(app: Any, path: str = "/") -> httpx2.Response:
    """Ask a WSGI application."""
    with httpx2.Client(transport=httpx2.WSGITransport(app=app), base_url="http://a") as client:
        return client.get(path)


# --- WSGI --------------------------------------------------------------------------------


def test_wsgi_is_judged_at_the_end_of_its_body(watch: Watch) -> None:
    """Also if it is written, fails half-way, or is closed before its end."""

    def writing(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("404 No", [("content-type", "text/plain")])(b"written")
        return []

    class Failing:
        def __iter__(self) -> Iterator[bytes]:
            raise BrokenPipeError

        def close(self) -> None:
            """Be closed by the server."""

    def failing(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("404 No", [])
        return Failing()

    ask_wsgi(writing)
    assert "written" in watch.end()
    with pytest.raises(BrokenPipeError):
        ask_wsgi(failing)
    assert "HTTP 404" in watch.end()
    assert ask_wsgi(plain(200)).status_code == 200
    assert watch.end() == ""


def test_an_uncovered_path_is_left_alone(watch: Watch) -> None:
    """By WSGI, by ASGI and by Django."""
    config = Config(paths=("/v2",))
    assert ask_wsgi(KaikoMiddleware(plain(), config)).status_code == 404
    assert watch.end() == ""
    asgi = Starlette(routes=[])
    from kaiko_starlette import install

    install(asgi, config)
    assert TestClient(asgi).get("/nowhere").text == "Not Found"
    assert "/nowhere" not in watch.end()
    with override_settings(
        ROOT_URLCONF="served_to_plugin_clients", KAIKO_MIDDLEWARE={"paths": ["/v2"]}
    ):
        assert Client().get("/nowhere").status_code == 404
    assert watch.end() == ""


def test_a_call_from_inside_a_request_is_an_upstreams(watch: Watch) -> None:
    """Whichever client makes it."""
    token = _calls.INSIDE.set(True)
    try:
        ask_wsgi(plain())
        for name in ("starlette", "django", "django-async", "flask"):
            assert CLIENTS[name]("/lamps/ghost").status_code == 404
    finally:
        _calls.INSIDE.reset(token)
    assert watch.end() == ""


# --- ASGI --------------------------------------------------------------------------------


def test_what_is_let_through_is_left_alone(watch: Watch) -> None:
    """One answer by its mark, and debug pages."""

    async def passing(request: Any) -> PlainTextResponse:
        request.scope["state"][PASS_THROUGH] = True
        return PlainTextResponse("no", 404)

    async def failing(_request: Any) -> PlainTextResponse:
        raise ZeroDivisionError

    routes = [Route("/passing", passing), Route("/failing", failing)]
    client = TestClient(Starlette(debug=True, routes=routes), raise_server_exceptions=False)
    assert client.get("/passing").text == "no"
    assert client.get("/failing", headers={"accept": "text/html"}).status_code == 500
    assert watch.end() == ""
    assert client.get("/failing").status_code == 500
    assert "GET /failing -> 500" in watch.end()


def test_a_mounted_applications_document_counts(watch: Watch) -> None:
    """Its paths are without the mount's."""
    outer = FastAPI(routes=[Mount("/house", app)])
    assert TestClient(outer).get("/house/lamps/undeclared").status_code == 409
    assert "for GET /lamps/{lamp}." in watch.end()


def test_a_call_may_end_in_another_context(watch: Watch) -> None:
    """A coroutine that is closed by somebody else; other scopes pass."""
    served: list[str] = []

    async def serve(scope: Any, _receive: Any, send: Any) -> None:
        served.append(scope["type"])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404})
            await send({"type": "http.response.body", "body": b"no"})

    async def send(_message: Any) -> None:
        await asyncio.sleep(0)

    async def receive() -> None:
        """Have nothing."""

    watched = _calls.watched_asgi(serve, watch)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    call: Any = watched(scope, receive, send)
    asyncio.run(_first_step(call))
    call.close()
    assert "HTTP 404" in watch.end()
    asyncio.run(_run(watched({"type": "lifespan"}, receive, send)))
    assert served == ["http", "lifespan"]


async def _first_step(call: Any) -> None:
    call.send(None)


async def _run(call: Any) -> None:
    await call


# --- Django --------------------------------------------------------------------------------


def test_of_django_only_errors_are_read(watch: Watch) -> None:
    """A stream's body is the test's; debug pages and what is let through are left alone."""
    request = RequestFactory().get("/", headers={"accept": "text/html"})
    request.resolver_match = None
    from kaiko_pytest._django import observe_django

    def told(response: Any, *, report: bool = True) -> str:
        watch.report = report
        response.wsgi_request = request
        observe_django(watch, response)
        return watch.end()

    assert told(HttpResponse()) == ""
    assert told(HttpResponse(), report=False) == ""
    assert "HTTP 503" in told(StreamingHttpResponse([b"no"], status=503))
    with override_settings(DEBUG=True):
        assert told(HttpResponse(status=500)) == ""
    passing = HttpResponse(status=500)
    setattr(passing, PASS_THROUGH, True)
    assert told(passing) == ""


def test_ninjas_client_may_have_a_router(watch: Watch) -> None:
    """Which has no document."""
    router = Router()

    @router.get("/lamp")
    def _lamp(request: Any) -> Any:  # noqa: ARG001 - Ninja passes it
        return HttpResponse("no", status=409)

    assert NinjaClient(router).get("/lamp").status_code == 409
    assert "GET /lamp -> 409" in watch.end()


# --- over a network -------------------------------------------------------------------------


@pytest.mark.parametrize("lib", [httpx2, requests])
def test_over_a_network_the_services_urls_count(lib: Any) -> None:
    """Answers of other hosts are upstreams'."""
    from kaiko_pytest import RaiseUpstream

    watch = Watch(strict=True, report=False)
    seams = Seams(watch, ["http://service.test/"])
    seams.open()
    try:
        with RaiseUpstream() as upstreams:
            upstreams("stripe", "rejected", url="http://")
            lib.get("http://other.test/")
            assert watch.end() == ""
            lib.get("http://service.test/lamps")
            assert "GET http://service.test/lamps -> 402 card_declined" in watch.end()
    finally:
        seams.close()


def test_over_a_network_tasks_count_too() -> None:
    """Of httpx2's asynchronous client."""
    from kaiko_pytest import RaiseUpstream

    watch = Watch(strict=True, report=False)
    seams = Seams(watch, ["http://service.test/"])
    seams.open()

    async def ask() -> None:
        async with httpx2.AsyncClient() as client:
            await client.get("http://service.test/lamps")

    try:
        with RaiseUpstream() as upstreams:
            upstreams("stripe", "rejected", url="http://")
            asyncio.run(ask())
    finally:
        seams.close()
    assert "-> 402 card_declined" in watch.end()


# --- the rest --------------------------------------------------------------------------------


def test_a_module_is_patched_when_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the other finders find it; what is not there stays away."""
    monkeypatch.delitem(sys.modules, "werkzeug.test")
    watch = Watch(strict=True, report=False)
    seams = Seams(watch)
    seams.open()
    try:
        module = importlib.import_module("werkzeug.test")
        assert module.Client.run_wsgi_app.__module__ == "werkzeug.test"  # as functools.wraps has it
        assert module.Client(plain()).get("/").status_code == 404
        loader: Any = module.__loader__
        assert loader.get_source("werkzeug.test").startswith("from")
        monkeypatch.setattr(sys, "path", [])
        monkeypatch.delitem(sys.modules, "litestar.testing.transport", raising=False)
        monkeypatch.setattr(importlib.import_module("litestar.testing"), "__path__", [])
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("litestar.testing.transport")
    finally:
        seams.close()
    assert "GET / -> 404" in watch.end()


def test_the_value_of_a_secret_variable_is_a_leak(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named, its value is shown: it is in the answer."""
    monkeypatch.setenv("LAMP_PASSWORD", "correct-horse-battery")
    monkeypatch.setenv("LAMP_TOKEN", "never-shown-to-anybody")
    from kaiko_middleware import NotFoundError
    from kaiko_pytest._answers import Answer

    reply = render(NotFoundError("with correct-horse-battery"), "req-7f65ab21d1")
    watch.observe(Answer(*reply))
    assert "the value of the environment variable LAMP_PASSWORD" in watch.end()


@pytest.mark.parametrize(
    ("message", "rule"),
    [("Traceback (most recent call last):", "inside"), ("Use kaiko_live_abcdefgh0123", "key")],
)
def test_what_the_contract_calls_a_leak_is_one(watch: Watch, message: str, rule: str) -> None:
    """Once."""
    from kaiko_pytest._answers import Answer

    status, headers, body = render(LampNotFound("x"), "req-7f65ab21d1")
    body = body.replace(b'"x"', f'"{message}"'.encode())
    headers = tuple((n, str(len(body)) if n == "Content-Length" else v) for n, v in headers)
    watch.observe(Answer(status, headers, body))
    text = watch.end()
    assert "its message leaks" in text
    assert f"    {rule}: " in text
    assert "Its message shows" not in text


def test_an_operation_is_found_by_its_path() -> None:
    """The one with fewest parameters; a last parameter may take more than a segment."""
    codes = {"200": {}, "default": {"$ref": "#/components/responses/Error"}}
    item = {"get": {"responses": codes}}
    paths = {"/a/{b}": item, "/a/me": item, "/files/{path}": item, "/x/{y}/z": item, "/bad": 1}
    components = {"responses": {"Error": {"content": {"application/json": {"example": 1}}}}}
    document = Document({"paths": paths, "components": components})

    def find(path: str) -> str | None:
        found = document.find("GET", path)
        return None if found is None else found.path

    assert find("/a/me") == "/a/me"
    assert find("/a/you") == "/a/{b}"
    assert find("/files/a/b/c") == "/files/{path}"
    assert find("/x/1/z") == "/x/{y}/z"
    assert find("/x/1/2/z") is None
    assert document.find("POST", "/a/me") is None
    assert document.operations[0].codes == {"default": frozenset()}


def test_a_status_that_a_document_lacks_is_not_declared() -> None:
    """And a document that names no codes declares the status."""
    from kaiko_pytest._answers import Answer
    from kaiko_pytest._documents import Operation
    from kaiko_pytest._judge import judge

    answer = Answer(*render(LampNotFound("No"), "req-7f65ab21d1"))
    (found,) = judge(answer, Operation("", "GET", "/", {"200": frozenset()}))
    assert "It has no answer for 404." in found.text
    assert list(judge(answer, Operation("", "GET", "/", {"4XX": frozenset()}))) == []


def test_a_worker_that_sent_nothing_is_missed(pytestconfig: pytest.Config) -> None:
    """As one that crashed."""
    session = Session(pytestconfig, strict=False, report=False)
    try:
        node = SimpleNamespace(gateway=SimpleNamespace(id="gw1"))
        session.pytest_testnodedown(node, None)
        sent = Tally()
        sent.seen.add((404, "lamp_not_found"))
        sent.notes.add("why")
        node.workeroutput = {"kaiko": sent.as_json()}
        session.pytest_testnodedown(node, None)
        assert vars(session)["_lost"] == ["gw1: it sent nothing"]
        assert vars(session)["_tally"].as_json() == sent.as_json()
    finally:
        session.pytest_unconfigure()


def test_a_worker_sends_what_it_saw(pytestconfig: pytest.Config) -> None:
    """By pytest-xdist's own way; a test that fails without a finding gets no section."""
    session = Session(pytestconfig, strict=False, report=False)
    try:
        config = SimpleNamespace(workeroutput={})
        vars(session)["_config"] = config
        session.pytest_sessionfinish()
        assert {*config.workeroutput["kaiko"]} == {*vars(Tally())}
        item: Any = None
        vars(type(session))["_add_section"](session, item, "call")
    finally:
        session.pytest_unconfigure()


def test_a_package_has_no_other_names() -> None:
    """As every package says it."""
    import kaiko_pytest

    with pytest.raises(AttributeError, match=r"has no attribute 'assert_eror'"):
        kaiko_pytest.assert_eror  # noqa: B018 - the mistake


def test_flask_and_starlette_are_watched(watch: Watch) -> None:
    """By the application that they hold, which stays the test's."""
    client = flask_app.test_client()
    with client.get("/lamps/declared") as answer:
        assert_error(answer, LampNotFound)
    assert client.application is flask_app
    with client.get("/lamps/fine") as answer:
        assert answer.status_code == 204
    assert TestClient(starlette_app).get("/lamps/ghost").status_code == 404
    assert "ghost_not_found" in watch.end()

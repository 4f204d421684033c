"""What seldom happens: odd documents, peers that speak no HTTP, requests that cannot be sent."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Self

import pytest
from fastapi import FastAPI

from check.http_service import listening, serving
from check.right_services import KEY, asgi, fastapi, wsgi
from kaiko_check import (
    Options,
    Report,
    TargetError,
    load_app,
    load_target,
    run_check,
    write_baseline,
)
from kaiko_check._asgi import AsgiTarget
from kaiko_check._exchange import Limits, Request
from kaiko_check._formats import render_report
from kaiko_check._openapi import read_document
from kaiko_check._operations import _TRIES, INSTALL, _cases, operation_probes
from kaiko_check._probes import Places
from kaiko_check._run import plan_for, run_plan
from kaiko_check._wire import Address, send_alone, send_pipelined
from kaiko_check._wsgi import WsgiTarget
from kaiko_cli.main import main
from support_django import setup_django

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from kaiko_check._plan import Plan
    from kaiko_check._probe import Probe


def document(**members: Any) -> bytes:
    return json.dumps({"openapi": "3.1.0", "paths": {}, **members}).encode()


THING: dict[str, Any] = {
    "parameters": [{"$ref": "#/components/parameters/a~1b"}],
    "get": {"parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}]},
    "post": {
        "requestBody": {"$ref": "#/components/requestBodies/Thing"},
        "responses": {"200": {"description": "x"}},
    },
}
COMPONENTS = {
    "parameters": {
        "a/b": {
            "name": "size",
            "in": "query",
            "schema": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        }
    },
    "requestBodies": {
        "Thing": {
            "content": {
                "application/json": {
                    "schema": {
                        "required": ["tags", "name"],
                        "properties": {"name": {"type": "string"}, "tags": {"type": "array"}},
                    }
                }
            }
        }
    },
}


def test_what_a_document_refers_to_is_found() -> None:
    """Within itself: parameters, bodies, and one type or none."""
    found = read_document(document(paths={"/things": THING}, components=COMPONENTS))
    fields = {(field.method, field.name): field for field in found.fields(unsafe=True)}
    assert fields.keys() == {("GET", "size"), ("GET", "limit"), ("POST", "name")}
    assert fields["POST", "name"].spoiled("x") == {"name": {"x": "x"}, "tags": []}
    assert (found.first("GET"), found.first("POST")) == ("/things", "/things")


def test_a_document_may_be_yaml_or_odd() -> None:
    """What is odd in it is left out, and refers to itself without end."""
    assert read_document(b"openapi: 3.1.0\npaths: {}\n").first("GET") is None
    loop = {"$ref": "#/loop"}
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    need = {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}
    paths = {
        "/x": {"get": {"parameters": [loop]}, "post": {}, "head": 5},
        "/y/{id}": {"get": {"parameters": [path, need]}, "post": {"requestBody": {"content": 5}}},
        "/z": {"get": {"parameters": [need]}, "put": {}},
        "/w/{id}": {"get": {"parameters": [path]}},
        "/v": {"post": {"requestBody": {"content": {"application/json": {"schema": {}}}}}},
    }
    found = read_document(document(paths=paths, loop=loop))
    assert (found.first("GET"), found.first("POST")) == ("/x", "/v")
    assert [(field.path, field.name) for field in found.fields(unsafe=True)] == [("/w/{id}", "id")]
    del paths["/x"]
    assert read_document(document(paths=paths)).first("GET") is None  # all of these need more


@pytest.mark.parametrize(
    ("members", "prefix"),
    [
        ({"servers": [{"url": "https://api.example/v2/"}]}, "/v2"),
        ({"servers": [{"url": "/v2"}, {"url": "/v3"}]}, "/v2"),
        ({"servers": [{"url": "/{version}"}]}, ""),
        ({"servers": [5]}, ""),
        ({"basePath": "/v1"}, "/v1"),
        ({}, ""),
    ],
)
def test_the_paths_of_a_document_are_put_behind_its_server(
    members: dict[str, Any], prefix: str
) -> None:
    """Unless the user named it in the address already."""
    found = read_document(document(**members))
    assert found.prefix("http://127.0.0.1:8000") == prefix
    assert found.prefix(f"http://127.0.0.1:8000{prefix}") == ""


def test_yaml_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which schemathesis brings."""
    monkeypatch.setattr("kaiko_check._openapi.is_missing", lambda _name: True)
    with pytest.raises(TargetError, match="The OpenAPI document is no JSON"):
        read_document(b"openapi: 3.1.0")


def test_operations_need_schemathesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan leaves them out; whoever asks all the same is told what to install."""
    found = read_document(document())
    monkeypatch.setattr("kaiko_check._operations.is_missing", lambda _name: True)
    with pytest.raises(TargetError) as refused:
        list(operation_probes(Places(Options()), found, "", unsafe=True, cases=2))
    assert str(refused.value) == INSTALL


def test_what_cannot_be_made_or_sent_is_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation whose bad requests cannot be made has only good ones."""
    paths = {
        "/text": {
            "post": {
                "requestBody": {"content": {"text/plain": {"schema": {"type": "string"}}}},
                "responses": {"200": {"description": "x"}},
            }
        },
        "/none": {"get": {"responses": {"200": {"description": "x"}}}},
        "/form": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {
                                "type": "object",
                                "required": ["a"],
                                "properties": {"a": {"type": "integer"}},
                            }
                        }
                    },
                },
                "responses": {"200": {"description": "x"}},
            }
        },
    }
    found = read_document(document(paths=paths, info={"title": "x", "version": "1"}))
    places = Places(Options(headers=(("Authorization", "Bearer x"),)))
    probes = list(operation_probes(places, found, "/v2", unsafe=False, cases=3))
    assert {probe.requests[0].target for probe in probes} == {"/v2/none"}
    assert all(probe.requests[0].values("authorization") == ["Bearer x"] for probe in probes)
    probes = list(operation_probes(places, found, "", unsafe=True, cases=1))
    assert {probe.requests[0].method for probe in probes} == {"GET", "POST"}
    assert all("User-Agent" not in dict(probe.requests[0].headers) for probe in probes)
    requests = pytest.importorskip("requests")

    def refuse(*_arguments: Any, **_named: Any) -> None:
        raise ValueError

    monkeypatch.setattr(requests, "Request", refuse)
    assert list(operation_probes(places, found, "", unsafe=True, cases=1)) == []


def test_an_operation_that_nothing_can_spoil_is_given_up_soon() -> None:
    """Not after hundreds of cases, which took most of a run."""
    strategies = pytest.importorskip("hypothesis.strategies")
    tries: list[int] = []

    class Unspoiled:
        def as_strategy(self, generation_mode: object) -> Any:
            del generation_mode
            return strategies.integers().map(tries.append).filter(lambda _: False)

    assert _cases(Unspoiled(), None, 1) == []
    assert 0 < len(tries) <= 3 * _TRIES  # a filter tries three times


# --- the wire --------------------------------------------------------------------------


class OncePerConnection(BaseHTTPRequestHandler):
    """Closes a kept connection when a second request comes, as a server does after a crash."""

    protocol_version = "HTTP/1.1"
    answered = False

    def do_GET(self) -> None:
        if self.answered:
            self.close_connection = True
            return
        self.answered = True
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


def test_a_connection_that_was_closed_meanwhile_is_no_missing_answer() -> None:
    """The request is sent again on a new one; what fails twice is reported."""
    asked = Request("GET", "/", (("Host", "a"),))
    with listening(OncePerConnection) as url:
        target = load_target(url)
        answers = [target.send(asked, Limits(10)) for _ in range(2)]
        target.close()
    assert [answer.status for answer in answers] == [200, 200]


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_a_long_body_is_cut_in_process_too(kind: str) -> None:
    """In one piece as well: the report is the same as at an address."""

    async def app(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 9})

    def wsgi_app(_environ: object, start: Any) -> list[bytes]:
        start("404 Not Found", [])
        return [b"x" * 9]

    target = AsgiTarget(app, "app") if kind == "asgi" else WsgiTarget(wsgi_app, "app")
    answer = target.send(Request("GET", "/", ()), Limits(10, 8))
    target.close()
    assert (answer.body, answer.end) == (b"x" * 8, "unread")


def test_an_application_that_fails_as_it_is_called_fails_in_its_request() -> None:
    """A function that is no coroutine's, and refuses what it does not know."""

    async def answer(_scope: Any, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    def app(scope: Any, receive: object, send: object) -> Any:
        if scope["type"] != "http" or scope["path"] != "/":
            raise RuntimeError("What is this?")
        return answer(scope, receive, send)

    target = AsgiTarget(app, "app")  # it has no lifespan, as servers see it
    answers = [target.send(Request("GET", path), Limits(10)) for path in ("/", "/x")]
    target.close()
    assert [answer.status for answer in answers] == [404, 500]


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_application_that_exits_fails_in_its_request(kind: str) -> None:
    """The requests after it are answered as before."""

    async def app(scope: Any, _receive: object, send: Any) -> None:
        if scope["path"] == "/exit":
            sys.exit("no")
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    def wsgi_app(environ: Any, start: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/exit":
            sys.exit("no")
        start("404 Not Found", [])
        return []

    target = AsgiTarget(app, "app") if kind == "asgi" else WsgiTarget(wsgi_app, "app")
    answers = [target.send(Request("GET", path), Limits(2)) for path in ("/exit", "/")]
    target.close()
    assert [answer.status for answer in answers] == [500, 404]


def test_an_application_that_exits_at_its_startup_does_not_start() -> None:
    """Starlette says so before it exits."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: object) -> AsyncGenerator[None]:
        sys.exit("SECRET is missing")
        yield

    with pytest.raises(TargetError, match=r"app does not start: (?s:.*)SECRET is missing"):
        AsgiTarget(FastAPI(lifespan=lifespan), "app")


def test_an_application_that_blocks_its_startup_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time to start holds where the loop is blocked as well."""
    monkeypatch.setattr("kaiko_check._asgi._START_SECONDS", 0.01)
    never = threading.Event()

    async def app(_scope: object, _receive: object, _send: object) -> None:
        never.wait(0.3)

    with pytest.raises(TargetError, match="app does not start: there is no answer within 0 s"):
        AsgiTarget(app, "app")


def test_an_application_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread ends with the process."""
    monkeypatch.setattr("kaiko_check._asgi._STOP_SECONDS", 0.05)
    go_on = threading.Event()

    async def app(_scope: object, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        go_on.wait(30)

    before = threading.active_count()
    target = AsgiTarget(app, "app")
    target.close()
    assert threading.active_count() == before + 1
    go_on.set()
    target._thread.join()
    while left := asyncio.all_tasks(target._loop):  # what was to end the rest, and the rest
        with contextlib.suppress(asyncio.CancelledError):
            target._loop.run_until_complete(asyncio.wait(left, timeout=2))
    target._loop.close()


@contextlib.contextmanager
def peer(*answers: bytes) -> Generator[Address]:
    """Listen once, say something, and close."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for answer in answers:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address("127.0.0.1", port, f"127.0.0.1:{port}", "", tls=False)
        finally:
            thread.join()


def test_a_peer_that_speaks_no_http_gives_no_answer() -> None:
    """Alone, pipelined, and to a client."""
    head, limits = Request("HEAD", "/"), Limits(5)
    with peer(b"220 mail.example ESMTP\r\n") as address:
        assert send_alone(address, head, limits).note == "the answer is no HTTP"
    with peer() as address:
        assert send_alone(address, head, limits).note == "no answer in time"
    with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as address:
        assert len(send_pipelined(address, [head, head], limits)) == 1
    with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") as address:
        target = load_target(f"http://{address.netloc}")
        answer = target.send(Request("GET", "/"), limits)
        assert (answer.body, answer.end) == (b"abc", "cut")
        target.close()


def test_a_peer_that_does_not_close_is_waited_for_once() -> None:
    """What came until then is the answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address("127.0.0.1", listener.getsockname()[1], "h", "", tls=False)
        assert send_alone(address, Request("HEAD", "/"), Limits(0.05)).status == 0
        target = load_target(f"http://127.0.0.1:{address.port}")
        answer = target.send(Request("GET", "/"), Limits(0.05))
        assert answer.note == "no answer in time"
        target.close()


def test_what_comes_alone_is_bounded() -> None:
    """A peer that sends without end after its head is left."""
    with peer(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 300_000) as address:
        answer = send_alone(address, Request("HEAD", "/"), Limits(5, body=1000))
    assert 0 < len(answer.body) < 300_000


def test_what_came_before_a_reset_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer had answered."""
    parts = iter([b"HTTP/1.1 200 OK\r\n\r\n"])

    class Resetting:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_exc: object) -> None: ...

        def sendall(self, data: bytes) -> None: ...

        def recv(self, _size: int) -> bytes:
            for part in parts:
                return part
            raise ConnectionResetError

    monkeypatch.setattr("kaiko_check._wire._connect", lambda *_arguments: Resetting())
    address = Address("127.0.0.1", 9, "h", "", tls=False)
    answer = send_alone(address, Request("HEAD", "/"), Limits(5))
    assert (answer.status, answer.body) == (200, b"")


def test_https_that_is_none_gives_no_answer() -> None:
    """The socket is closed."""
    with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        answer = send_alone(address._replace(tls=True), Request("HEAD", "/"), Limits(5))
    assert answer.status == 0


def test_what_no_client_can_send_is_not_judged() -> None:
    """It is our fault, not the service's."""
    with serving("") as url:
        target = load_target(url)
        answer = target.send(Request("GET", "/", (("X", "a\nb"),)), Limits(5))
        target.close()
    assert answer.end == "unsent"


@pytest.mark.parametrize("make", [asgi, wsgi])
def test_an_application_has_no_connection(make: Any) -> None:
    """Nothing can be pipelined to it."""
    target = load_app(make(), "app")
    assert target.pipeline([Request("GET", "/")], Limits()) is None
    target.close()


def test_an_answer_that_stops_half_way_is_waited_for_once() -> None:
    """As long as the user said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def serve() -> None:
            connection, _ = listener.accept()
            kept.append(connection)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nabc")

        thread = threading.Thread(target=serve)
        thread.start()
        target = load_target(f"http://127.0.0.1:{listener.getsockname()[1]}")
        answer = target.send(Request("GET", "/"), Limits(0.2))
        thread.join()
        target.close()
        kept[0].close()
    assert (answer.body, answer.end) == (b"abc", "unread")


# --- runs ------------------------------------------------------------------------------


def checked(app: object, **options: Any) -> Report:
    target = load_app(app, "app")
    try:
        return run_check(target, Options(**options))
    finally:
        target.close()


def test_requests_that_cannot_be_sent_are_not_judged() -> None:
    """A header of the user's that is none."""
    with serving("") as url:
        target = load_target(url)
        few = frozenset({"concurrent", "methods"})
        report = run_check(target, Options(headers=(("X", "a\nb"),), openapi="", rate=0, skip=few))
        target.close()
    assert [finding.probe for finding in report.findings] == []


def test_pipelined_requests_may_have_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a server closes the connection: none of its answers is judged."""
    monkeypatch.setattr("kaiko_check._url.send_pipelined", lambda *_arguments: [])
    with serving("") as url:
        target = load_target(url)
        report = run_check(target, Options(openapi="", rate=0))
        target.close()
    assert ("concurrent", "pipelined requests") in report.asked
    assert not any(finding.probe == "pipelined requests" for finding in report.findings)


def test_no_more_than_the_plan_is_sent() -> None:
    """Though there were more probes."""
    target = load_app(wsgi(), "app")
    progress = Silent()
    plan = plan_for(target, Options(openapi=""), progress)
    small = plan._replace(counts={"paths": 2})
    assert run_plan(target, Options(openapi=""), small, progress).sent == 2


class Silent:
    def searching(self, places: int) -> None: ...

    def planned(self, plan: Plan) -> None: ...

    def answered(self, probe: Probe, sent: int, total: int, breaches: int) -> None: ...


def test_without_a_path_for_bodies_a_note_says_so() -> None:
    """And the rest is asked, also without the paths that others are compared with."""
    report = checked(wsgi(), unsafe=True, openapi="", skip=frozenset({"paths"}))
    assert "No path that takes a body is known: name one" in report.notes[0]
    assert not report.planned.keys() & {"paths", "bodies"}


def test_fields_behind_a_key_are_not_judged() -> None:
    """A 401 says nothing of a field."""
    app = fastapi()
    report = checked(app, unsafe=True, skip=frozenset({"operations"}))
    assert report.planned["fields"] == 3
    assert report.findings == ()


def test_a_document_without_safe_operations_has_nothing_to_ask() -> None:
    """Unless the user decides."""
    text = document(paths={"/x": {"post": {}}})

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        found = environ["PATH_INFO"] == "/openapi.json"
        start("200 OK" if found else "404 Not Found", [])
        return [text if found else b""]

    assert "operations" not in checked(app).planned


def test_an_asgi_application_that_raises_is_answered_as_a_server_does() -> None:
    """HEAD without a body. What comes after an answer does not count."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            raise RuntimeError
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.trailers"})
        await send({"type": "http.response.body", "body": b"x"})
        await send({"type": "http.response.body", "body": b"more"})
        assert (await receive())["type"] == "http.disconnect"

    report = checked(app, openapi="")
    assert "id.header" in {finding.clause.id for finding in report.findings}
    assert not {finding.clause.id for finding in report.findings} & {"answer.given", "head.body"}


def test_an_interrupt_while_an_asgi_application_works_is_an_end() -> None:
    """The call is cancelled, and the report is there."""

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        if scope["type"] == "http":
            os.kill(os.getpid(), signal.SIGINT)  # like Ctrl-C: to the thread that waits
            await asyncio.Event().wait()
        raise RuntimeError

    report = checked(app, openapi="")
    assert report.interrupted
    assert report.sent == 1


def test_a_project_of_django_is_named_by_its_settings(capsys: Any) -> None:
    """On the command line, with a number of requests for each operation."""
    setup_django()
    words = ["--django", "django_project.settings", "--cases", "3", "--skip", "ids", "--plan"]
    assert main(["check", *words]) == 0
    assert "requests to Django with django_project.settings" in capsys.readouterr().out


def test_what_cannot_be_called_is_no_application() -> None:
    """Though it seems so."""

    class Odd:
        __signature__ = 5

        def __call__(self) -> None:
            """Do nothing."""

    with pytest.raises(TargetError, match="is no ASGI and no WSGI application"):
        load_app(Odd(), "odd")


@pytest.mark.parametrize("fmt", ["table", "markdown"])
def test_a_report_names_who_answered(fmt: Any) -> None:
    """And one breach alone has no others."""
    module = importlib.import_module("check.bare.flask_app")
    report = checked(module.app, openapi="", skip=frozenset({"ids", "cors", "headers", "methods"}))
    text = render_report(report, fmt)
    assert "Answered by: Flask" in text
    single = replace(report, findings=report.findings[:1], frameworks=())
    assert "Also: " not in render_report(single, fmt)


def test_a_terminal_gets_a_table_and_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """And after Ctrl-C the code that shells know."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    words = ["check", "check.right_app:app", "--header", f"x-api-key: {KEY}", "--path", "/items"]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert "nothing found." in captured.out
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)

    def interrupted(*_arguments: Any) -> Report:
        return Report(target="x", planned={"paths": 6}, sent=2, interrupted=True)

    monkeypatch.setattr("kaiko_check.command.run_plan", interrupted)
    assert main(words) == 130


# --- reports ---------------------------------------------------------------------------


def test_an_interrupted_run_is_no_baseline(tmp_path: Path) -> None:
    """It would say that what was not asked is fine; and each format says that it is not all."""
    report = Report(target="x", planned={"paths": 6}, sent=2, interrupted=True)
    with pytest.raises(TargetError, match="An interrupted run is no baseline"):
        write_baseline(str(tmp_path / "known.json"), report)
    assert '<error message="Interrupted after 2 of 6 requests' in render_report(report, "junit")
    assert '"executionSuccessful": false' in render_report(report, "sarif")
    assert '"interrupted": true' in render_report(report, "json")
    assert "Interrupted after 2 of 6 requests" in render_report(report, "markdown")

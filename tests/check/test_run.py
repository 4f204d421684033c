"""What a run promises beside its findings: no more than was said, to no other host, and an end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel

from check.http_service import listening, serving
from kaiko_check import Options, TargetError, load_app, load_target, run_check

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_check import Report

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND"}


class Recorder:
    """A WSGI application that is bare, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ))
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Not Found"]


def checked(app: object, options: Options) -> Report:
    target = load_app(app, "app")
    try:
        return run_check(target, options)
    finally:
        target.close()


# --- no more than was said -------------------------------------------------------------


def test_no_more_requests_are_sent_than_were_planned() -> None:
    """But those that look for a document, of which there are five at most."""
    app = Recorder()
    report = checked(app, Options(unsafe=True, paths=("/", "POST /items")))
    assert report.sent == report.total == sum(report.planned.values())
    assert len(app.asked) == report.sent + 5


def test_nothing_that_could_change_data_is_sent_by_default() -> None:
    """To no path, known or unknown; --unsafe is a decision."""
    app = Recorder()
    report = checked(app, Options(paths=("/", "POST /items")))
    assert {method for method, _, _ in app.asked} == SAFE
    assert "POST, PUT, PATCH and DELETE are not sent" in report.notes[0]


def one_path() -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/items")
    def items() -> str:
        return "none"

    return app


def noted(app: FastAPI, options: Options) -> str:
    return "\n".join(checked(app, options).notes)


def test_it_says_that_no_success_was_checked() -> None:
    """A path that is not there is compared with nothing; a path that is there says nothing."""
    app = one_path()
    assert "The known path is answered with 404, so no success" in noted(app, Options())
    assert "The known path" not in noted(app, Options(paths=("/items",)))


def test_it_says_that_cors_was_not_checked() -> None:
    """Where no answer allows the origin: only the user knows one that the service allows."""
    app = one_path()
    app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])
    allowed = Options(paths=("/items",), origin="https://shop.example")
    said = "CORS was not checked, since https://kaiko-check.invalid is not allowed"
    assert said in noted(app, Options(paths=("/items",)))
    assert "CORS" not in noted(app, allowed)
    assert "CORS" not in noted(app, Options(paths=("/items",), skip=frozenset({"cors"})))


def test_a_preflight_asks_only_for_headers_that_the_service_takes() -> None:
    """Whoever takes no key need not allow its header; whoever takes one must."""
    app = one_path()
    app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])
    options = Options(paths=("/items",), origin="https://shop.example")
    keyed = replace(options, headers=(("X-API-Key", "k"),))
    clauses = [{each.clause.id for each in checked(app, o).findings} for o in (options, keyed)]
    assert ["cors.preflight" in found for found in clauses] == [False, True]


def test_each_kind_can_be_left_out() -> None:
    """And nothing of it is sent."""
    app = Recorder()
    kinds = frozenset({"ids", "cors", "keys", "headers", "methods"})
    report = checked(app, Options(skip=kinds, openapi=""))
    assert not report.planned.keys() & kinds
    assert not any("HTTP_X_REQUEST_ID" in environ for _, _, environ in app.asked)


def test_requests_come_at_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of twenty a second at an address, unless another one is wanted."""
    waits: list[float] = []
    now = itertools.count()

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return next(now) / 1e6 + sum(waits)

        @staticmethod
        def sleep(seconds: float) -> None:
            waits.append(seconds)

    monkeypatch.setattr("kaiko_check._run.time", Clock)
    skip = frozenset({"ids", "cors", "keys", "headers", "methods", "compression", "concurrent"})
    with serving("") as url:
        target = load_target(url)
        run_check(target, Options(skip=skip, openapi=""))
        assert waits == pytest.approx([0.05] * 5, abs=0.001)
        waits.clear()
        run_check(target, Options(skip=skip, openapi="", rate=2))
        assert waits == pytest.approx([0.5] * 5, abs=0.001)
        target.close()


# --- to no other host ------------------------------------------------------------------


def test_no_redirect_is_followed() -> None:
    """To another host or to the same: what is there was not named."""
    visitors: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visitors.append(self.path)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    with listening(Other) as elsewhere:

        class Redirecting(Other):
            def do_GET(self) -> None:
                self.send_response(307)
                self.send_header("Location", f"{elsewhere}/away")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_OPTIONS = do_TRACE = do_PROPFIND = do_GET  # noqa: N815 - the library's

        with listening(Redirecting) as url:
            target = load_target(url)
            report = run_check(target, Options(rate=0))
            target.close()
    assert visitors == []
    assert {finding.clause.id for finding in report.findings} == {"id.on-redirect"}


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is a host that was not named."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serving("") as url:
        target = load_target(url)
        assert run_check(target, Options(rate=0, openapi="")).findings == ()
        target.close()


def test_the_path_of_an_address_is_a_prefix() -> None:
    """Of every request, and nothing outside of it is asked."""
    paths: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_OPTIONS = do_TRACE = do_PROPFIND = do_GET  # noqa: N815 - the library's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    with listening(Noting) as url:
        target = load_target(f"{url}/v2/")
        run_check(target, Options(rate=0))
        target.close()
    assert all(path.startswith("/v2/") for path in paths)


# --- an end ----------------------------------------------------------------------------


class Endless(BaseHTTPRequestHandler):
    """Streams without end, whatever is asked."""

    def do_GET(self) -> None:
        self.send_response(404 if "kaiko" in self.path else 200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"data: " + b"x" * 65_536 + b"\n\n")

    do_HEAD = do_OPTIONS = do_TRACE = do_PROPFIND = do_GET  # noqa: N815 - names of the library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


async def endless(_scope: Any, _receive: Any, send: Any) -> None:
    """Streams without end, also where a lifespan is asked for."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})


def endless_wsgi(_environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    start("404 Not Found", [])
    return itertools.repeat(b"x" * 65_536)


def test_memory_is_bounded_at_a_service_that_streams_without_end() -> None:
    """At an address and in process: a few answers' worth, however long it would go on."""
    skip = frozenset({"concurrent", "ids", "headers", "keys", "cors", "compression", "methods"})
    options = Options(openapi="", rate=0, timeout=20, streams=("/events",), skip=skip)
    tracemalloc.start()
    try:
        with listening(Endless) as url:
            target = load_target(url)
            reports = [run_check(target, options)]
            target.close()
        reports += [checked(app, options) for app in (endless, endless_wsgi)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 1024 * 1024
    for report in reports:
        found = {finding.clause.id for finding in report.findings}
        assert "envelope.endless" in found
        assert report.sent == report.total


async def drip(_scope: Any, _receive: Any, send: Any) -> None:
    """Sends a start, and then an event again and again: no single wait is long."""
    start = {"type": "http.response.start", "status": 200, "headers": []}
    await send({**start, "headers": [(b"content-type", b"text/event-stream")]})
    while True:
        await send({"type": "http.response.body", "body": b": \n\n", "more_body": True})
        await asyncio.sleep(0)


def blocking(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
    """Starts an answer, and then waits for nothing."""
    start("200 OK", [])
    if environ["PATH_INFO"] == "/":
        yield b"x"
    threading.Event().wait(1)


async def blocking_asgi(scope: Any, _receive: Any, _send: Any) -> None:
    """Blocks the event loop itself."""
    if scope["type"] == "http":
        threading.Event().wait(1.3)


def test_the_time_for_a_request_is_bounded() -> None:
    """Whatever an application does; what came until then is judged."""
    few = frozenset({"concurrent", "ids", "headers", "keys", "cors", "compression", "methods"})
    options = Options(openapi="", timeout=0.05, stream_seconds=0.05, skip=few)
    started = time.monotonic()
    assert {finding.probe for finding in checked(drip, options).findings} != set()
    late = {finding.clause.id for finding in checked(blocking, options).findings}
    assert "answer.in-time" in late
    assert time.monotonic() - started < 30


def test_an_application_that_blocks_its_loop_is_named() -> None:
    """A server would hang with it."""
    target = load_app(blocking_asgi, "blocking")
    try:
        with pytest.raises(TargetError, match="the application blocks its event loop"):
            run_check(target, Options(timeout=0.01))
    finally:
        target.close()


def test_an_interrupt_ends_a_run_with_what_it_has() -> None:
    """What was asked until then is in the report, and says that it is not all."""
    numbers = itertools.count(1)

    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        if next(numbers) == 5:
            signal.raise_signal(signal.SIGINT)
        start("404 Not Found", [])
        return [b""]

    check_interrupted(checked(app, Options(openapi="")))


def test_an_interrupt_cancels_what_is_asked() -> None:
    """Also of an application that would go on."""
    numbers = itertools.count(1)
    cancelled: list[int] = []

    async def app(scope: Any, _receive: object, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("There is no lifespan")
        if (number := next(numbers)) == 5:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.append(number)
                raise
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body"})

    check_interrupted(checked(app, Options(openapi="", timeout=60)))
    assert cancelled == [5]


def check_interrupted(report: Report) -> None:
    assert report.interrupted
    assert 4 <= report.sent <= 6
    assert report.findings
    assert report.outcome().startswith(f"Interrupted after {report.sent} of {report.total} ")


def test_ctrl_c_ends_the_command_at_once(tmp_path: Any) -> None:
    """With the report, and the exit code that shells know; without a traceback."""
    asked = threading.Semaphore(0)

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            asked.release()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    with listening(Slow) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "kaiko_cli.main", "check", url, "--rate", "1", "--no-openapi"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        )
        for _ in range(2):
            assert asked.acquire(timeout=60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted after " in out
    assert "id.header" in out
    assert "Traceback" not in out + err


# --- the OpenAPI document --------------------------------------------------------------


class Body(BaseModel):
    name: str
    number: int


def many(operations: int) -> FastAPI:
    """A service with that many operations, half of which take a body."""
    app = FastAPI()
    for number in range(operations // 2):

        @app.get(f"/things{number}/{{thing_id}}")
        async def read(thing_id: int, limit: int = 1) -> dict[str, int]:
            return {"thing": thing_id, "limit": limit}

        @app.post(f"/things{number}")
        async def create(body: Body) -> Body:
            return body

    return app


def test_every_operation_of_the_document_is_asked() -> None:
    """With what fits the document, and with what does not."""
    report = checked(many(20), Options(unsafe=True))
    asked = [name for kind, name in report.asked if kind == "operations"]
    assert report.planned["operations"] == 40 >= len(asked) > 36
    assert len({name.partition(",")[0] for name in asked}) == 20
    assert {finding.framework for finding in report.findings} == {"FastAPI"}


def test_operations_that_could_change_data_need_a_decision() -> None:
    """As everything does that is not safe."""
    report = checked(many(6), Options())
    assert report.planned["operations"] == 6
    assert {name.partition(" ")[0] for kind, name in report.asked if kind == "operations"} == {
        "GET"
    }


def served_document(document: Any) -> Recorder:
    """An application whose only success is its document."""

    class Documented(Recorder):
        def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
            answer = super().__call__(environ, start)
            if environ["PATH_INFO"] != "/openapi.json":
                return answer
            start("200 OK", [("Content-Type", "application/json")])
            return [document if isinstance(document, bytes) else str(document).encode()]

    return Documented()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"{", "neither JSON nor YAML"),
        (b"[]", "It is no OpenAPI document"),
        (b'{"openapi": "3.1.0"}', "It is no OpenAPI document"),
        (
            b'{"openapi": "3.1.0", "paths": {"/x": {"$ref": "http://127.0.0.1:9/x.json"}}}',
            "refers to another place: http://127.0.0.1:9/x.json",
        ),
        (b'{"openapi": "3.1.0", "paths": ' + b"[" * 300 + b"]" * 300 + b"}", "nested too deep"),
    ],
)
def test_a_document_that_cannot_be_used_is_said(document: bytes, said: str) -> None:
    """If the user named it; one that was found is left alone."""
    with pytest.raises(TargetError, match=said):
        checked(served_document(document), Options(openapi="/openapi.json"))
    assert "No OpenAPI document was found" in checked(served_document(document), Options()).notes[1]


def test_without_schemathesis_the_rest_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the report says what to install."""
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    monkeypatch.setattr("kaiko_check._plan.is_missing", lambda name: name == "schemathesis")
    report = checked(many(2), Options())
    assert "operations" not in report.planned
    assert "fields" in report.planned
    assert any("pip install 'kaiko-middleware[check]'" in note for note in report.notes)


def test_a_document_that_schemathesis_cannot_read_is_said() -> None:
    """The other probes are sent all the same."""
    document = b'{"openapi": "9.9", "paths": {"/x": {"get": {"responses": 5}}}}'
    report = checked(served_document(document), Options())
    assert any("schemathesis cannot read" in note for note in report.notes)
    assert report.sent > 50

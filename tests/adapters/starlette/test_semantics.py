"""Without errors an application behaves as it did before, byte for byte but for the one header."""

from __future__ import annotations

import re
import tempfile
from contextlib import asynccontextmanager
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from adapters.asgi.loopback import PROTOCOLS, Protocol, fetch, run, serving
from adapters.asgi.server import ask
from adapters.starlette.stacks import STACKS, Adopt, added
from kaiko_middleware import Config, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

    from adapters.asgi.server import Answer
    from kaiko_asgi import Receive, Scope, Send

_FOLDER = Path(tempfile.mkdtemp(prefix="kaiko-semantics-"))
(_FOLDER / "file.txt").write_text("0123456789" * 20_000)
(_FOLDER / "index.html").write_text("<h1>index</h1>")


async def _chunks() -> AsyncIterator[str]:
    for number in range(5):
        yield f"chunk {number}\n"


def _sync_chunks() -> Iterator[bytes]:
    yield b"a"
    yield b""
    yield b"b"


def _cookies(_request: Request) -> Response:
    response = JSONResponse({"a": "é"})
    response.set_cookie("a", "1", httponly=True)
    response.set_cookie("b", "2", max_age=3)
    response.delete_cookie("c")
    return response


async def _session(request: Request) -> Response:
    return JSONResponse({"visits": request.session.setdefault("visits", 1)})


async def _echo(request: Request) -> Response:
    return JSONResponse(
        {
            "body": (await request.body()).decode(),
            "query": dict(request.query_params),
            "path": dict(request.path_params),
            "url": str(request.url),
            "root": request.scope.get("root_path"),
        }
    )


class Both(HTTPEndpoint):
    """A class view."""

    async def get(self, _request: Request) -> Response:
        """Answer."""
        return HTMLResponse("<p>both</p>")

    def post(self, _request: Request) -> Response:
        """Answer from a thread."""
        return Response(status_code=204)


async def _raw(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(scope["path"])(scope, receive, send)


def _raise(status: int, **headers: str) -> Any:
    async def endpoint(_request: Request) -> Response:
        raise HTTPException(status, "detail", headers or None)

    return endpoint


class Custom(Exception):
    """An exception of the service's own, that its own handler answers with a success."""


async def _custom(_request: Request) -> Response:
    raise Custom


async def _handled(_request: Request, _exc: Exception) -> Response:
    return PlainTextResponse("handled", 202)


async def _early(request: Request) -> Response:
    hints = getattr(request, "send_early_hints", None)  # newer than the oldest Starlette
    if hints is not None:
        await hints("</style.css>; rel=preload")
    return PlainTextResponse("hinted")


def _file(_request: Request) -> Response:
    return FileResponse(_FOLDER / "file.txt", filename="n\xe4me.txt")


class Base(BaseHTTPMiddleware):
    """Sets a header on the way out, and reads the state that views set."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Pass on."""
        request.state.early = "set"
        response = await call_next(request)
        response.headers["x-base"] = getattr(request.state, "late", "none")
        return response


async def _state(request: Request) -> Response:
    request.state.late = request.state.early + " late"
    return JSONResponse({"app": request.app.state.name, "early": request.state.early})


_MOUNTED = Starlette(routes=[Route("/", _echo), Route("/{name}", _echo)])


def make() -> Starlette:
    """Return the application, bare."""
    methods = ["GET", "POST"]
    app = Starlette(
        routes=[
            Route("/text", lambda _: PlainTextResponse("text é")),
            Route("/empty", lambda _: Response()),
            Route("/no-content", lambda _: Response(status_code=204)),
            Route("/bytes", lambda _: Response(b"\0\xff", media_type="application/octet-stream")),
            Route("/cookies", _cookies),
            Route("/redirect", lambda _: RedirectResponse("/text?a=ü")),
            Route("/stream", lambda _: StreamingResponse(_chunks(), media_type="text/plain")),
            Route(
                "/sync-stream", lambda _: StreamingResponse(_sync_chunks(), headers={"x-a": "1"})
            ),
            Route(
                "/events", lambda _: StreamingResponse(_chunks(), media_type="text/event-stream")
            ),
            Route("/nothing", lambda _: StreamingResponse(iter(()), status_code=206)),
            Route("/file", _file),
            Route("/session", _session),
            Route("/echo/{name:path}", _echo, methods=methods),
            Route("/both", Both),
            Route("/raise-204", _raise(204)),
            Route("/raise-302", _raise(302, Location="/text")),
            Route("/raise-304", _raise(304, ETag='"a"')),
            Route("/raise-204-headers", _raise(204, **{"X-A": "1"})),
            Route("/custom", _custom),
            Route("/early", _early),
            Route("/state", _state),
            Route("/slash/", lambda _: PlainTextResponse("slash")),
            Mount("/mount", _MOUNTED),
            Mount("/raw", _raw),
            Mount("/static", StaticFiles(directory=_FOLDER, html=True)),
            Host("other", Router([Route("/text", lambda _: PlainTextResponse("other host"))])),
        ],
        middleware=[
            Middleware(SessionMiddleware, secret_key="secret"),
            Middleware(CORSMiddleware, allow_origins=["https://a.example"], expose_headers=["X-A"]),
            Middleware(GZipMiddleware, minimum_size=100),
            Middleware(Base),
        ],
        exception_handlers={Custom: _handled},
    )
    app.state.name = "the app"
    return app


_ORIGIN = ("Origin", "https://a.example")
_REQUESTS: list[tuple[str, str, tuple[tuple[str, str], ...], bytes]] = [
    *(
        ("GET", path, (), b"")
        for path in (
            "/text",
            "/empty",
            "/no-content",
            "/bytes",
            "/cookies",
            "/redirect",
            "/stream",
            "/sync-stream",
            "/events",
            "/nothing",
            "/file",
            "/session",
            "/echo/a/b?x=1&y=%C3%A9",
            "/both",
            "/raise-204",
            "/raise-302",
            "/raise-304",
            "/raise-204-headers",
            "/custom",
            "/early",
            "/state",
            "/slash",
            "/mount/",
            "/mount/inner?x=1",
            "/raw/path",
            "/static/",
            "/static/file.txt",
        )
    ),
    ("HEAD", "/text", (), b""),
    ("HEAD", "/file", (), b""),
    ("HEAD", "/stream", (), b""),
    ("POST", "/both", (), b"x"),
    ("POST", "/echo/a", (), b"body" * 1000),
    ("GET", "/text", (_ORIGIN,), b""),
    ("OPTIONS", "/text", (_ORIGIN, ("Access-Control-Request-Method", "GET")), b""),
    ("GET", "/file", (("Range", "bytes=0-9"),), b""),
    ("GET", "/file", (("Range", "bytes=0-9,100-109"),), b""),
    ("GET", "/file", (("Range", "bytes=-5"), ("If-Range", '"none"')), b""),
    ("GET", "/static/file.txt", (("If-None-Match", "*"),), b""),
    ("GET", "/stream", (("Accept-Encoding", "gzip"),), b""),
    ("GET", "/static/file.txt", (("Accept-Encoding", "gzip"),), b""),
    ("GET", "/text", (("Host", "other"),), b""),
]


# What is made up anew for each answer: a boundary, and the times in cookies and in gzip's head.
_FRESH = re.compile(r"(boundary=|expires=|session=[^.]*\.)[^;]*")
_GZIP = b"\x1f\x8b\x08"


def _normal(answer: Answer) -> object:
    """Return what is compared."""
    status, headers, body, whole = answer.without_id()
    for name, value in headers:
        if name == "content-type" and "boundary=" in value:
            body = body.replace(value.rpartition("=")[2].encode(), b"")
    if body.startswith(_GZIP):
        body = body[:4] + body[8:]
    return status, [(name, _FRESH.sub(r"\1", value)) for name, value in headers], body, whole


@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
@pytest.mark.parametrize("spec", ["2.0", "2.4"])
@pytest.mark.parametrize("config", [None, Config(hold_event_streams=True, reraise=False)])
def test_answers_are_what_they_were(adopt: Adopt, spec: str, config: Config | None) -> None:
    """Every kind of success, redirect and conditional answer, through middleware and mounts."""
    with_it, without = adopt(make(), config), make()
    for method, path, headers, body in _REQUESTS:
        mine = ask(with_it, path, method=method, headers=headers, body=(body,), spec=spec)
        bare = ask(without, path, method=method, headers=headers, body=(body,), spec=spec)
        assert _normal(mine) == _normal(bare), (method, path)
        assert bare.status < 400, (method, path)
        assert bare.raised is mine.raised is None
        assert mine.id
        assert mine.headers[-1][0] == "x-request-id"


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
def test_they_are_over_a_socket_too(adopt: Adopt, http: Protocol) -> None:
    """What a client of uvicorn reads is the same."""

    async def main() -> None:
        async with serving(adopt(make(), None), http) as port, serving(make(), http) as bare_port:
            for method, path, headers, body in _REQUESTS:
                ports = port, bare_port
                mine, bare = [
                    await fetch(
                        each,
                        path,
                        method=method,
                        headers=[("Host", "same"), *headers] if path != "/text" else headers,
                        body=(body,),
                    )
                    for each in ports
                ]
                assert _normal(mine) == _normal(bare), (method, path)
                assert mine.id

    run(main())


_EXTENSIONS: dict[str, dict[str, object]] = {
    "http.response.pathsend": {},
    "http.response.early_hint": {},
    "http.response.trailers": {},
}


@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
@pytest.mark.parametrize("path", ["/file", "/early", "/stream", "/text"])
def test_extensions_of_a_server_are_used_as_before(adopt: Adopt, path: str) -> None:
    """Files by their path, early hints: the events are the same, but for the id in the head."""

    def events(app: Any) -> list[dict[str, Any]]:
        seen = ask(app, path, extensions=_EXTENSIONS).events
        return [
            {
                **event,
                "headers": [
                    pair for pair in event.get("headers", ()) if pair[0] != b"x-request-id"
                ],
            }
            for event in seen
        ]

    assert events(adopt(make(), None)) == events(make())


@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
class TestAround:
    """What happens around an answer."""

    def test_background_tasks_run_after_the_answer(self, adopt: Adopt) -> None:
        """On success and on an error that is rewritten alike."""
        ran: list[str] = []

        def endpoint(request: Request) -> Response:
            tasks = BackgroundTasks([BackgroundTask(ran.append, "first")])
            tasks.add_task(ran.append, "second")
            return PlainTextResponse("x", int(request.query_params["s"]), background=tasks)

        app = adopt(Starlette(routes=[Route("/", endpoint)]), None)
        assert [ask(app, f"/?s={status}").status for status in (200, 404)] == [200, 404]
        assert ran == ["first", "second"] * 2

    def test_the_lifespan_runs_and_its_state_arrives(self, adopt: Adopt) -> None:
        """Requests see a copy of it, as before; nothing of ours gets into it."""
        seen: list[object] = []
        lifespan_state: dict[str, object] = {"pool": object()}

        @asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncGenerator[dict[str, object]]:
            seen.append("up")
            yield lifespan_state
            seen.append("down")

        async def endpoint(request: Request) -> Response:
            seen.append(request.state.pool is lifespan_state["pool"])
            return PlainTextResponse(request.state.kaiko_request_id)

        app = adopt(Starlette(routes=[Route("/", endpoint)], lifespan=lifespan), None)
        with TestClient(app) as client:
            answers = [client.get("/") for _ in range(2)]
        assert seen == ["up", True, True, "down"]
        assert [answer.text for answer in answers] == [
            answer.headers["x-request-id"] for answer in answers
        ]
        assert list(lifespan_state) == ["pool"]

    def test_a_response_object_may_be_sent_twice(self, adopt: Adopt) -> None:
        """It collects no ids: neither a success nor an error."""
        for status in (200, 404):
            response = JSONResponse({"a": 1}, status)
            before = list(response.raw_headers)
            app = adopt(Starlette(routes=[Route("/", lambda _, made=response: made)]), None)
            first, second = ask(app), ask(app)
            assert first.id != second.id
            assert response.raw_headers == before

    def test_a_response_changed_while_it_streams_stays_as_it_was(self, adopt: Adopt) -> None:
        """What a generator does to headers that are out already has no effect."""

        async def endpoint(_request: Request) -> Response:
            async def chunks() -> AsyncIterator[str]:
                response.headers["x-late"] = "1"
                yield "x"

            response = StreamingResponse(chunks())
            return response

        answer = ask(adopt(Starlette(routes=[Route("/", endpoint)]), None))
        assert answer.all("x-late") == []

    def test_the_scope_says_what_it_said(self, adopt: Adopt) -> None:
        """Whoever stands outside finds the route and the endpoint there, as before."""
        scopes: list[Scope] = []

        async def outside(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await app(scope, receive, send)

        app = adopt(make(), None)
        answer = ask(outside, "/echo/a")
        assert scopes[0]["path_params"] == {"name": "a"}
        assert isinstance(scopes[0]["app"], Starlette)
        assert scopes[0]["state"]["kaiko_request_id"] == answer.id


class Own(Exception):
    """An exception of the service's own."""


class TestHandlersOfTheService:
    """Handlers that the service registered stay in force; their answers become envelopes."""

    seen: ClassVar[list[str]] = []

    @staticmethod
    async def handler(request: Request, exc: Exception) -> Response:
        """Answer with a 418 that says who."""
        TestHandlersOfTheService.seen.append(type(exc).__name__)
        return JSONResponse({"detail": f"handled {request.url.path}"}, 418)

    @pytest.fixture(autouse=True)
    def _forget(self) -> None:
        self.seen.clear()

    @staticmethod
    def app() -> Starlette:
        """Return an application that fails in several ways."""

        def fails(make: Any) -> Any:
            async def endpoint(_request: Request) -> Response:
                raise make()

            return endpoint

        return Starlette(
            routes=[
                Route("/own", fails(Own)),
                Route("/http", fails(lambda: HTTPException(403, "no"))),
                Route("/typed", fails(lambda: NotFoundError("no"))),
                Route("/bug", fails(lambda: ValueError("secret"))),
            ]
        )

    @pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
    @pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize(
        ("key", "path"),
        [
            (Own, "/own"),
            (HTTPException, "/http"),
            (403, "/http"),
            (404, "/nowhere"),
            (NotFoundError, "/typed"),
            (NotFoundError.__base__, "/typed"),
            (Exception, "/bug"),
            (500, "/bug"),
        ],
        ids=["own", "http", "status", "404", "typed", "base", "exception", "500"],
    )
    def test_they_answer(self, adopt: Adopt, key: Any, path: str, *, late: bool) -> None:
        """Whether they were registered before the adoption or after it."""
        inner = self.app()
        if not late:
            inner.add_exception_handler(key, self.handler)
        app = adopt(inner, None)
        if late:
            inner.add_exception_handler(key, self.handler)
        answer = ask(app, path)
        assert len(self.seen) == 1
        if adopt is added and path == "/bug":
            # The middleware answers inside of ServerErrorMiddleware, and cannot know what
            # is registered there: the handler is called, and its answer is not used.
            assert answer.status == 500
            return
        assert answer.status == 418
        assert f'"message":"handled {path}"'.encode() in answer.body

    @pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
    def test_a_sync_handler_answers_too(self, adopt: Adopt) -> None:
        """From Starlette's thread pool, where no exception is current."""

        def handler(_request: Request, _exc: Exception) -> Response:
            return PlainTextResponse("in a thread", 409)

        inner = self.app()
        inner.add_exception_handler(Own, handler)
        answer = ask(adopt(inner, None), "/own")
        assert b'"message":"in a thread"' in answer.body


def test_the_signature_that_a_middleware_has_is_starlettes() -> None:
    """`Middleware(KaikoMiddleware, config=…)` in a list works like any other."""
    from kaiko_starlette import KaikoMiddleware

    assert list(signature(KaikoMiddleware).parameters) == ["app", "config"]
    app = Starlette(middleware=[Middleware(KaikoMiddleware, config=Config(paths=["/v2"]))])
    assert ask(app, "/v2").id
    assert ask(app, "/").all("x-request-id") == []

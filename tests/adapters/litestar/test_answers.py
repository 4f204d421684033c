"""Errors from everywhere in a Litestar application, and who answers them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from litestar import Controller, Litestar, Request, Response, Router, asgi, get, post
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.config.csrf import CSRFConfig
from litestar.di import NamedDependency, Provide
from litestar.exceptions import (
    HTTPException,
    ImproperlyConfiguredException,
    InternalServerException,
    NotAuthorizedException,
    PermissionDeniedException,
    ValidationException,
)
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import JSONBody
from litestar.response import File, Stream
from litestar.static_files import create_static_files_router
from litestar.testing import TestClient
from litestar.types import Receive, Scope, Send
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Route

import kaiko_starlette
from adapters.asgi.server import ask
from adapters.litestar.support import answering, ask_error, error_of, make_app
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import Config, ConflictError, ExceptionMapping, current_request_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class SoldOut(ConflictError, code="litestar_sold_out", param="sku"):
    """Nothing is left."""


class StockError(Exception):
    """An exception that the service maps."""


SOLD_OUT = (409, "litestar_sold_out", "sku")
INTERNAL = (500, "internal", None)


def raising(make: Callable[[], BaseException], **settings: Any) -> Any:
    """Return a new handler that raises: Litestar keeps what it finds out of one."""

    @get("/it", **settings)
    async def it() -> None:
        raise make()

    return it


def mapped() -> Config:
    mapping = ExceptionMapping()
    mapping.register(StockError, lambda _: SoldOut("Mapped"))
    return Config(mapping=mapping)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: SoldOut("All gone"), (*SOLD_OUT, "All gone")),
        (StockError, (*SOLD_OUT, "Mapped")),
        (lambda: ExceptionGroup("g", [SoldOut("All gone")]), (*SOLD_OUT, "All gone")),
        (lambda: HTTPException("Taken", status_code=409), (409, "conflict", None, "Taken")),
        (
            lambda: ValidationException("The name is taken"),
            (400, "bad_request", None, "The name is taken"),
        ),
        (
            NotAuthorizedException,
            (401, "invalid_api_key", None, "Missing or invalid API key"),
        ),
        (
            lambda: StarletteHTTPException(410, cast("Any", {"message": "Moved", "code": "moved"})),
            (410, "moved", None, "Moved"),
        ),
        (lambda: InternalServerException("kaiko_secret"), (*INTERNAL, "Unexpected server error")),
        (lambda: LookupError("kaiko_secret"), (*INTERNAL, "Unexpected server error")),
        (
            lambda: HTTPException("odd", status_code=600),
            (*INTERNAL, "Unexpected server error"),
        ),
        (
            lambda: ImproperlyConfiguredException("kaiko_secret"),
            (*INTERNAL, "Unexpected server error"),
        ),
    ],
)
def test_raised(make: Callable[[], Exception], expected: tuple[object, ...]) -> None:
    """What a handler raises has the status, the code and the text of the contract."""
    assert ask_error(make_app([raising(make)], mapped()), "/it") == expected


def test_a_mapping_of_every_exception() -> None:
    """It is asked of what has no other mapping, and not of what ends the process."""
    mapping = ExceptionMapping()
    mapping.register(Exception, lambda _: SoldOut("Mapped"))
    mapping.register(KeyboardInterrupt, lambda _: SoldOut("Interrupted"))
    app = make_app([raising(bug)], Config(mapping=mapping))
    assert ask_error(app, "/it") == (*SOLD_OUT, "Mapped")


def test_an_http_exception_keeps_its_headers() -> None:
    """As Litestar does."""
    headers = {"X-Own": "1", "WWW-Authenticate": 'Basic realm="x"'}
    app = make_app([raising(lambda: NotAuthorizedException(headers=headers))])
    answer = ask(app, "/it")
    assert (answer.one("x-own"), answer.one("www-authenticate")) == ("1", 'Basic realm="x"')


def refuse(*_given: Any) -> None:
    raise SoldOut


async def refuse_async(*_given: Any) -> Any:
    raise SoldOut


def refusing_middleware(app: Any) -> Any:
    del app
    return refuse_async


async def _given() -> int:
    raise SoldOut


@get("/it", dependencies={"given": Provide(_given)})
async def dependent(given: NamedDependency[int]) -> int:
    """Take what a dependency does not give."""
    return given


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """Be an application that fails."""
    del scope, receive, send
    raise SoldOut


@pytest.mark.parametrize(
    ("handler", "settings", "path"),
    [
        (None, {"before_request": refuse_async}, "/it"),
        (None, {"after_request": refuse_async}, "/it"),
        (None, {"guards": [refuse]}, "/it"),
        (None, {"middleware": [refusing_middleware]}, "/it"),
        (dependent, {}, "/it"),
        (mounted, {}, "/mounted/x"),
    ],
)
def test_errors_around_a_handler(handler: Any, settings: dict[str, Any], path: str) -> None:
    """Whatever raises a typed error, it is answered."""

    @get("/it")
    async def it() -> None:
        """Answer."""

    app = make_app([it if handler is None else handler], **settings)
    assert ask_error(app, path)[:3] == SOLD_OUT


def test_what_leaves_litestar_is_answered() -> None:
    """A hook that fails over the answer, and a handler that fails over an exception."""

    def fails(*_given: Any) -> Any:
        raise LookupError

    @get("/ok")
    async def ok() -> None:
        """Answer."""

    app = make_app([ok], before_send=[fails])
    assert ask_error(app, "/ok")[:2] == (500, "internal")
    broken = make_app([raising(SoldOut, exception_handlers={SoldOut: fails})])
    assert ask_error(broken, "/it")[:2] == (500, "internal")


@pytest.mark.parametrize("make", [lambda: SystemExit(3), asyncio.CancelledError])
def test_an_exit_is_answered_and_goes_on(make: Callable[[], BaseException]) -> None:
    """With CORS headers, though nothing of Litestar's has seen it."""
    cors = CORSConfig(allow_origins=["https://a.example"])
    app = make_app([raising(make)], cors_config=cors)
    answer = ask(app, "/it", headers=[("Origin", "https://a.example")])
    assert error_of(answer)["code"] == "internal"
    assert type(answer.raised) is type(make())
    assert answer.one("access-control-allow-origin") == "https://a.example"


@get("/ok")
async def ok() -> list[str | None]:
    """Answer with the id."""
    return [current_request_id()]


def test_routing(tmp_path: Path) -> None:
    """The router's answers, and those of static files."""
    (tmp_path / "a.txt").write_text("hello")
    app = make_app([ok, create_static_files_router("/files", [tmp_path])])
    assert ask_error(app, "/nowhere")[:2] == (404, "not_found")
    assert ask_error(app, "/files/b.txt")[:2] == (404, "not_found")
    assert ask(app, "/files/a.txt").body == b"hello"
    refused = ask(app, "/ok", method="DELETE")
    assert error_of(refused)["code"] == "method_not_allowed"
    assert refused.one("allow") == "GET, OPTIONS"
    head = ask(app, "/ok", method="HEAD")
    assert (head.status, head.body, head.one("allow")) == (405, b"", "GET, OPTIONS")
    answer = ask(app, "/ok")
    assert json.loads(answer.body) == [answer.id]


def _plain(*given: Any) -> tuple[Any, Any, Any]:
    """Return what ASGI gives: Litestar has types of its own for it."""
    scope, receive, send = given
    return scope, receive, send


def test_mounted_applications() -> None:
    """An application in a mount is rewritten, and one with the toolkit reports by itself."""

    def bug(_request: Any) -> Any:
        raise LookupError

    plain, ours = (Starlette(routes=[Route("/bug/", bug)]) for _ in range(2))
    kaiko_starlette.install(ours)

    @asgi("/plain", is_mount=True, copy_scope=True)
    async def mount_plain(scope: Scope, receive: Receive, send: Send) -> None:
        await plain(*_plain(scope, receive, send))

    @asgi("/ours", is_mount=True, copy_scope=True)
    async def mount_ours(scope: Scope, receive: Receive, send: Send) -> None:
        await ours(*_plain(scope, receive, send))

    app = make_app([mount_plain, mount_ours])
    for mount in ("plain", "ours"):
        assert ask_error(app, f"/{mount}/bug/")[:2] == (500, "internal")
        assert ask_error(app, f"/{mount}/nothing")[:2] == (404, "not_found")


def test_the_record_has_the_path_that_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """Litestar takes the prefix of a mount from it, and a `root_path`."""
    app = make_app([mounted, raising(SoldOut)])
    caplog.set_level("INFO", "kaiko")
    ask(app, "/mounted/x")
    ask(app, "/root/it", root_path="/root")
    ask(app, "/root/nowhere/", root_path="/root")
    assert [getattr(record, "path", "") for record in caplog.records] == [
        "/mounted/x",
        "/root/it",
        "/root/nowhere/",
    ]


def test_litestars_own_middleware() -> None:
    """Limits, CSRF and compression."""
    limited = make_app([ok], middleware=[RateLimitConfig(("minute", 1)).middleware])
    ask(limited, "/ok")
    assert ask_error(limited, "/ok")[:2] == (429, "too_many_requests")

    @post("/form")
    async def form() -> None:
        """Take a form."""

    guarded = make_app([form], csrf_config=CSRFConfig("x" * 32))
    assert ask_error(guarded, "/form", method="POST")[:2] == (403, "csrf_failed")
    config = CompressionConfig("gzip", minimum_size=1)
    packed = make_app([raising(SoldOut)], compression_config=config)
    assert ask_error(packed, "/it", headers=[("Accept-Encoding", "gzip")])[:3] == SOLD_OUT


# --- the service's own handlers ------------------------------------------------------


class _Controlled(Controller):
    path = "/controlled"
    exception_handlers = {SoldOut: answering(410, "Controller")}  # noqa: RUF012 - Litestar's way

    @get("/it")
    async def it(self) -> None:
        """Raise."""
        raise SoldOut


def bug() -> Exception:
    return LookupError("kaiko_secret")


@pytest.mark.parametrize(
    ("handler", "path", "expected"),
    [
        (raising(SoldOut, exception_handlers={SoldOut: answering(499, "Own")}),
         "/it", (499, "Own")),
        (raising(bug, exception_handlers={Exception: answering(418, "Own")}), "/it", (418, "Own")),
        (raising(bug, exception_handlers={500: answering(418, "Own")}), "/it", (418, "Own")),
        (
            raising(PermissionDeniedException, exception_handlers={403: answering(451, "Own")}),
            "/it",
            (451, "Own"),
        ),
        (
            raising(
                InternalServerException, exception_handlers={HTTPException: answering(418, "Own")}
            ),
            "/it",
            (418, "Own"),
        ),
        (
            Router("/r", route_handlers=[raising(bug)], exception_handlers={
                LookupError: answering(418, "Router")
            }),
            "/r/it",
            (418, "Router"),
        ),
        (_Controlled, "/controlled/it", (410, "Controller")),
    ],
)  # fmt: skip
def test_own_handlers(handler: Any, path: str, expected: tuple[int, str]) -> None:
    """A service's handler of a class or a status, on any layer, answers; it is rewritten."""
    status, _, _, message = ask_error(make_app([handler]), path)
    assert (status, message) == expected


def test_own_handlers_of_the_application() -> None:
    """They come first, but not before a typed error, which is no HTTP exception."""
    handlers = {
        500: answering(418, "Last"),
        404: answering(410, "Nothing"),
        ValidationException: answering(400, "Refused"),
    }
    app = make_app([raising(bug), ok], exception_handlers=handlers)
    assert ask_error(app, "/it")[3] == "Last"
    assert ask_error(app, "/nowhere")[3] == "Nothing"
    typed = make_app([raising(SoldOut)], exception_handlers={Exception: answering(418, "Last")})
    assert ask_error(typed, "/it")[:3] == SOLD_OUT
    own = make_app([raising(SoldOut)], exception_handlers={SoldOut: answering(418, "Own")})
    assert ask_error(own, "/it")[3] == "Own"


# --- around ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/it", "GET", 409), ("/nowhere", "GET", 404), ("/it", "DELETE", 405), ("/bug", "GET", 500)],
)
def test_cors(path: str, method: str, status: int) -> None:
    """A script of an allowed origin can read every error and its headers."""

    @get("/bug")
    async def buggy() -> None:
        raise LookupError

    cors = CORSConfig(allow_origins=["https://a.example"])
    app = make_app([raising(SoldOut), buggy], cors_config=cors)
    answer = ask(app, path, method=method, headers=[("Origin", "https://a.example")])
    assert answer.status == status
    assert answer.one("access-control-allow-origin") == "https://a.example"
    assert "X-Request-ID" in answer.one("access-control-expose-headers")
    assert ask(app, path, method=method).all("access-control-allow-origin") == []


@pytest.mark.parametrize(
    ("origin", "cookie", "allowed", "expected"),
    [
        ("https://a.example", False, ["https://a.example"], ["https://a.example"]),
        ("https://b.example", False, ["https://a.example"], []),
        ("https://b.example", False, ["*"], ["*"]),
        ("https://b.example", True, ["*"], ["https://b.example"]),
    ],
)
def test_a_refused_preflight(
    origin: str,
    allowed: list[str],
    expected: list[str],
    *,
    cookie: bool,
) -> None:
    """It is an envelope, which an allowed origin may read."""
    app = make_app([ok], cors_config=CORSConfig(allow_origins=allowed, allow_methods=["GET"]))
    headers = [("Origin", origin), ("Access-Control-Request-Method", "DELETE")]
    headers += [("Cookie", "a=b")] if cookie else []
    answer = ask(app, "/ok", method="OPTIONS", headers=headers)
    assert (answer.status, error_of(answer)["code"]) == (400, "bad_request")
    assert answer.all("access-control-allow-origin") == expected


def test_paths() -> None:
    """What is not covered answers as without the toolkit."""
    handlers: list[Any] = [
        get("/typed")(raising(SoldOut).fn),
        get("/http")(raising(lambda: HTTPException("Taken", status_code=409)).fn),
        get("/starlette")(raising(lambda: StarletteHTTPException(409, "Taken")).fn),
    ]
    for debug in (False, True):
        bare: Any = Litestar(handlers, logging_config=None, debug=debug)
        app = make_app(handlers, Config(paths=("/api",)), debug=debug)
        cors = make_app(handlers, Config(paths=("/api",)), debug=debug, cors_config=CORSConfig())
        for path in ("/http", "/starlette", "/nowhere", "/typed"):
            expected = ask(bare, path)
            for seen in (ask(app, path), ask(cors, path)):
                assert (seen.status, seen.headers) == (expected.status, expected.headers)
                assert (seen.body == expected.body) or debug  # a traceback has other frames


def test_an_http_exception_that_is_no_error_is_litestars() -> None:
    """It is not made an error."""

    def redirect() -> Exception:
        return HTTPException("There", status_code=307, headers={"Location": "/there"})

    answer = ask(make_app([raising(redirect)]), "/it")
    assert (answer.status, answer.one("location")) == (307, "/there")


def test_debug_pages() -> None:
    """In debug a browser gets Litestar's page for a bug, and nothing else does."""
    app = make_app([raising(bug), get("/typed")(raising(SoldOut).fn)], debug=True)
    page = ask(app, "/it", headers=[("Accept", "text/html")])
    assert (page.status, b"<!doctype html>" in page.body) == (500, True)
    assert page.id.startswith("req-")
    assert ask_error(app, "/it", headers=[("Accept", "*/*")])[:2] == (500, "internal")
    assert ask_error(app, "/typed", headers=[("Accept", "text/html")])[:3] == SOLD_OUT


@pytest.mark.parametrize("middleware", [[], [lambda app: app]], ids=["bare", "two layers"])
@pytest.mark.parametrize("make", [SoldOut, lambda: HTTPException("x", status_code=409)])
def test_a_stream_keeps_the_code(make: Callable[[], Exception], middleware: list[Any]) -> None:
    """Litestar wraps what fails late, once for each of its layers."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise make()

    @get("/events")
    async def events() -> Stream:
        return Stream(chunks(), media_type="text/event-stream")

    answer = ask(make_app([events], middleware=middleware), "/events")
    assert b'event: error\ndata: {"error":{"type":"conflict_error"' in answer.body
    assert answer.raised is None


def test_a_bug_in_a_stream_is_handed_on() -> None:
    """As it is without the toolkit."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise LookupError

    @get("/text")
    async def text() -> Stream:
        return Stream(chunks(), media_type="text/plain")

    answer = ask(make_app([text]), "/text")
    assert (answer.body, answer.whole) == (b"a", False)
    assert type(answer.raised).__name__ == "LitestarException"


def test_a_client_that_left(caplog: pytest.LogCaptureFixture) -> None:
    """It is no error of anybody's."""

    @post("/body")
    async def body(data: JSONBody[dict[str, int]]) -> None:
        del data

    caplog.set_level("DEBUG", "kaiko")
    app = make_app([body])
    headers = [("Content-Length", "9")]
    answer = ask(app, "/body", method="POST", headers=headers, body=[], leaves=True)
    assert answer.events == []
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_a_file_that_is_not_there_is_a_bug() -> None:
    """Litestar says so with an HTTP exception."""

    @get("/file")
    async def file() -> File:
        return File("/nowhere/at/all")

    assert ask_error(make_app([file]), "/file")[:2] == (500, "internal")


def test_several_applications() -> None:
    """Each has its own settings, and one without the plugin is as it was."""
    shared = KaikoPlugin()
    one, two = (
        Litestar([raising(SoldOut)], plugins=[shared], logging_config=None) for _ in range(2)
    )
    three = make_app([raising(SoldOut)], Config(request_id_header="X-Trace"))
    bare = Litestar([raising(SoldOut)], logging_config=None)
    assert [type(app).__name__ for app in (one, bare)] == ["Litestar", "Litestar"]
    assert isinstance(one, Litestar)
    with TestClient(one) as first, TestClient(two) as second, TestClient(bare) as plain:
        assert [each.get("/it").status_code for each in (first, second, plain)] == [409, 409, 500]
    assert ask(three, "/it").one("x-trace").startswith("req-")


def test_lifespan_and_test_client() -> None:
    """The application starts and stops, and a bug is no exception of the test client's."""
    seen: list[str] = []

    @get("/it")
    async def it(request: Request[Any, Any, Any]) -> Response[Any]:
        seen.append(request.app.state.started)
        raise LookupError

    async def start(app: Litestar) -> None:
        app.state.started = "started"

    app = make_app([it], on_startup=[start], on_shutdown=[lambda: seen.append("stopped")])
    with TestClient(app, raise_server_exceptions=True) as client:
        assert client.get("/it").json()["error"]["code"] == "internal"
    assert seen == ["started", "stopped"]


def test_routes_that_come_later() -> None:
    """The plugin is there with the first of them."""
    app: Any = Litestar(plugins=[KaikoPlugin()], openapi_config=None, logging_config=None)
    app.register(raising(SoldOut))
    assert ask_error(app, "/it")[:3] == SOLD_OUT
    assert ask_error(app, "/nowhere")[:2] == (404, "not_found")


def test_setup_mistakes() -> None:
    """They are said when the application is made."""
    with pytest.raises(TypeError, match="config takes a"):
        KaikoPlugin(cast("Any", "loud"))
    with pytest.raises(RuntimeError, match="has a KaikoPlugin already"):
        Litestar(plugins=[KaikoPlugin(), KaikoPlugin()])

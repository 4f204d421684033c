"""Errors from everywhere in a Litestar application, and who answers them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from litestar import Controller, Litestar, Request, Response, Router, asgi, get
from litestar.config.cors import CORSConfig
from litestar.exceptions import (
    HTTPException,
    ImproperlyConfiguredException,
    InternalServerException,
    NotAuthorizedException,
    PermissionDeniedException,
    ValidationException,
)
from litestar.params import FromQuery
from litestar.response import Stream
from litestar.static_files import create_static_files_router
from litestar.testing import TestClient
from litestar.types import Receive, Scope, Send
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import Route

import kaiko_starlette
from adapters.asgi.server import ask, connect
from adapters.litestar.rows import SoldOut, StockError, bug, mapped, mounted, raising, socket
from adapters.litestar.support import answering, ask_error, error_of, make_app
from kaiko_asgi import KaikoMiddleware
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import Config, ExceptionMapping, current_request_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


SOLD_OUT = (409, "litestar_sold_out", "sku")
INTERNAL = (500, "internal", None)
MOVED = cast("Any", {"message": "Moved", "code": "moved"})  # Starlette says a text


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
            lambda: StarletteHTTPException(410, MOVED),
            (410, "moved", None, "Moved"),
        ),
        (lambda: InternalServerException("kaiko_secret"), (*INTERNAL, "Unexpected server error")),
        (lambda: KeyError("kaiko_secret"), (*INTERNAL, "Unexpected server error")),
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
    assert ask_error(make_app([raising(make)], mapped()), "/x") == expected


def test_a_mapping_of_every_exception() -> None:
    """It is asked of what has no other mapping, and not of what ends the process."""
    mapping = ExceptionMapping()
    mapping.register(Exception, lambda _: SoldOut("Mapped"))
    mapping.register(KeyboardInterrupt, lambda _: SoldOut("Interrupted"))
    app = make_app([raising(bug)], Config(mapping=mapping))
    assert ask_error(app, "/x") == (*SOLD_OUT, "Mapped")


def test_an_http_exception_keeps_its_headers() -> None:
    """As Litestar does."""
    headers = {"X-Own": "1", "WWW-Authenticate": 'Basic realm="x"'}
    app = make_app([raising(lambda: NotAuthorizedException(headers=headers))])
    answer = ask(app, "/x")
    assert (answer.one("x-own"), answer.one("www-authenticate")) == ("1", 'Basic realm="x"')


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
    ask(app, "/below/x", root_path="/below")
    ask(app, "/below/nowhere/", root_path="/below")
    assert [getattr(record, "path", "") for record in caplog.records] == [
        "/mounted/x",
        "/below/x",
        "/below/nowhere/",
    ]


# --- the service's own handlers ------------------------------------------------------


class _Controlled(Controller):
    path = "/controlled"
    exception_handlers = {SoldOut: answering(410, "Controller")}  # noqa: RUF012 - Litestar's way

    @get("/x")
    async def it(self) -> None:
        """Raise."""
        raise SoldOut


@pytest.mark.parametrize(
    ("handler", "path", "expected"),
    [
        (raising(SoldOut, exception_handlers={SoldOut: answering(499, "Own")}),
         "/x", (499, "Own")),
        (raising(bug, exception_handlers={Exception: answering(418, "Own")}), "/x", (418, "Own")),
        (raising(bug, exception_handlers={500: answering(418, "Own")}), "/x", (418, "Own")),
        (
            raising(PermissionDeniedException, exception_handlers={403: answering(451, "Own")}),
            "/x",
            (451, "Own"),
        ),
        (
            raising(
                InternalServerException, exception_handlers={HTTPException: answering(418, "Own")}
            ),
            "/x",
            (418, "Own"),
        ),
        (
            Router("/r", route_handlers=[raising(bug)], exception_handlers={
                LookupError: answering(418, "Router")
            }),
            "/r/x",
            (418, "Router"),
        ),
        (_Controlled, "/controlled/x", (410, "Controller")),
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
    assert ask_error(app, "/x")[3] == "Last"
    assert ask_error(app, "/nowhere")[3] == "Nothing"
    typed = make_app([raising(SoldOut)], exception_handlers={Exception: answering(418, "Last")})
    assert ask_error(typed, "/x")[:3] == SOLD_OUT
    own = make_app([raising(SoldOut)], exception_handlers={SoldOut: answering(418, "Own")})
    assert ask_error(own, "/x")[3] == "Own"


# --- around ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/x", "GET", 409), ("/nowhere", "GET", 404), ("/x", "DELETE", 405), ("/bug", "GET", 500)],
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


@pytest.mark.parametrize("path", ["/api/v2/x", "/v2/x"])
def test_paths_below_a_root_path(path: str) -> None:
    """They are those that Litestar's router matches, whether the server adds the prefix or not."""
    handlers = [Router("/v2", route_handlers=[raising(SoldOut), socket(SoldOut)])]
    app = make_app(handlers, Config(paths=("/v2",)))
    assert ask_error(app, path, root_path="/api")[:3] == SOLD_OUT
    denial = connect(app, path.replace("/x", "/ws"), root_path="/api").denial
    assert denial is not None
    assert error_of(denial)["code"] == "litestar_sold_out"


def test_debug_pages() -> None:
    """In debug a browser gets Litestar's page for a bug, and nothing else does."""
    app = make_app([raising(bug), get("/typed")(raising(SoldOut).fn)], debug=True)
    page = ask(app, "/x", headers=[("Accept", "text/html")])
    assert (page.status, b"<!doctype html>" in page.body) == (500, True)
    assert page.id.startswith("req-")
    assert ask_error(app, "/x", headers=[("Accept", "*/*")])[:2] == (500, "internal")
    assert ask_error(app, "/typed", headers=[("Accept", "text/html")])[:3] == SOLD_OUT


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


@pytest.mark.parametrize(
    ("path", "status"), [("/number?n=kaiko_secret", 400), ("/number?m=kaiko_secret", 400)]
)
def test_without_the_plugin(path: str, status: int) -> None:
    """The middleware alone makes envelopes as well, and repeats nothing of the request."""

    @get("/number")
    async def number(n: FromQuery[int]) -> int:
        return n

    bare: Any = Litestar([number], logging_config=None)
    answer = ask(KaikoMiddleware(bare), path)
    assert (answer.status, error_of(answer)["code"]) == (status, "bad_request")
    assert b"kaiko_secret" not in answer.body


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
        assert [each.get("/x").status_code for each in (first, second, plain)] == [409, 409, 500]
    assert ask(three, "/x").one("x-trace").startswith("req-")


class Own(Litestar):
    """A service's own class of applications."""


def test_a_class_of_the_services_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays one of that class, and what is patched into it later is called."""
    app: Any = Own([raising(SoldOut)], plugins=[KaikoPlugin()], logging_config=None)
    assert isinstance(app, Own)
    assert type(app).__name__ == "Own"
    called: list[str] = []

    async def patched(self: Own, scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["path"])
        await Litestar.__call__(self, scope, receive, send)

    monkeypatch.setattr(Own, "__call__", patched)
    assert ask_error(app, "/x")[:3] == SOLD_OUT
    assert called == ["/x"]


def test_lifespan_and_test_client() -> None:
    """The application starts and stops, and a bug is no exception of the test client's."""
    seen: list[str] = []

    @get("/x")
    async def it(request: Request[Any, Any, Any]) -> Response[Any]:
        seen.append(request.app.state.started)
        raise LookupError

    async def start(app: Litestar) -> None:
        app.state.started = "started"

    app = make_app([it], on_startup=[start], on_shutdown=[lambda: seen.append("stopped")])
    with TestClient(app, raise_server_exceptions=True) as client:
        assert client.get("/x").json()["error"]["code"] == "internal"
    assert seen == ["started", "stopped"]


def test_routes_that_come_later() -> None:
    """The plugin is there with the first of them."""
    app: Any = Litestar(plugins=[KaikoPlugin()], openapi_config=None, logging_config=None)
    app.register(raising(SoldOut))
    assert ask_error(app, "/x")[:3] == SOLD_OUT
    assert ask_error(app, "/nowhere")[:2] == (404, "not_found")


def test_setup_mistakes() -> None:
    """They are said when the application is made."""
    with pytest.raises(TypeError, match="config takes a"):
        KaikoPlugin(cast("Any", "loud"))  # wrong on purpose
    with pytest.raises(RuntimeError, match="has a KaikoPlugin already"):
        Litestar(plugins=[KaikoPlugin(), KaikoPlugin()])

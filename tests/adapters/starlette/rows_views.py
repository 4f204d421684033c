"""Rows 1 to 82: what views, streams, routing, files and bodies do."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from adapters.starlette.row import (
    Alone,
    Ask,
    Cut,
    Ended,
    Envelope,
    Gone,
    Row,
    Unreachable,
    raises,
    returns,
    view,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from kaiko_asgi import Receive, Scope, Send

_FOLDER = Path(tempfile.mkdtemp(prefix="kaiko-rows-"))
(_FOLDER / "file.txt").write_text("0123456789")
(_FOLDER / "folder").mkdir()

INTERNAL = Envelope(500, "internal")
NOT_FOUND = Envelope(404, "not_found")
REFUSED = Envelope(405, "method_not_allowed")
BAD = Envelope(400, "bad_request")
BAD_JSON = Envelope(400, "invalid_json")
BAD_FORM = Envelope(400, "invalid_form")
MANY_FIELDS = Envelope(400, "too_many_fields")


def boom() -> Any:
    """Fail as code with a bug does."""
    raise ValueError("secret")


async def aboom() -> None:
    """Fail likewise, in a coroutine."""
    boom()


@requires("admin")
async def _admin(request: Request) -> Response:  # noqa: ARG001 - its name is looked at
    return Response()


# --- 1 to 8: uncaught ----------------------------------------------------------------


def _sync(_request: Request) -> Response:
    raise ValueError("secret")


async def _threadpool(_request: Request) -> Response:
    return await run_in_threadpool(boom)


async def _anyio_group(_request: Request) -> Response:
    async with anyio.create_task_group() as group:
        group.start_soon(aboom)
    return Response()


async def _asyncio_group(_request: Request) -> Response:
    async with asyncio.TaskGroup() as group:
        group.create_task(aboom())
    return Response()


async def _timeout(_request: Request) -> Response:
    async with asyncio.timeout(0):
        await asyncio.Event().wait()
    return Response()


def recurse(depth: int = 0) -> int:
    """Recurse for ever."""
    return recurse(depth + 1) + 1


async def _recursion(_request: Request) -> Response:
    return PlainTextResponse(str(recurse()))


UNCAUGHT = (
    Row("uncaught/endpoint-sync", view(_sync), Ask(), INTERNAL),
    Row("uncaught/run_in_threadpool", view(_threadpool), Ask(), INTERNAL),
    Row("uncaught/ExceptionGroup-anyio", view(_anyio_group), Ask(), INTERNAL),
    Row("uncaught/ExceptionGroup-asyncio", view(_asyncio_group), Ask(), INTERNAL),
    Row("uncaught/asyncio.timeout", view(_timeout), Ask(), Envelope(503, "timeout")),
    Row("uncaught/RecursionError", view(_recursion), Ask(), INTERNAL),
    Row(
        "BaseException/CancelledError-raised",
        view(raises(asyncio.CancelledError)),
        Ask(),
        INTERNAL,
    ),
    Row("process/os._exit", Starlette, Ask(), Unreachable("the process is gone")),
    Row(
        "uncaught/NoMatchFound",
        view(lambda request: PlainTextResponse(str(request.url_for("nowhere")))),
        Ask(),
        INTERNAL,
    ),
    Row(
        "uncaught/AssertionError-auth",
        view(_admin),
        Ask(),
        INTERNAL,
    ),
)

# --- 9 to 22: HTTPException ----------------------------------------------------------


class Teapot(HTTPException):
    """A service's own subclass."""


def _http(
    status: int, detail: Any = None, headers: dict[str, str] | None = None
) -> Callable[[], Starlette]:
    return view(raises(lambda: HTTPException(status, detail, headers)))


HTTP_EXCEPTIONS = (
    Row("HTTPException/None-detail", _http(404), Ask(), NOT_FOUND),
    Row(
        "HTTPException/headers",
        _http(401, "login", {"WWW-Authenticate": 'Basic realm="x"'}),
        Ask(),
        Envelope(401, "invalid_api_key", (("www-authenticate", 'Basic realm="x"'),)),
    ),
    Row("HTTPException/dict-detail", _http(400, {"a": 1}), Ask(), BAD),
    Row("HTTPException/204", _http(204), Ask(), Alone(204, "no error")),
    Row("HTTPException/302", _http(302, "detail text"), Ask(), Alone(302, "no error")),
    Row(
        "HTTPException/subclass",
        view(raises(lambda: Teapot(418, "short and stout"))),
        Ask(),
        Envelope(418, "im_a_teapot"),
    ),
    Row(
        "HTTPException/odd-status",
        _http(599, "detail text"),
        Ask(),
        Envelope(503, "service_unavailable"),
    ),
    Row("HTTPException/impossible-status", _http(700, "detail text"), Ask(), INTERNAL),
    Row("HTTPException/informational-status", _http(99, "detail text"), Ask(), INTERNAL),
    Row(
        "HTTPException/101",
        _http(101, "detail text"),
        Ask(),
        Alone(101, "a 1xx is never touched"),
        over_http=False,  # a client takes it for an upgrade
    ),
    Row("HTTPException/CRLF-header", _http(400, "x", {"X-Bad": "a\r\nb: c"}), Ask(), BAD),
    Row(
        "HTTPException/own-content-type",
        _http(400, "<b>html</b>", {"Content-Type": "text/html"}),
        Ask(),
        BAD,
    ),
    Row(
        "HTTPException/own-content-length",
        _http(400, "long detail", {"Content-Length": "3"}),
        Ask(),
        BAD,
    ),
    Row(
        "HTTPException/own-content-encoding",
        _http(400, "detail text", {"Content-Encoding": "gzip"}),
        Ask(),
        BAD,
    ),
)

# --- 23 to 34: what views return -----------------------------------------------------

_NEVER_TOUCHED = "a success is never touched; the server sees its length and cuts it"


def _cookie() -> Response:
    response = PlainTextResponse("handmade", 403)
    response.set_cookie("a", "b")
    return response


def _hostile_header() -> Response:
    return PlainTextResponse("x", headers={"X-Bad": "a\r\nb: c"})


class Silent:
    """An ASGI endpoint that returns without sending."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do nothing."""


class Twice:
    """An ASGI endpoint that sends two responses."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer twice."""
        for _ in range(2):
            await PlainTextResponse("x")(scope, receive, send)


RETURNED = (
    Row(
        "returned/json",
        view(returns(lambda: JSONResponse({"detail": "handmade"}, 422))),
        Ask(),
        Envelope(422, "invalid_value"),
    ),
    Row(
        "returned/empty",
        view(returns(lambda: Response(status_code=503))),
        Ask(),
        Envelope(503, "service_unavailable"),
    ),
    Row(
        "returned/cookie",
        view(returns(_cookie)),
        Ask(),
        Envelope(403, "permission_denied", (("set-cookie", "a=b; Path=/; SameSite=lax"),)),
    ),
    Row(
        "returned/bg",
        view(returns(lambda: PlainTextResponse("handmade", 400, background=BackgroundTask(str)))),
        Ask(),
        BAD,
    ),
    Row("returned/str", view(returns(lambda: "text")), Ask(), INTERNAL),
    Row("render/NaN", view(returns(lambda: JSONResponse({"x": float("nan")}))), Ask(), INTERNAL),
    Row("render/CRLF-header", view(returns(_hostile_header)), Ask(), INTERNAL),
    Row(
        "render/impossible-status",
        view(returns(lambda: PlainTextResponse("x", 700))),
        Ask(),
        INTERNAL,
    ),
    Row("render/status-0", view(returns(lambda: PlainTextResponse("x", 0))), Ask(), INTERNAL),
    Row(
        "render/content-length-too-big",
        view(returns(lambda: PlainTextResponse("short", headers={"Content-Length": "50"}))),
        Ask(),
        Alone(200, _NEVER_TOUCHED),
    ),
    Row("protocol/no-response", view(Silent()), Ask(), INTERNAL),
    Row("protocol/two-responses", view(Twice()), Ask(), Alone(200, "the first is whole")),
)

# --- 35 to 47: files, streams, background tasks --------------------------------------


def _file(name: str = "file.txt") -> Callable[[], Starlette]:
    return view(returns(lambda: FileResponse(_FOLDER / name)))


def stream(
    fails: Callable[[], Awaitable[None]], media_type: str | None = None, *, first: bool = False
) -> Callable[[], Starlette]:
    """Return a maker of an application whose stream fails, after a chunk or before the first."""

    async def chunks() -> AsyncIterator[bytes]:
        if not first:
            yield b"data: 1\n\n" if media_type else b"chunk-1;"
        await fails()
        yield b"never"

    return view(returns(lambda: StreamingResponse(chunks(), media_type=media_type)))


def _sync_chunks() -> Iterator[bytes]:
    yield b"chunk-1;"
    boom()


async def _http_fails() -> None:
    raise HTTPException(404)


async def _group_fails() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(aboom())


async def _timeout_fails() -> None:
    async with asyncio.timeout(0):
        await asyncio.Event().wait()


async def _cancel_fails() -> None:
    raise asyncio.CancelledError


_CUT = Cut(b"chunk-1;")

FILES_AND_STREAMS = (
    Row("file/missing", _file("missing"), Ask(), INTERNAL),
    Row("file/malformed-range", _file(), Ask(headers=(("Range", "lines=1"),)), BAD),
    Row(
        "file/range-not-satisfiable",
        _file(),
        Ask(headers=(("Range", "bytes=50-60"),)),
        Envelope(416, "range_not_satisfiable", (("content-range", "bytes */10"),)),
    ),
    Row("stream/first", stream(aboom, first=True), Ask(), INTERNAL),
    Row("stream/sync", view(returns(lambda: StreamingResponse(_sync_chunks()))), Ask(), _CUT),
    Row("stream/http", stream(_http_fails), Ask(), _CUT),
    Row("stream/sse", stream(aboom, "text/event-stream"), Ask(), Ended("internal")),
    Row("stream/group", stream(_group_fails), Ask(), _CUT),
    Row("stream/timeout", stream(_timeout_fails), Ask(), _CUT),
    Row("stream/cancel", stream(_cancel_fails), Ask(), _CUT),
    Row(
        "after-response/background-task",
        view(returns(lambda: PlainTextResponse("sent", background=BackgroundTask(boom)))),
        Ask(),
        Alone(200, "the answer is whole; the exception reaches the server"),
    ),
)

# --- 48 to 68: routing, mounts, static files -----------------------------------------


def _routes(*routes: Any) -> Callable[[], Starlette]:
    return lambda: Starlette(routes=list(routes))


def _ok(_request: Request) -> Response:
    return PlainTextResponse("ok")


class GetOnly(HTTPEndpoint):
    """A class view."""

    async def get(self, _request: Request) -> Response:
        """Answer."""
        return PlainTextResponse("ok")


async def _raw(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("secret")


def _mount(app: ASGIApp) -> Callable[[], Starlette]:
    return _routes(Mount("/m", app))


_inner = Starlette(
    routes=[Route("/http", raises(lambda: HTTPException(400, "detail text"))), Route("/get", _ok)]
)
_static = _mount(StaticFiles(directory=_FOLDER))
_REDIRECT = Alone(307, "a redirect is never touched")

ROUTING = (
    Row("routing/404-body", Starlette, Ask("/no", "POST", body=(b"a", b"b")), NOT_FOUND),
    Row("routing/405-OPTIONS", _routes(Route("/x", GetOnly)), Ask(method="OPTIONS"), REFUSED),
    Row("routing/405-HTTPEndpoint", view(GetOnly), Ask(method="DELETE"), REFUSED),
    Row("routing/redirect-add-slash", view(_ok, path="/x/"), Ask(), _REDIRECT),
    Row("routing/redirect-drop-slash", view(_ok), Ask("/x/"), _REDIRECT),
    Row("routing/redirect-then-405", view(_ok, path="/x/"), Ask(method="POST"), _REDIRECT),
    Row(
        "routing/convertor-ValueError",
        view(_ok, path="/{n:int}"),
        Ask("/" + "1" * 5000),
        NOT_FOUND,
    ),
    Row("routing/uuid-404", view(_ok, path="/{n:uuid}"), Ask("/not-a-uuid"), NOT_FOUND),
    Row("routing/null-byte", _static, Ask("/m/a\0b"), NOT_FOUND),
    Row("mount/app-HTTPException", _mount(_inner), Ask("/m/http"), BAD),
    Row("mount/app-405", _mount(_inner), Ask("/m/get", "DELETE"), REFUSED),
    Row(
        "mount/router-uncaught",
        _mount(Router([Route("/x", raises(lambda: ValueError("secret")))])),
        Ask("/m/x"),
        INTERNAL,
    ),
    Row("mount/raw-asgi", _mount(_raw), Ask("/m/x"), INTERNAL),
    Row(
        "host/404",
        _routes(Host("testserver", Router([Route("/x", _ok)]))),
        Ask("/no", headers=(("Host", "testserver"),)),
        NOT_FOUND,
    ),
    Row("static/404", _static, Ask("/m/missing"), NOT_FOUND),
    Row("static/405", _static, Ask("/m/file.txt", "POST"), REFUSED),
    Row("static/name-too-long", _static, Ask("/m/" + "a" * 300), NOT_FOUND),
    Row("static/traversal", _static, Ask("/m/../../etc/passwd"), NOT_FOUND),
    Row("static/directory", _static, Ask("/m/folder"), NOT_FOUND),
    Row(
        "static/html-404",
        _mount(StaticFiles(directory=_FOLDER, html=True)),
        Ask("/m/missing"),
        NOT_FOUND,
    ),
    Row(
        "static/304",
        _static,
        Ask("/m/file.txt", headers=(("If-Modified-Since", "Fri, 31 Dec 2100 23:59:59 GMT"),)),
        Alone(304, "no error"),
    ),
    Row(
        "websocket/plain-request",
        _routes(WebSocketRoute("/x", lambda _socket: aboom())),
        Ask(),
        NOT_FOUND,
    ),
)

# --- 69 to 82: bodies ----------------------------------------------------------------


async def _json(request: Request) -> Response:
    return JSONResponse(await request.json())


async def _form(request: Request) -> Response:
    async with request.form(max_fields=1) as form:
        return JSONResponse({name: str(form[name]) for name in form})


async def _body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 1024


def _post(*body: bytes, kind: str = "application/json") -> Ask:
    return Ask(method="POST", headers=(("Content-Type", kind),), body=body or (b"",))


_MULTIPART = "multipart/form-data; boundary=b"
_PART = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n1\r\n'
_reads_json = view(_json, methods=["POST"])
_reads_form = view(_form, methods=["POST"])


_limited = view(_body, methods=["POST"], max_body_size=10)

BODIES = (
    Row("body/json-empty", _reads_json, _post(), BAD_JSON),
    Row("body/json-not-utf8", _reads_json, _post(b"\xff"), BAD_JSON),
    Row("body/json-deep", _reads_json, _post(b"[" * 100_000 + b"]" * 100_000), BAD_JSON),
    Row("body/json-bigint", _reads_json, _post(b"1" * 5000), BAD_JSON),
    Row(
        "body/multipart-no-boundary",
        _reads_form,
        _post(b"x", kind="multipart/form-data"),
        BAD_FORM,
        rough=BAD,
    ),
    Row(
        "body/multipart-malformed",
        _reads_form,
        _post(b"garbage", kind=_MULTIPART),
        BAD_FORM,
        rough=BAD,
        since=(1, 10),
    ),
    Row(
        "body/multipart-truncated",
        _reads_form,
        _post(_PART % b"a", kind=_MULTIPART),
        Alone(200, "Starlette takes it for a whole form"),
    ),
    Row(
        "body/multipart-no-name",
        _reads_form,
        _post(b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--", kind=_MULTIPART),
        BAD_FORM,
        rough=BAD,
    ),
    Row(
        "body/multipart-max-fields",
        _reads_form,
        _post(_PART % b"a" + _PART % b"b" + b"--b--", kind=_MULTIPART),
        MANY_FIELDS,
        rough=BAD,
    ),
    Row(
        "body/urlencoded-max-fields",
        _reads_form,
        _post(b"a=1&b=2", kind="application/x-www-form-urlencoded"),
        MANY_FIELDS,
        rough=BAD,
        since=(1, 10),
    ),
    Row(
        "disconnect/response",
        view(returns(lambda: StreamingResponse(_endless()))),
        Ask(leaves=True),
        Gone(),
        in_process=False,
    ),
    Row(
        "body/chunked-malformed",
        Starlette,
        Ask(),
        Unreachable("the server answers what it cannot parse"),
    ),
    Row(
        "body-limit/content-length",
        _limited,
        Ask(method="POST", headers=(("Content-Length", "50"),), body=(b"x" * 50,)),
        Envelope(413, "payload_too_large"),
        since=(1, 10),
    ),
    Row(
        "body-limit/chunked",
        _limited,
        Ask(method="POST", body=(b"x" * 8, b"x" * 8)),
        Envelope(413, "payload_too_large"),
        since=(1, 10),
    ),
)

# --- beyond the 128 ------------------------------------------------------------------


async def _unread(_request: Request) -> Response:
    return PlainTextResponse("done")


MORE = (
    Row(
        "body-limit/unread",
        view(_unread, methods=["POST"], max_body_size=10),
        Ask(method="POST", headers=(("Content-Length", "50"),), body=(b"x" * 50,)),
        Envelope(413, "payload_too_large"),
        since=(1, 10),
    ),
    Row("returned/500", view(returns(lambda: PlainTextResponse("secret", 500))), Ask(), INTERNAL),
    Row(
        "returned/500-bg",
        view(
            returns(lambda: PlainTextResponse("secret", 500, background=BackgroundTask(boom))),
        ),
        Ask(),
        INTERNAL,
    ),
)

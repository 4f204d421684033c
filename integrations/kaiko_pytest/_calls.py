"""Calls an application and watches what it sends: by ASGI, by WSGI, and by Django's handlers.

What an application answers to a call from inside of another request is an upstream's answer: it is
not the service's, and is left alone.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from kaiko_middleware.headers import prefers_html
from kaiko_middleware.layers import COVERED, ENVIRON_ID, PASS_THROUGH, REQUEST_ID

from ._answers import Answer
from ._documents import Source

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping

    from ._watch import Watch

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Any]]
    Send = Callable[[Any], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
    StartResponse = Callable[..., Callable[[bytes], object]]
    WSGIApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

__all__ = ["INSIDE", "watched_asgi", "watched_wsgi"]

INSIDE: ContextVar[bool] = ContextVar("kaiko_pytest_inside", default=False)
"""Whether a request is under way: what is called now is called by the service."""
_LIMIT = 1 << 20


def watched_asgi(app: ASGIApp, watch: Watch) -> ASGIApp:
    """Return `app`, watched.

    Arguments:
        app: an ASGI application.
        watch: takes the answers.

    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or INSIDE.get():
            await app(scope, receive, send)
            return
        sent = _Sent()
        path = f"{scope.get('root_path') or ''}{scope['path']}"

        async def watched_send(message: Any) -> None:
            sent.take(message)
            await send(message)

        token = INSIDE.set(True)
        try:
            await app(scope, receive, watched_send)
        finally:
            try:
                INSIDE.reset(token)
            except ValueError:  # a coroutine that is closed in another context
                pass
            _finish_asgi(watch, scope, sent, path)

    return serve


class _Sent:
    """What an application has sent."""

    status = 0
    headers: Iterable[tuple[bytes, bytes]] = ()

    def __init__(self) -> None:
        self.body = bytearray()

    def take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers") or ())
        elif message["type"] == "http.response.body" and self.status >= 400:
            self.body += message.get("body", b"")[: _LIMIT - len(self.body)]


def _finish_asgi(watch: Watch, scope: Scope, sent: _Sent, path: str) -> None:
    source = None
    if sent.status < 400:
        source = _asgi_source(scope) if sent.status and watch.report else None
        if source is None or source in watch.documents:
            return  # a success that tells nothing, or nothing was sent
    state: Mapping[str, Any] = scope.get("state") or {}
    if state.get(PASS_THROUGH) or not any(scope.get(COVERED, {None: True}).values()):
        return
    if getattr(scope.get("app"), "debug", False) and prefers_html(_accepted(scope)):
        return  # the framework's debug page
    answer = Answer(
        sent.status,
        _decoded(sent.headers),
        bytes(sent.body),
        scope["method"],
        path,
        _decoded(scope["headers"]),
        state.get(REQUEST_ID),
    )
    watch.observe(answer, source or _asgi_source(scope))


def _accepted(scope: Scope) -> str:
    values: list[bytes] = [value for name, value in scope["headers"] if name == b"accept"]
    return b",".join(values).decode("latin-1")


def _decoded(fields: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)


def _asgi_source(scope: Scope) -> Source | None:
    """Return where the document of an ASGI application comes from, by the application's shape."""
    app: Any = scope.get("litestar_app") or scope.get("app")
    path: str = scope["path"]
    root: str = scope.get("root_path") or ""
    if root and path.startswith(f"{root}/"):
        path = path[len(root) :]
    if hasattr(app, "openapi_schema") and hasattr(app, "openapi_config"):
        return Source(id(app), partial(_of_litestar, app), path)
    if hasattr(app, "openapi_schema") and hasattr(app, "openapi"):
        return Source((id(app), len(app.routes)), partial(_of_fastapi, app), path)
    return None


def _of_litestar(app: Any) -> Mapping[str, Any]:
    document: Mapping[str, Any] = app.openapi_schema.to_schema() if app.openapi_config else {}
    return document


def _of_fastapi(app: Any) -> Mapping[str, Any]:
    kept = app.openapi_schema
    try:
        document: Mapping[str, Any] = app.openapi()
    finally:
        app.openapi_schema = kept  # a test may add routes after this
    return document


def watched_wsgi(app: WSGIApp, watch: Watch) -> WSGIApp:
    """Return `app`, watched.

    Arguments:
        app: a WSGI application.
        watch: takes the answers.

    """

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if INSIDE.get():
            return app(environ, start_response)
        body = _Body(watch, environ, start_response)
        body.chunks = body.inside(partial(app, environ, body.start))
        return body

    return serve


class _Body:
    """A WSGI application's body; the answer is observed when it is at its end, or closed."""

    chunks: Iterable[bytes] = ()
    _iterator: Iterator[bytes] | None = None
    _status = 0
    _headers: tuple[tuple[str, str], ...] = ()

    def __init__(self, watch: Watch, environ: dict[str, Any], start: StartResponse) -> None:
        self._watch = watch
        self._environ = environ
        self._start = start
        self._seen = bytearray()

    def start(self, status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
        self._status = int(status[:3])
        self._headers = tuple(headers)
        write = self._start(status, headers, *args)

        def watched_write(data: bytes) -> object:
            self._take(data)
            return write(data)

        return watched_write

    def inside(self, call: Callable[[], Any]) -> Any:
        token = INSIDE.set(True)
        try:
            return call()
        finally:
            INSIDE.reset(token)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._iterator is None:
                self._iterator = iter(self.chunks)
            chunk: bytes = self.inside(partial(next, self._iterator))
        except BaseException:  # its end, or a failure
            self._finish()
            raise
        self._take(chunk)
        return chunk

    def close(self) -> None:
        self._finish()
        close = getattr(self.chunks, "close", None)
        if close is not None:
            close()

    def _take(self, data: bytes) -> None:
        if self._status >= 400:
            self._seen += data[: _LIMIT - len(self._seen)]

    def _finish(self) -> None:
        status, self._status = self._status, 0  # once
        environ = self._environ
        if status < 400 or (COVERED in environ and ENVIRON_ID not in environ):
            return
        kind = str(environ.get("CONTENT_TYPE") or "")
        answer = Answer(
            status,
            self._headers,
            bytes(self._seen),
            environ["REQUEST_METHOD"],
            f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}",
            (("content-type", kind),) if kind else (),
            environ.get(ENVIRON_ID),
        )
        self._watch.observe(answer)

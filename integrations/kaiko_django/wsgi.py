"""The layer around the whole WSGI application, driving the core's `Exchange`.

It holds `start_response` back where the answer may yet become another one, and answers what
comes out of the application as an exception, at the call or while the body is read. A plain
success passes with one header more, and its body's own iterable untouched.
"""

from __future__ import annotations

from asyncio import CancelledError
from http.client import responses as phrases
from typing import TYPE_CHECKING, cast

from kaiko_django.conf import Setup
from kaiko_django.layers import ENVIRON_ID, ENVIRON_PASS, ENVIRON_REPLY
from kaiko_middleware import Config, ServerError, current_request_id
from kaiko_middleware.exchange import Exchange, Head
from kaiko_middleware.ids import reset_request_id, set_request_id
from kaiko_middleware.mapping import leaves
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextvars import Token
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

    from kaiko_middleware.exchange import Piece

    Write = Callable[[bytes], object]

__all__ = ["WSGIWrapper"]


class WSGIWrapper:
    """Turns every error answer of the WSGI application it wraps into an envelope.

    Arguments:
        app: Django's handler, or any WSGI application around it.
        config: the settings; all defaults when left out.

    """

    def __init__(self, app: WSGIApplication, config: Config | None = None) -> None:
        self.app = app
        self._setup = Setup(Config() if config is None else config)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        setup = self._setup
        current = current_request_id()
        if not setup.everywhere and not setup.config.covers(_path(environ)):
            if current is None:
                return self.app(environ, start_response)
            # It must not see the id of a request that called it in process.
            uncovered = _Restoring(set_request_id(None))
            return uncovered.run(self.app, environ, start_response)
        request_id: object = environ.get(ENVIRON_ID)
        if not isinstance(request_id, str) or request_id != current:
            request_id = environ[ENVIRON_ID] = setup.request_id(environ)
        response = _Response(set_request_id(request_id), setup, environ, start_response, request_id)
        return response.run(self.app, environ, response.start)


class _Restoring:
    """A body whose `close` puts back the request id that was current before."""

    __slots__ = ("_result", "_token")

    def __init__(self, token: Token[str | None]) -> None:
        self._token = token
        self._result: Iterable[bytes] = ()

    def run(
        self, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Call the application; return the body."""
        try:
            self._result = app(environ, start_response)
        except BaseException:
            reset_request_id(self._token)
            raise
        return self

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._result)

    def close(self) -> None:
        """Close the application's body; servers call this when all is sent, or nothing more."""
        try:
            close: Callable[[], object] | None = getattr(self._result, "close", None)
            if close is not None:
                close()
        finally:
            reset_request_id(self._token)


class _Response(_Restoring):
    """One response: between the application's `start_response` and the server's."""

    __slots__ = (
        "_chunks",
        "_environ",
        "_exchange",
        "_head",
        "_passing",
        "_raised",
        "_replaced",
        "_request_id",
        "_sent",
        "_server_start",
        "_server_write",
        "_setup",
    )

    def __init__(
        self,
        token: Token[str | None],
        setup: Setup,
        environ: WSGIEnvironment,
        server_start: StartResponse,
        request_id: str,
    ) -> None:
        super().__init__(token)
        self._setup = setup
        self._environ = environ
        self._server_start = server_start
        self._request_id = request_id
        self._head: tuple[str, list[tuple[str, str]]] = ("", [])
        self._exchange: Exchange | None = None
        self._server_write: Write | None = None
        self._passing = False  # the application's head is out, and its body passes unread
        self._replaced = False  # our head is out, and the application's body is dropped
        self._sent = False  # a chunk was sent, so that the head cannot be taken back
        self._chunks: list[bytes] = []  # to be sent before what the application yields
        self._raised: BaseException | None = None  # to be raised when all is sent

    def run(
        self, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Call the application; return the body."""
        try:
            try:
                self._result = app(environ, start_response)
            except BaseException as exc:
                if not _is_answerable(exc):
                    raise
                self._chunks = self._fail(exc)
                return self
            wrapper: object = environ.get("wsgi.file_wrapper")
            if isinstance(wrapper, type) and isinstance(self._result, wrapper):
                return self._as_file()
        except BaseException:
            reset_request_id(self._token)
            raise
        return self

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Write:
        """Take the application's head."""
        self._head = status, headers
        if self._passing or (self._exchange is None and self._is_plain(status, headers)):
            self._passing = True
            return self._send_head(status, self._with_id(headers), exc_info)
        exchange = self._exchange or self._make_exchange()
        exchange.ours = self._environ.get(ENVIRON_REPLY)
        code = int(status[:3]) if status[:3].isdecimal() else 0
        if code >= 400 and self._environ.get(ENVIRON_PASS):
            pieces = exchange.pass_on(code, headers)
        else:
            pieces = exchange.start(code, headers)
        self._chunks = self._take(pieces, exc_info)
        return self._write

    def __iter__(self) -> Iterator[bytes]:
        try:
            if self._raised is None and not self._replaced:
                yield from self._fed()
            yield from self._chunks
        except GeneratorExit:
            raise
        except BaseException as exc:
            if not _is_answerable(exc):
                raise
            yield from self._fail(exc)
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def _fed(self) -> Iterator[bytes]:
        """Yield what the exchange makes of the application's body."""
        for data in self._result:
            if self._passing:
                self._sent = True
                yield data
                continue
            exchange = self._exchange or self._make_exchange()
            for chunk in self._take(exchange.body(data, more=True)):
                self._sent = True
                yield chunk
            if self._replaced:
                return
        if not self._passing:
            yield from self._take((self._exchange or self._make_exchange()).end())

    def _fail(self, exc: BaseException) -> list[bytes]:
        """Take an exception; return what is to be sent, and note whether it is raised then."""
        taken_back = self._passing and not self._sent
        if taken_back:
            # A server holds the head until the first chunk. Without its length and type the
            # core holds it, too.
            self._passing = False
            exchange = self._make_exchange()
            exchange.start(
                200, [pair for pair in self._head[1] if not pair[0].lower().startswith("content-")]
            )
        else:
            exchange = self._exchange or self._make_exchange()
            if self._passing:
                exchange.pass_on()
        failed = exchange.fail(exc)
        exc_info = _exc_info(exc) if taken_back else None
        chunks = self._take(failed.pieces, exc_info)
        if not failed.pieces and not failed.hand_on and not self._sent:
            # The client is gone, but a server insists on an answer.
            gone = self._setup.engine.render(ServerError(), self._info(), ())
            self._send_head(_line(gone.status), list(gone.headers), exc_info)
            return [gone.body]
        # What ends a stream of unknown length is lost where the server cuts the connection.
        ended = bool(failed.pieces) and not self._replaced
        if not isinstance(exc, Exception) or (failed.hand_on and not ended):
            self._raised = exc
        return chunks

    def _as_file(self) -> Iterable[bytes]:
        """Return a file wrapper as it is, for the server's own way of sending files."""
        if not self._passing:
            exchange = self._exchange or self._make_exchange()
            self._chunks = self._take(exchange.other_body())
            if self._replaced:
                return self
        reset_request_id(self._token)
        return self._result

    def _take(self, pieces: list[Piece], exc_info: OptExcInfo | None = None) -> list[bytes]:
        """Send the heads among `pieces` and return the chunks."""
        chunks: list[bytes] = []
        for piece in pieces:
            if not isinstance(piece, Head):
                if piece.body:
                    chunks.append(piece.body)
            elif piece.original:
                status, headers = self._head
                self._server_write = self._send_head(status, self._with_id(headers), exc_info)
            else:
                self._replaced = True
                headers = list(piece.headers)
                self._server_write = self._send_head(_line(piece.status), headers, exc_info)
        return chunks

    def _send_head(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None
    ) -> Write:
        if exc_info is None:
            return self._server_start(status, headers)
        return self._server_start(status, headers, exc_info)

    def _write(self, data: bytes) -> None:
        """Be what `start_response` returns, for applications of the old kind."""
        exchange = self._exchange or self._make_exchange()
        for chunk in self._take(exchange.body(data, more=True)):
            self._sent = True
            if self._server_write is not None:
                self._server_write(chunk)

    def _is_plain(self, status: str, headers: list[tuple[str, str]]) -> bool:
        """Whether this is a success of known length, which needs no look."""
        if status[:1] not in {"2", "3"}:
            return False
        known = False
        for name, value in headers:
            if not value.isprintable():
                return False  # perhaps none that a server takes
            if len(name) == 14 and name.lower() == "content-length":
                known = True
        return known

    def _with_id(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        name = self._setup.header
        lowered = name.lower()
        return [
            *(pair for pair in headers if pair[0].lower() != lowered),
            (name, self._request_id),
        ]

    def _make_exchange(self) -> Exchange:
        self._exchange = Exchange(self._setup.engine, self._info())
        return self._exchange

    def _info(self) -> RequestInfo:
        method = str(self._environ.get("REQUEST_METHOD", "-"))
        return RequestInfo(self._request_id, method, _path(self._environ))


def _is_answerable(exc: BaseException) -> bool:
    """Whether an answer goes out before `exc` is handed on.

    Nobody cancels a synchronous call: a CancelledError is the application's own here.
    """
    return all(
        isinstance(leaf, Exception | SystemExit | KeyboardInterrupt | CancelledError)
        for leaf in leaves(exc)
    )


def _exc_info(exc: BaseException) -> OptExcInfo:
    # An exception that was caught has a traceback, whatever its type allows.
    return type(exc), exc, cast("TracebackType", exc.__traceback__)


def _line(status: int) -> str:
    return f"{status} {phrases.get(status, 'Unknown Status Code')}"


def _path(environ: WSGIEnvironment) -> str:
    """Return the path as Django has it: UTF-8, with the script's name."""
    raw = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return raw.encode("latin-1", "replace").decode("utf-8", "replace") or "/"

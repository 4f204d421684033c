"""Drives the core's `ResponseState` between a WSGI application and its server.

It holds `start_response` back where the answer may yet become another one, and answers what
comes out of the application as an exception, at the call or while the body is read. A plain
success passes with one header more, without a `ResponseState`.
"""

from __future__ import annotations

from asyncio import CancelledError
from http.client import responses as phrases
from typing import TYPE_CHECKING, cast

from kaiko_middleware.layers import layers_of
from kaiko_middleware.response_state import Head, ResponseState
from kaiko_middleware.safe_exception import leaves
from kaiko_wsgi.environ import request_info
from kaiko_wsgi.restoring_body import RestoringBody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIEnvironment

    from _typeshed import OptExcInfo

    from kaiko_middleware.response_state import Piece
    from kaiko_wsgi.setup import Setup

    Headers = list[tuple[str, str]]
    Write = Callable[[bytes], object]

__all__ = ["ResponseDriver", "is_answerable", "plain_head"]


class ResponseDriver(RestoringBody):
    """The response to one request.

    Arguments:
        previous: the request id that was current before.
        setup: the settings.
        environ: the request.
        server_start: the server's `start_response`.
        request_id: the request's id.

    """

    # Defaults of the class, so that a plain success sets none of them.
    _response: ResponseState | None = None
    _server_write: Write | None = None
    _exc_info: OptExcInfo | None = None
    """Why a head that the server has already is replaced, as PEP 3333 wants it."""
    _head: tuple[str, Headers] | None = None
    """What the application gave to `start`, last."""
    _passing = False
    """The application's head is out, and its body passes unread."""
    _replaced = False
    """Our head is out, and the application's body is dropped."""
    _sent = False
    """A chunk was sent, so that no head can be taken back."""
    _chunks: Sequence[bytes] = ()
    """What is sent after what the application yields."""
    _raised: BaseException | None = None
    """What is raised when all is sent."""

    def __init__(
        self,
        previous: str | None,
        setup: Setup,
        environ: WSGIEnvironment,
        server_start: StartResponse,
        request_id: str,
    ) -> None:
        super().__init__(previous)
        self._setup = setup
        self._environ = environ
        self._server_start = server_start
        self._request_id = request_id

    def take(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """Take what the application returned; return what the server gets.

        That is a file, for a server's own way of sending it, or this.
        """
        self._result = result
        if self._head is None:  # it starts when its first chunk is asked for
            return self
        response = None if self._passing else self._opened()
        wrapper: object = self._environ.get("wsgi.file_wrapper")
        if not isinstance(wrapper, type) or not isinstance(result, wrapper):
            return self
        if response is not None:
            self._chunks = [*self._chunks, *self._take(response.other_body())]
        if self._replaced:
            return self
        self.restore()
        return result

    def fail(self, exc: BaseException) -> Iterable[bytes]:
        """Take what the application raised; return what the server gets."""
        self._chunks = self._fail(exc)
        return self

    def start(self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /) -> Write:
        """Be the application's `start_response`."""
        self._head = status, headers
        if exc_info is not None:
            self._exc_info = exc_info
        if self._passing:
            if exc_info is None or self._sent:
                return self._send_head(status, self._with_id(headers))  # and be refused
            self._passing = False
            self._response = self._new_response()
        if self._response is not None:
            self._feed_head(self._response)
        else:
            plain = plain_head(self._setup, self._environ, self._request_id, status, headers)
            if plain is not None and plain[1]:
                self._passing = True
                return self._send_head(status, plain[0])
        return self.write

    def write(self, data: bytes) -> None:
        """Be what `start_response` returns, for applications of the old kind."""
        chunks = [data] if self._passing else self._take(self._opened().body(data, more=True))
        for chunk in chunks:
            self._sent = True
            # A chunk comes after a head, so that the server has given its own `write`.
            cast("Write", self._server_write)(chunk)

    def __iter__(self) -> Iterator[bytes]:
        try:
            if not self._replaced and self._raised is None:
                yield from self._fed()
            yield from self._chunks
        except GeneratorExit:
            raise
        except BaseException as exc:
            if not is_answerable(exc):
                raise
            yield from self._fail(exc)
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def _opened(self) -> ResponseState:
        """Return the response, which has seen the application's head."""
        if self._response is None:
            self._response = self._new_response()
            if self._head is not None:
                self._feed_head(self._response)
        return self._response

    def _new_response(self) -> ResponseState:
        return ResponseState(
            self._setup.pipeline,
            request_info(self._environ, self._request_id),
            layers=layers_of(self._environ, self._request_id),
            raising_ended=False,  # a stream of unknown length would be cut
            answering_gone=True,  # servers fail over an application without an answer
        )

    def _feed_head(self, response: ResponseState) -> None:
        status, headers = self._head or ("", [])
        code = int(status[:3]) if status[:3].isdecimal() else 0
        self._chunks = [*self._chunks, *self._take(response.start(code, headers))]

    def _fed(self) -> Iterator[bytes]:
        """Yield what the response makes of the application's body."""
        for data in self._result:
            if self._passing:  # started while the first chunk was made
                self._sent = True
                yield data
                continue
            response = self._opened()
            for chunk in self._take(response.body(data, more=True)):
                self._sent = True
                yield chunk
            if self._replaced:
                return
        if not self._passing:
            yield from self._take(self._opened().end())

    def _fail(self, exc: BaseException) -> list[bytes]:
        """Take an exception; return what is to be sent, and note whether it is raised then."""
        if not self._sent:
            # A server may have taken a head already, or have choked on it. An exception that
            # was caught has a traceback, whatever its type allows.
            self._exc_info = type(exc), exc, cast("TracebackType", exc.__traceback__)
        if self._passing and not self._sent:
            # A server holds the head until the first chunk. Without its length and type the
            # core holds it, too.
            self._passing = False
            response = self._response = self._new_response()
            headers = self._head[1] if self._head is not None else []
            response.start(200, [pair for pair in headers if pair[0][:8].lower() != "content-"])
        elif self._passing:
            response = self._response or self._new_response()
            response.pass_on()
        else:
            response = self._opened()
        failed = response.fail(exc)
        chunks = self._take(failed.pieces)
        if failed.hand_on or not isinstance(exc, Exception):
            self._raised = exc
        return chunks

    def _take(self, pieces: list[Piece]) -> list[bytes]:
        """Send the heads among `pieces` and return the chunks."""
        chunks: list[bytes] = []
        for piece in pieces:
            if not isinstance(piece, Head):
                if piece.body:
                    chunks.append(piece.body)
            elif piece.original and self._head is not None:
                status, headers = self._head
                self._send_head(status, self._with_id(headers))
            else:
                self._replaced = True
                self._send_head(_line(piece.status), list(piece.headers))
        return chunks

    def _send_head(self, status: str, headers: Headers) -> Write:
        exc_info, self._exc_info = self._exc_info, None
        if exc_info is None:
            write = self._server_start(status, headers)
        else:
            write = self._server_start(status, headers, exc_info)
        self._server_write = write
        return write

    def _with_id(self, headers: Headers) -> Headers:
        name, key = self._setup.header, self._setup.key
        return [*(pair for pair in headers if pair[0].lower() != key), (name, self._request_id)]


def plain_head(
    setup: Setup, environ: WSGIEnvironment, request_id: str, status: str, headers: Headers
) -> tuple[Headers, bool] | None:
    """Return the headers to send, and whether the body's length is known.

    For a success, and for the error answer that an inner layer made; None where the head
    needs a look.
    """
    if status[:1] not in {"2", "3"}:
        reply = layers_of(environ, request_id).reply
        ours = reply is not None and status[:3] == str(reply.status)
        return (headers, True) if ours else None
    known = False
    key, length = setup.key, len(setup.key)
    for name, value in headers:
        if not value.isprintable():
            return None  # perhaps none that a server takes
        size = len(name)
        if size == 14 and name.lower() == "content-length":
            known = True
        elif size == length and name.lower() == key:
            return None  # to be replaced
    return [*headers, (setup.header, request_id)], known


def _line(status: int) -> str:
    return f"{status} {phrases.get(status, 'Unknown Status Code')}"


def is_answerable(exc: BaseException) -> bool:
    """Whether an answer goes out before `exc` is handed on.

    Nobody cancels a synchronous call: a CancelledError is the application's own here.
    """
    return all(
        isinstance(leaf, Exception | SystemExit | KeyboardInterrupt | CancelledError)
        for leaf in leaves(exc)
    )

"""Drives the core's `ResponseState` between a WSGI application and its server.

The server gets the head with the first chunk, so an application that fails before it gets a clean
answer. Both are there when the application's call returns: granian reads the head at that moment.
A success that needs no look passes with one header more, without a `ResponseState`.
"""

from __future__ import annotations

from asyncio import CancelledError
from contextvars import copy_context
from http.client import responses as phrases
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol, cast

from kaiko_middleware.headers import is_field_value
from kaiko_middleware.layers import PASS_THROUGH, layers_of
from kaiko_middleware.response_head import stream_kind, why_unsendable
from kaiko_middleware.response_pieces import Head
from kaiko_middleware.response_state import ResponseState
from kaiko_middleware.safe_exception import leaves
from kaiko_middleware.sentry import crash_session
from kaiko_middleware.tracing import hold_end, tell_span
from kaiko_wsgi.environ import request_info
from kaiko_wsgi.known_heads import answered_inside
from kaiko_wsgi.restoring_body import RestoringBody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextvars import Context
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIEnvironment

    from _typeshed import OptExcInfo

    from kaiko_middleware.response_pieces import Piece
    from kaiko_wsgi.known_heads import Headers, KnownHeads

    Write = Callable[[bytes], object]

__all__ = ["Answering", "ResponseDriver"]


class Answering(Protocol):
    """What a driver asks the middleware that it serves for."""

    known: KnownHeads

    def shows_debug_page(self, environ: WSGIEnvironment, /) -> bool:
        """Whether the framework's debug pages are left alone here."""
        ...


class ResponseDriver(RestoringBody):
    """The response to one request.

    Arguments:
        previous: the request id that was current before.
        middleware: whose response it is.
        environ: the request.
        server_start: the server's `start_response`.
        request_id: the request's id.

    """

    # Defaults of the class, so that a plain success sets none of them.
    _head: tuple[str, Headers] | None = None
    """What the application gave to `start`, last."""
    _context: Context | None = None
    """The context in which the application gave that head."""
    release_span: Callable[[], None] | None = None
    """Lets that context's span end, once the head is sent."""
    _plain: tuple[str, Headers] | None = None
    """That head as it is sent, where it needs no look."""
    _response: ResponseState | None = None
    """The state of any other response."""
    _server_write: Write | None = None
    """What the server's `start_response` returned, once it has a head."""
    _exc_info: OptExcInfo | None = None
    """Why a head that the server may have is replaced, as PEP 3333 wants it."""
    _asked = False
    """The server's `start_response` was called, even if it refused the head."""
    _replaced = False
    """Our head is out, and the application's body is dropped."""
    _given = False
    """The application gave a chunk: no server would take another head then."""
    _sent = False
    """A chunk was sent."""
    _ended = False
    """The application's body is at its end."""
    _raised: BaseException | None = None
    """What is raised when all is sent."""

    def __init__(
        self,
        previous: str | None,
        middleware: Answering,
        environ: WSGIEnvironment,
        server_start: StartResponse,
        request_id: str,
    ) -> None:
        super().__init__(previous)
        self._middleware = middleware
        self._known = middleware.known
        self._pipeline = self._known.pipeline
        self._environ = environ
        self._server_start = server_start
        self._request_id = request_id
        self._pending: list[bytes] = []
        self._written: list[bytes] = []
        self._chunks: Iterator[bytes] = iter(())

    def take_over(self, status: str, fields: Headers, context: Context) -> None:
        """Have a head that the application gave before, and that needs no look.

        Arguments:
            status: its status line.
            fields: its fields as they are sent.
            context: the context in which the application gave it.

        """
        self._head = self._plain = status, fields
        self._context = context

    def serve(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """Return what the server gets for the body that the application returned."""
        self._result = result
        try:
            wrapper: object = self._environ.get("wsgi.file_wrapper")
            if self._head is not None and isinstance(wrapper, type) and isinstance(result, wrapper):
                # A server may send a file by a faster way.
                if self._plain is not None:
                    self._send_head(*self._plain)
                else:
                    self._pending += self._take(self._state().other_body())
                if not self._replaced:
                    self.restore()
                    return result
        except BaseException as exc:  # noqa: BLE001 - `fail_in_call` raises what is not answered
            return self.fail_in_call(exc)
        return self._begin()

    def fail_in_call(self, exc: BaseException, *, asked: bool = False) -> Iterable[bytes]:
        """Return what the server gets for an exception that left the application's call.

        Arguments:
            exc: the exception.
            asked: whether the server was given the head, and refused it.

        """
        if not _is_answerable(exc):
            self.close()
            raise exc
        self._asked = self._asked or asked
        try:
            self._fail(exc, in_call=True)
        except BaseException:
            self.close()
            raise
        return self._begin()

    def _begin(self) -> Iterable[bytes]:
        """Return the body, once the head is out: the first chunk brings it."""
        chunks = self._chunks = self._make()
        if self._server_write is None:
            try:
                self._chunks = chain([*islice(chunks, 1)], chunks)
            except BaseException:
                self.close()
                raise
        if self._raised is not None and self._is_for_test:
            self.close()
            raise self._raised  # the body, at whose end it would be raised, may never be read
        return self

    @property
    def _is_for_test(self) -> bool:
        return getattr(self._server_start, "__module__", None) == "werkzeug.test"

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """Close the application's body."""
        self._let_span_end()
        try:
            super().close()
        except Exception as exc:
            if self._ended:  # otherwise a failure is logged already
                self._fail(exc)
            raise

    def start(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Be the application's `start_response`."""
        if self._head is not None:
            if exc_info is None:
                msg = "start_response was called before, and there is no exc_info"
                raise AssertionError(msg)
            if self._given and exc_info[1] is not None:
                raise exc_info[1].with_traceback(exc_info[2])
        if not self._replaced:
            self._head, self._exc_info = (status, headers), exc_info
            self._context = copy_context()
            if self.release_span is None:
                self.release_span = hold_end()
            self._response = self._server_write = None
            fields = self._plain_fields(status, headers)
            self._plain = None if fields is None else (status, fields)
            # An event stream's first event is not waited for.
            if fields is None and status[:1] == "2" and stream_kind(headers) is not None:
                self._state()
        return self.write

    def _plain_fields(self, status: str, headers: Headers) -> Headers | None:
        """Return the fields to send, where the head needs no look; otherwise None.

        That is a success that cannot be ended with an envelope, and the error answer that an inner
        layer made.
        """
        if status[:1] in {"2", "3"}:
            return self._known.plain_fields(status, headers, self._request_id)
        made_inside = answered_inside(self._environ, self._request_id, status, headers)
        return headers if made_inside else None

    def _state(self) -> ResponseState:
        """Return the response's state, which has seen the application's head."""
        if self._response is None:
            self._response = ResponseState(
                self._pipeline,
                request_info(self._environ, self._request_id),
                layers=layers_of(self._environ, self._request_id),
                framework_debug=self._middleware.shows_debug_page(self._environ),
                raising_ended=False,  # a stream of unknown length would be cut
            )
            if self._plain is None and self._head is not None:
                status, headers = self._head
                as_it_is = bool(self._environ.get(PASS_THROUGH))
                pieces = self._response.start(_code(status), headers, as_it_is=as_it_is)
                self._pending += self._take(pieces)
        return self._response

    def _make(self) -> Iterator[bytes]:
        """Yield what becomes of the application's body; raise what is handed on."""
        if self._written:
            yield from self._written
        try:
            if not self._replaced and self._raised is None:
                for data in self._result:
                    if self._sent and self._plain is not None and type(data) is bytes:
                        yield data
                        continue
                    yield from self._feed(data)
                    if self._replaced:
                        break
                else:
                    yield from self._end()
        except BaseException as exc:
            if not _is_answerable(exc):
                raise
            self._fail(exc)
        if self._pending:
            yield from self._pending
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def _feed(self, data: bytes) -> list[bytes]:
        """Take a chunk of the application's; return what to send now."""
        given = cast("object", data)
        if not isinstance(given, bytes):
            # PEP 3333 has nothing but bytes; some servers send these, too.
            if not isinstance(given, bytearray | memoryview):
                msg = f"the application sent a body of {type(data).__qualname__}, not bytes"
                raise TypeError(msg)
            data = bytes(data)
        if not data and self._head is not None:  # it is no part of the body
            return [] if self._server_write is None else [data]
        self._given = True
        if self._plain is None:
            chunks = self._take(self._state().body(data, more=True))
        else:
            chunks = [data]
            if self._server_write is None:
                self._send_head(*self._plain)
        self._sent = self._sent or bool(chunks)
        return chunks

    def _end(self) -> list[bytes]:
        """Take note that the application's body is at its end; return what to send now."""
        self._ended = True
        if self._plain is None:
            state = self._state()
            return self._take(state.end() if self._head is None else state.body(b"", more=False))
        if self._server_write is None:
            self._send_head(*self._plain)
        return []

    def write(self, data: bytes) -> None:
        """Be what `start_response` returns, for applications of the old kind."""
        for chunk in self._feed(data):
            (self._server_write or self._written.append)(chunk)

    def _fail(self, exc: BaseException, *, in_call: bool = False) -> None:
        """Take an exception; note what is still sent, and whether it is raised then.

        Arguments:
            exc: the exception.
            in_call: whether it left the application's call, and not its body.

        """
        if not self._sent:
            # A server may have choked on a head. An exception that was caught has a traceback,
            # whatever its type allows.
            self._exc_info = type(exc), exc, cast("TracebackType", exc.__traceback__)
        response = self._failing_state()
        failed = response.fail(exc)
        if not failed.pieces and not response.started:
            raise exc  # the framework shows its debug page
        if failed.pieces and failed.unmapped:
            tell_span(exc, status=500 if in_call else None)
        if in_call and failed.unmapped and failed.hand_on:
            crash_session()
        chunks = self._take(failed.pieces)
        if failed.hand_on or not isinstance(exc, Exception):
            self._raised = exc
            if failed.pieces and not chunks and self._server_write is not None:
                self._server_write(b"")  # waitress takes no empty chunk for the head's
        # A server sends the head with a chunk, be it an empty one: the answer to HEAD has no other.
        self._pending += chunks or [b""]

    def _failing_state(self) -> ResponseState:
        """Return the response's state, which knows how far the response is."""
        if self._head is not None and self._response is None and self._plain is None:
            status, headers = self._head
            if why_unsendable(_code(status), headers, rewritten=True) is not None:
                self._head = None  # no server would have taken it: the exception is what counts
        response = self._state()
        if self._plain is not None:
            if self._sent or self._ended:
                response.pass_on(whole=self._ended)
            else:  # without its length and its type, the core holds it
                kept = [pair for pair in self._plain[1] if pair[0][:8].lower() != "content-"]
                response.start(200, kept)
            self._plain = None
        return response

    def _take(self, pieces: list[Piece]) -> list[bytes]:
        """Send the heads among `pieces` and return the chunks."""
        chunks: list[bytes] = []
        for piece in pieces:
            if not isinstance(piece, Head):
                if piece.body:
                    chunks.append(piece.body)
            elif piece.original and self._head is not None:
                self._send_head(self._head[0], self._known.with_id(self._head[1], self._request_id))
            else:
                self._replaced = True
                # What another application answers in its place has other fields.
                layers_of(self._environ, self._request_id).sent = piece.headers
                line = f"{piece.status} {phrases.get(piece.status, 'Unknown Status Code')}"
                self._send_head(line, list(piece.headers))
        return chunks

    def _send_head(self, status: str, headers: Headers) -> None:
        head: tuple[object, ...] = status, headers
        # uWSGI fails where it is given an `exc_info`, so it is given only where one is due.
        if self._exc_info is not None and self._asked:
            head = *head, self._exc_info
        self._exc_info, self._asked = None, True
        start: Callable[..., Write] = self._server_start
        # Flask's context is gone once the application has returned, and OpenTelemetry, around
        # Flask and inside of the server, asks for it.
        context = self._context
        write: Write | None = start(*head) if context is None else context.run(start, *head)
        # granian and the bridges of asgiref and Starlette return None.
        self._server_write = write or self._written.append
        self._let_span_end()

    def _let_span_end(self) -> None:
        release, self.release_span = self.release_span, None
        if release is not None:
            release()


def _code(status: str) -> int:
    return int(status[:3]) if status[:3].isdecimal() and is_field_value(status) else 0


def _is_answerable(exc: BaseException) -> bool:
    """Whether an answer goes out before `exc` is handed on.

    Nobody cancels a synchronous call: a CancelledError is the application's own here.
    """
    return all(
        isinstance(leaf, Exception | SystemExit | KeyboardInterrupt | CancelledError)
        for leaf in leaves(exc)
    )

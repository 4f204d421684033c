"""One response on its way out, without I/O: pass, hold or rewrite, and how it ends.

A driver (ASGI, WSGI, Django) feeds a `ResponseState` what the application sends, and sends
what comes back. The state holds a head whose body may yet fail, collects error answers and
replaces them, ends event streams and JSON lines with an envelope when they fail, says when a
connection can only be cut, and knows what the other layers of the request did. Implements
the second half of section 8 of the contract.
"""

from __future__ import annotations

import logging
import sys
from enum import IntEnum
from typing import TYPE_CHECKING

from .content_coding import BODY_LIMIT
from .errors import ServerError
from .headers import DESCRIBES_BODY
from .layers import Layers
from .make_error import error_for_status
from .map_exception import is_disconnect
from .render import event_frame
from .report import report_disconnect, report_note
from .response_head import (
    cors_fields,
    is_html,
    is_readable,
    recognize,
    stream_kind,
    why_unsendable,
)
from .response_pieces import Chunk, Failed, Head
from .tracing import current_span, in_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from .errors import KaikoError
    from .map_exception import Known
    from .pipeline import Headers, Pipeline
    from .render import Reply
    from .report import RequestInfo
    from .response_pieces import Piece

__all__ = ["ResponseState"]


class _Phase(IntEnum):
    """How far a response is; in the first three, nothing was sent."""

    NEW = 0
    HELD = 1
    """A head is held back until its body begins."""
    COLLECTING = 2
    """An error answer is being read."""
    OPEN = 3
    """The head is out, the body passes."""
    DONE = 4
    """Our answer is out, what else comes is dropped."""


_HEADLESS = "the application sent a body before a head"
_LEFT = "client disconnected: the application returned"
_UNFINISHED = "the application returned before the end of its answer"
_STARLETTES_OWN = b"Internal Server Error"
_CUT_SHORT = "the answer was cut short"
_BYTES = (bytes, bytearray, memoryview)


class ResponseState:
    """The state of one response.

    Arguments:
        pipeline: the core's steps.
        request: the request that is answered.
        layers: what the layers of this request tell each other.
        framework_debug: whether the framework's debug pages are left alone here, because
            it runs in debug and the client prefers HTML.
        deferring: whether a 500 that the application answers is reported only once it is
            known what came out of it (`fail`, `end` or `abandon` is then guaranteed to
            follow): on ASGI, frameworks answer first and raise the exception again.
        raising_ended: whether the driver can raise an unmapped exception again once it has
            ended a stream.

    """

    # Defaults of the class: a response changes few of them.
    client_gone: bool = False
    """Whether an exception said that the client is gone: it needs no answer."""
    answers_exception: bool = False
    """Whether the answer is to an exception, which passed all that is inside."""
    read_request: Callable[[], RequestInfo] | None = None
    """Returns the request with its Content-Type, where the driver did not look for it yet."""
    _phase = _Phase.NEW
    _head: tuple[int, Headers] = (0, [])
    _body: bytearray | None = None
    """What was read of an error answer; None where it is dropped."""
    _end: Callable[[bytes, bytes], bytes] | None = None
    """How the stream is ended if it fails; None if it can only be cut, or is whole."""
    tail: bytes = b""
    """The last bytes of a stream that can be ended; a driver that passes chunks on keeps it."""
    whole: bool = False
    """Whether the application's body is out; the driver says so of one that it passes on."""
    all_sent: bool = False
    """Whether all octets that the head spoke of are out, though nothing ended the body."""
    _unreported: KaikoError | None = None
    """What is answered, to be reported once it is known what came out of the application."""
    _handing_on = True
    """Whether the exception that was answered is to be raised again."""

    def __init__(
        self,
        pipeline: Pipeline,
        request: RequestInfo,
        *,
        layers: Layers | None = None,
        framework_debug: bool = False,
        deferring: bool = False,
        raising_ended: bool = True,
    ) -> None:
        self.request: RequestInfo = request
        """The request that is answered."""
        self._pipeline = pipeline
        self._layers = Layers(request.request_id) if layers is None else layers
        self._framework_debug = framework_debug
        self._deferring = deferring
        self._raising_ended = raising_ended

    @property
    def started(self) -> bool:
        """Whether anything was sent."""
        return self._phase > _Phase.COLLECTING

    @property
    def passing(self) -> bool:
        """Whether the rest of the body needs no look at all."""
        return self._phase is _Phase.OPEN and self._end is None

    @property
    def unfinished(self) -> bool:
        """Whether an application that returns now leaves an answer that is not whole."""
        return not self.whole and self._phase not in {_Phase.COLLECTING, _Phase.DONE}

    @property
    def endable(self) -> bool:
        """Whether a last event or line still fits in, should the body fail."""
        return self._end is not None and self.request.method != "HEAD"

    def start(self, status: int, headers: Headers, *, as_it_is: bool = False) -> list[Piece]:
        """Take the application's head; return what to send now.

        Arguments:
            status: its status.
            headers: its header fields.
            as_it_is: whether an error answer is let through as it is.

        """
        if self._phase > _Phase.COLLECTING:
            done = self._phase is _Phase.DONE
            return [] if done else [Head(status, tuple(headers), original=True)]
        error = self._layers.take_error(status)
        if error is not None:
            return self._finish(self._pipeline.render(error, self.request, headers))
        as_it_is = as_it_is or self._layers.left_alone
        rewriting = self._pipeline.config.rewrite_answers and not as_it_is
        unsendable = why_unsendable(status, headers, rewritten=rewriting)
        if unsendable is not None:
            return self._bug(unsendable)
        self._head, self._end = (status, headers), None
        if status >= 400:
            if as_it_is:
                return self._release()
            if self._framework_debug and is_html(headers):
                self._unreported = error_for_status(status)
                return self._release()
            if rewriting:
                self._phase = _Phase.COLLECTING
                self._body = bytearray()
                return []
        else:
            self._end = stream_kind(headers)
            if not self._is_held(headers):
                return self._release()
        self._phase = _Phase.HELD
        return []

    def _is_held(self, headers: Headers) -> bool:
        """Whether the head of a success waits for the first chunk."""
        if self._end is event_frame:
            return self._pipeline.config.hold_event_streams
        return self._end is not None or not any(n.lower() == "content-length" for n, _ in headers)

    def start_answer_to(
        self,
        exc: BaseException,
        status: int,
        headers: Headers,
        body: bytes | None = None,
        *,
        unmapped: bool = False,
        known: Known | None = None,
    ) -> list[Piece]:
        """Take an answer that the framework made of `exc`; return ours.

        Arguments:
            exc: what the framework answers.
            status: its status.
            headers: its header fields.
            body: its body, None where it is not at hand.
            unmapped: whether `exc` was looked up already, and has no mapping.
            known: what the adapter knows of its framework's classes, besides the toolkit.

        """
        pipeline, request = self._pipeline, self.request
        kept = [pair for pair in headers if pair[0].lower() not in DESCRIBES_BODY]
        answer = None
        if not unmapped:
            answer = pipeline.on_mapped(exc, request, replaced=kept, known=known)
        if answer is None:
            answer = pipeline.on_unmapped(exc, request, kept)
        if self._framework_debug and is_html(headers):
            self._head = status, headers
            return self._release()
        self.client_gone = answer.disconnected
        kept_answer = pipeline.keep(status, headers, body, request)
        return self._finish(answer.reply if kept_answer is None else kept_answer[1])

    def pass_on(self, *, whole: bool = False) -> None:
        """Take note that a head went out, and that what follows does.

        Arguments:
            whole: whether the body is out as well.

        """
        self._phase, self._end, self.whole = _Phase.OPEN, None, whole

    def body(self, body: bytes, *, more: bool) -> list[Piece]:
        """Take a part of the application's body; return what to send now."""
        if self._phase is _Phase.DONE:
            return []
        if self._phase is _Phase.NEW:
            return self._bug(_HEADLESS)
        if self._phase is not _Phase.OPEN and not _is_bytes(body):
            return self._bug(f"no server would send a body of {type(body).__qualname__}")
        if self._phase is _Phase.COLLECTING:
            return self._collect(body, more=more)
        head = self._release() if self._phase is _Phase.HELD else []
        if self._end is not None and body:
            self.tail = (self.tail + body[-4:])[-4:]
        if not more:
            self.whole, self._end = True, None
        return [*head, Chunk(body, more)]

    def other_body(self) -> list[Piece]:
        """Take note that a body comes by a way that cannot be looked into (a file's path)."""
        if self._phase is _Phase.NEW:
            return self._bug(_HEADLESS)
        self._body = self._end = None
        self.whole = True
        if self._phase is _Phase.COLLECTING:
            return self._replace()
        return self._release() if self._phase is _Phase.HELD else []

    def fail(self, exc: BaseException, *, answered_outside: bool = False) -> Failed:
        """Take the exception that came out of the application.

        Arguments:
            exc: the exception.
            answered_outside: whether an outer layer of the framework answers an unmapped
                exception where nothing was sent; it is then handed on unreported.

        """
        layers = self._layers
        if layers.reported is not None and layers.was_reported(exc):
            if self.started:
                self._unreported = None
                return Failed([], hand_on=self._handing_on)
            if layers.reply is not None:
                # Something between that layer and this one dropped its answer.
                return Failed(self._finish(layers.reply), hand_on=True)
        if self._phase <= _Phase.COLLECTING:
            return self._answer(exc, answered_outside=answered_outside)
        failed = self._end_started(exc)
        if failed.hand_on:
            layers.reported = exc
        return failed

    def refuse(self, error: KaikoError) -> list[Piece]:
        """Answer with `error` in place of what the application did; return what to send now.

        A 500 is reported once it is known what came out of the application.
        """
        if error.status != 500:
            return self.fail(error).pieces
        self._unreported = error
        return self._finish(self._pipeline.render(error, self.request))

    def _answer(self, exc: BaseException, *, answered_outside: bool) -> Failed:
        """Answer an exception where nothing was sent."""
        pipeline, request, layers = self._pipeline, self.request, self._layers
        kept = cors_fields(self._head[1]) if self._head[1] else ()
        if layers.promised:
            kept = (*kept, *layers.promised)
        answer = None
        if layers.passed is not exc:
            answer = pipeline.on_mapped(exc, request, replaced=kept)
        if answer is None:
            if answered_outside:
                layers.passed = exc
                layers.span = layers.span or current_span()
                pipeline.on_passing(exc, request)
                return Failed([], hand_on=True)
            if layers.span is None:
                answer = pipeline.on_unmapped(exc, request, kept)
            else:
                with in_span(layers.span):
                    answer = pipeline.on_unmapped(exc, request, kept)
        hand_on = answer.unmapped and pipeline.config.reraise
        if hand_on or not isinstance(exc, Exception):
            layers.reported = exc
        if self._framework_debug and answer.unmapped:
            return Failed([], hand_on=True)
        self.answers_exception = True
        self.client_gone = answer.disconnected
        return Failed(self._finish(answer.reply), hand_on, answer.unmapped)

    def _end_started(self, exc: BaseException) -> Failed:
        """End a response that an exception interrupts."""
        pipeline, request = self._pipeline, self.request
        if self._end is not None:
            raising = self._raising_ended
            answer = pipeline.on_exception(exc, request, handed_on=raising)
            if answer.disconnected:
                self._phase = _Phase.DONE
                return Failed([], hand_on=False)
            last = self._end(answer.reply.body, self.tail) if self.endable else b""
            self._phase, self._end = _Phase.DONE, None
            hand_on = raising and answer.unmapped and pipeline.config.reraise
            return Failed([Chunk(last, more=False)], hand_on, answer.unmapped)
        if self._report_answered(exc):
            return Failed([], hand_on=self._handing_on)
        if is_disconnect(exc):
            report_disconnect(exc, request)
            self._phase = _Phase.DONE
            return Failed([], hand_on=False)
        whole = self.whole or self._phase is _Phase.DONE
        # Where the answer is not whole, the server has to see the exception and cut it.
        hand_on = not whole or pipeline.config.reraise
        error = pipeline.find(exc, request)
        pipeline.report(
            error or ServerError(),
            exc,
            request,
            unmapped=error is None,
            handed_on=hand_on,
            late="raised after the answer" if whole or self.all_sent else _CUT_SHORT,
        )
        return Failed([], hand_on)

    def end(self, *, client_left: bool = False) -> list[Piece]:
        """Take note that the application returned; return what is missing of an answer.

        Arguments:
            client_left: whether the application was told that its client is gone.

        """
        pieces = self._complete(client_left=client_left or self.client_gone)
        self.abandon()
        return pieces

    def _complete(self, *, client_left: bool = False) -> list[Piece]:
        if self._phase is _Phase.COLLECTING:
            return self._replace()
        if not self.unfinished:
            return []
        bodyless = self.request.method == "HEAD" or self._head[0] in {204, 304}
        if self.all_sent or (bodyless and self._phase is not _Phase.NEW):
            return self.body(b"", more=False)
        if client_left:
            report_note(_LEFT, self.request, level=logging.DEBUG)
            return []
        if self._phase is not _Phase.OPEN:
            return self._bug("the application returned without an answer")
        self._phase = _Phase.DONE
        if self._end is None:
            bug = ServerError()
            self._pipeline.report(bug, None, self.request, bug=_UNFINISHED, late=_CUT_SHORT)
            return []
        reply = self._pipeline.on_bug(_UNFINISHED, self.request).reply
        return [Chunk(self._end(reply.body, self.tail), more=False)]

    def end_answer(self, exc: BaseException) -> Failed:
        """Take note that the service's handler has answered `exc`, and report it."""
        pieces = self._complete()
        if self._report_answered(exc):
            hand_on = self._handing_on
        else:
            unmapped = self._pipeline.find(exc, self.request) is None
            hand_on = unmapped and self._pipeline.config.reraise
        if hand_on:
            self._layers.reported = exc
        return Failed(pieces, hand_on)

    def abandon(self) -> None:
        """Take note that neither a return nor an exception to answer will follow."""
        self._report_answered(None)

    def _release(self) -> list[Piece]:
        status, headers = self._head
        self._phase = _Phase.OPEN
        return [Head(status, tuple(headers), original=True)]

    def _collect(self, body: bytes, *, more: bool) -> list[Piece]:
        if self._body is None or len(self._body) + len(body) > BODY_LIMIT:
            self._body = None
            return self._replace()
        self._body += body
        # The rest of a body that says nothing is dropped as it comes.
        says_more = more and is_readable(self._head[1], self._body, self._pipeline.config)
        return [] if says_more else self._replace()

    def _replace(self) -> list[Piece]:
        """Answer in place of the error answer that was collected."""
        pipeline, request, layers = self._pipeline, self.request, self._layers
        status, headers = self._head
        body = None if self._body is None else bytes(self._body)
        if layers.reply is not None and body is not None:
            ours = recognize(layers.reply, status, headers, body, request, pipeline.config)
            if ours is not None:
                return self._finish(ours)
        handled = sys.exception() if status == 500 else None
        if handled is not None and (body == _STARLETTES_OWN or is_disconnect(handled)):
            # Starlette's ServerErrorMiddleware answers while it handles the exception:
            # it is known here, and its answer may be a better one than a bare 500.
            answer = pipeline.on_exception(handled, request, replaced=headers)
            layers.reported = handled
            self.answers_exception = True
            self._handing_on = answer.unmapped and pipeline.config.reraise
            self.client_gone = answer.disconnected
            return self._finish(answer.reply)
        # Another body in place of an answer of ours is the same error, which was reported.
        due = layers.reply is None or layers.reply.status != status
        later = self._deferring and (status == 500 or self.answers_exception)
        read = self.read_request
        request = request if read is None else read()
        answer = pipeline.on_answer(status, headers, body, request, report=due and not later)
        self._unreported = answer.error if due and later else None
        return self._finish(answer.reply)

    def _report_answered(self, exc: BaseException | None) -> bool:
        """Report an answer that was not yet, with the exception behind it if there is one."""
        error, self._unreported = self._unreported, None
        if error is None:
            return False
        if exc is None or is_disconnect(exc):
            self._pipeline.report(error, None, self.request)
            return False
        unmapped = self._pipeline.find(exc, self.request) is None
        with in_span(self._layers.span):
            self._pipeline.report(error, exc, self.request, unmapped=unmapped)
        self._handing_on = unmapped and self._pipeline.config.reraise
        return True

    def _bug(self, text: str) -> list[Piece]:
        return self._finish(self._pipeline.on_bug(text, self.request).reply)

    def _finish(self, reply: Reply) -> list[Piece]:
        self._phase, self._end = _Phase.DONE, None
        self._layers.reply = reply  # before it is sent: an outer layer sees the head first
        body = b"" if self.request.method == "HEAD" else reply.body
        return [Head(reply.status, reply.headers, original=False), Chunk(body, more=False)]


def _is_bytes(given: object) -> bool:
    """Whether it is a body at all: applications send anything."""
    return isinstance(given, _BYTES)

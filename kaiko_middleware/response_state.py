"""One response on its way out, without I/O: pass, hold or rewrite, and how it ends.

A driver (ASGI, WSGI, Django) feeds a `ResponseState` what the application sends, and sends
what comes back. The state holds a head whose body may yet fail, collects error answers and
replaces them, ends event streams and JSON lines with an envelope when they fail, says when a
connection can only be cut, and knows what the other layers of the request did. Implements
the second half of section 8 of the contract.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from .content_coding import BODY_LIMIT
from .errors import error_for_status
from .headers import DESCRIBES_BODY
from .layers import Layers
from .map_exception import is_disconnect
from .render import event_frame
from .report import report_disconnect, report_late
from .response_head import cors_fields, recognize, stream_kind, why_unsendable
from .safe_exception import cause_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .errors import KaikoError
    from .pipeline import Answer, Headers, Pipeline
    from .render import Reply
    from .report import RequestInfo

__all__ = ["Chunk", "Failed", "Head", "Piece", "ResponseState"]


class Head(NamedTuple):
    """Send this status line and header section.

    `original` says that it is the application's own, to which only the id is added.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    original: bool


class Chunk(NamedTuple):
    """Send this part of the body; `more` says whether another one follows."""

    body: bytes
    more: bool


Piece = Head | Chunk


class Failed(NamedTuple):
    """What to do about an exception: send `pieces`, then raise it again if `hand_on`.

    `unmapped` says that it was answered without a mapping.
    """

    pieces: list[Piece]
    hand_on: bool
    unmapped: bool = False


class _Phase(IntEnum):
    """How far a response is; in the first three, nothing was sent."""

    NEW = 0
    HELD = 1
    """A head is held back until its body begins."""
    COLLECTING = 2
    """An error answer is being read."""
    OPEN = 3
    """The head is out, the body passes."""
    STREAM = 4
    """The head of an event stream is out, its last bytes are known."""
    DONE = 5
    """Our answer is out, what else comes is dropped."""


_PARSED = ("json", "text/plain")
_HEADLESS = "the application sent a body before a head"


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
        answering_gone: whether the driver needs an answer even where the client is gone.

    """

    __slots__ = (
        "_answering_gone",
        "_body",
        "_deferring",
        "_defers_all",
        "_end",
        "_framework_debug",
        "_handing_on",
        "_head",
        "_layers",
        "_pending",
        "_phase",
        "_pipeline",
        "_raising_ended",
        "_reported",
        "_tail",
        "_unreported",
        "_whole",
        "answers_exception",
        "client_gone",
        "ending",
        "holding_end",
        "request",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        request: RequestInfo,
        *,
        layers: Layers | None = None,
        framework_debug: bool = False,
        deferring: bool = False,
        raising_ended: bool = True,
        answering_gone: bool = False,
    ) -> None:
        self._deferring = deferring
        self._defers_all = False
        self.holding_end: bool = False
        """Whether the empty last body of an event stream or of JSON lines is held until the
        driver calls `let_go`: frameworks end such a stream before they raise what made it fail."""
        self.ending: bool = False
        """Whether the end of a stream is held."""
        self._raising_ended = raising_ended
        self._answering_gone = answering_gone
        self.client_gone: bool = False
        """Whether an exception said that the client is gone."""
        self._pipeline = pipeline
        self.request: RequestInfo = request
        """The request; its content type is read when an error answer comes."""
        self._layers = Layers(request.request_id) if layers is None else layers
        self._framework_debug = framework_debug
        self._phase = _Phase.NEW
        self._head: tuple[int, Headers] = (0, [])
        self._body: bytearray | None = None
        self._pending: BaseException | None = None
        self._reported: BaseException | None = None
        self._handing_on = True
        self._unreported: KaikoError | None = None
        self.answers_exception: bool = False
        """Whether our answer is to an exception, which passed all that is inside."""
        self._tail = b""
        self._whole = False
        self._end: Callable[[bytes, bytes], bytes] | None = None

    @property
    def started(self) -> bool:
        """Whether anything was sent."""
        return self._phase > _Phase.COLLECTING

    def let_go(self) -> list[Piece]:
        """Return what is held of the end of a stream."""
        if not self.ending:
            return []
        self.ending = False
        pieces = self._release() if self._phase is _Phase.HELD else []
        self._phase = _Phase.OPEN
        self._whole = True
        return [*pieces, Chunk(b"", more=False)]

    @property
    def settled(self) -> bool:
        """Whether the whole answer is out, and reported: the end brings nothing more."""
        return self._phase is _Phase.DONE and self._unreported is None

    @property
    def passing(self) -> bool:
        """Whether the rest of the body needs no look at all."""
        return self._phase is _Phase.OPEN

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
        if (as_it_is or self._layers.left_alone) and status >= 400:
            return self.pass_on(status, headers)
        config = self._pipeline.config
        self._head = status, headers
        if (
            config.rewrite_answers
            and type(status) is int  # a framework may give anything
            and 400 <= status <= 599
            and not self._framework_debug
        ):
            if status == 500:
                self._pending = sys.exception()
            self._phase = _Phase.COLLECTING
            self._body = bytearray()
            return []
        unsendable = why_unsendable(status, headers, rewritten=config.rewrite_answers)
        if unsendable is not None:
            return self._bug(unsendable)
        if status >= 400:
            return self._start_error(status, headers)
        self._end = stream_kind(headers)
        if self._end is not None and not (config.hold_event_streams and self._end is event_frame):
            if self._end is event_frame:
                return self._release()
        elif any(name.lower() == "content-length" for name, _ in headers):
            return self._release()
        self._phase = _Phase.HELD
        return []

    def _start_error(self, status: int, headers: Headers) -> list[Piece]:
        self._pending = sys.exception() if status == 500 else None
        if self._is_debug_page(headers):
            self._unreported = error_for_status(status)
            return self._release()
        if not self._pipeline.config.rewrite_answers:
            self._end = None
            self._phase = _Phase.HELD
            return []
        self._phase = _Phase.COLLECTING
        self._body = bytearray()
        return []

    def start_answer_to(
        self, exc: BaseException, status: int, headers: Headers, *, unmapped: bool = False
    ) -> list[Piece]:
        """Take the head of an answer that the framework made of `exc`; return ours.

        Arguments:
            exc: what the framework answers.
            status: its status.
            headers: its header fields.
            unmapped: whether `exc` was looked up already, and has no mapping.

        """
        pipeline, request = self._pipeline, self.request
        kept = [pair for pair in headers if pair[0].lower() not in DESCRIBES_BODY]
        answer = None if unmapped else pipeline.on_mapped(exc, request, replaced=kept)
        if answer is None:
            answer = pipeline.on_unmapped(exc, request, kept)
        if self._is_debug_page(headers):
            return self.pass_on(status, headers)
        return self._gone(answer) if answer.disconnected else self._finish(answer.reply)

    def _gone(self, answer: Answer) -> list[Piece]:
        self.client_gone = True
        self._phase = _Phase.DONE
        return self._finish(answer.reply) if self._answering_gone else []

    def _is_debug_page(self, headers: Headers) -> bool:
        return self._framework_debug and any(
            name.lower() == "content-type" and value.lower().startswith("text/html")
            for name, value in headers
        )

    def pass_on(self, status: int = 200, headers: Headers | None = None) -> list[Piece]:
        """Let a head through as it is, and what follows; or take note that this was done."""
        self._head = status, headers or []
        self._end = None
        return self._release()

    def other_body(self) -> list[Piece]:
        """Take note that a body comes by a way that cannot be looked into (a file's path)."""
        if self._phase is _Phase.COLLECTING:
            self._body = None
            return self._replace()
        if self._phase is _Phase.HELD:
            self._end = None
            return self._release()
        if self._phase is _Phase.STREAM:
            self._phase = _Phase.OPEN
        if self._phase is _Phase.NEW:
            return self._bug(_HEADLESS)
        return []

    def body(self, body: bytes, *, more: bool) -> list[Piece]:
        """Take a part of the application's body; return what to send now."""
        phase = self._phase
        if phase is _Phase.OPEN:
            return [Chunk(body, more)]
        if self._end is not None and not body and not more and self._may_hold_end():
            self.ending = True
            return []
        if phase is _Phase.STREAM:
            if body:
                self._tail = (self._tail + body[-4:])[-4:]
            if not more:
                self._phase = _Phase.OPEN
                self._whole = True
            return [Chunk(body, more)]
        if phase is _Phase.HELD:
            return [*self._release(), *self.body(body, more=more)]
        if phase is _Phase.COLLECTING:
            return self._collect(body, more=more)
        return [] if phase is _Phase.DONE else self._bug(_HEADLESS)

    def _may_hold_end(self) -> bool:
        return (
            self.holding_end
            and self._phase in (_Phase.STREAM, _Phase.HELD)
            and self.request.method != "HEAD"
        )

    def fail(self, exc: BaseException, *, answered_outside: bool = False) -> Failed:
        """Take the exception that came out of the application.

        Arguments:
            exc: the exception.
            answered_outside: whether an outer layer of the framework answers an unmapped
                exception where nothing was sent; it is then handed on unreported.

        """
        layers = self._layers
        if layers.reported and layers.was_reported(exc):
            if self.started:
                self._unreported = None
                return Failed(self.let_go(), hand_on=True)
            if layers.reply is not None:
                # Something between that layer and this one dropped its answer.
                return Failed(self._finish(layers.reply), hand_on=True)
        self.ending = False  # what ends it now is the exception
        if self._phase <= _Phase.COLLECTING:
            return self._answer(exc, answered_outside=answered_outside)
        failed = self._end_started(exc)
        if failed.hand_on:
            layers.mark_reported(exc)
        return failed

    def _answer(self, exc: BaseException, *, answered_outside: bool) -> Failed:
        """Answer an exception where nothing was sent."""
        pipeline, request, layers = self._pipeline, self.request, self._layers
        cors = cors_fields(self._head[1]) if self._head[1] else ()
        answer = None
        if layers.passed is not exc:
            answer = pipeline.on_mapped(exc, request, replaced=cors)
        if answer is None:
            if answered_outside:
                layers.passed = exc
                return Failed([], hand_on=True)
            answer = pipeline.on_unmapped(exc, request, cors)
        elif answer.disconnected:
            return Failed(self._gone(answer), hand_on=False)
        hand_on = answer.unmapped and pipeline.config.reraise
        if hand_on or not isinstance(exc, Exception):
            layers.reported = (exc,)
        if self._framework_debug and answer.unmapped:
            return Failed([], hand_on=True)
        self.answers_exception = True
        return Failed(self._finish(answer.reply), hand_on, answer.unmapped)

    def _end_started(self, exc: BaseException) -> Failed:
        """End a response that an exception interrupts."""
        pipeline, request = self._pipeline, self.request
        if self._phase is _Phase.STREAM and self._end is not None:
            raising = self._raising_ended
            answer = pipeline.on_exception(exc, request, handed_on=raising)
            if answer.disconnected:
                return Failed([], hand_on=False)
            self._phase = _Phase.DONE
            head = request.method == "HEAD"
            last = b"" if head else self._end(answer.reply.body, self._tail)
            return Failed(
                [Chunk(last, more=False)], raising and self._hands_on(answer), answer.unmapped
            )
        if self._report_answered(exc) or _same(exc, self._reported):
            return Failed([], hand_on=self._handing_on)
        if is_disconnect(exc):
            report_disconnect(exc, request)
            return Failed([], hand_on=False)
        answered = self._whole or self._phase is _Phase.DONE
        text = "raised after the answer" if answered else "the answer was cut short"
        unmapped = pipeline.find(exc, request) is None
        report_late(exc, request, unmapped=unmapped, text=text, handed_on=unmapped)
        return Failed([], hand_on=True)

    def end(self) -> list[Piece]:
        """Take note that the application returned; return what is missing of an answer."""
        pieces = self._flush()
        self.abandon()
        return pieces

    def _flush(self) -> list[Piece]:
        pieces: list[Piece] = []
        if self.ending:
            pieces = self.let_go()
        elif self._phase is _Phase.NEW:
            pieces = self._bug("the application returned without an answer")
        elif self._phase is _Phase.HELD:
            pieces = self._release()
        elif self._phase is _Phase.COLLECTING:
            pieces = self._replace()
        return pieces

    def begin_answer(self) -> None:
        """Take note that the service's handler answers an exception next."""
        self._defers_all = self.answers_exception = True
        self.ending = False

    def end_answer(self, exc: BaseException) -> Failed:
        """Take note that the service's handler has answered `exc`, and report it."""
        pieces = self._flush()
        if self._report_answered(exc):
            hand_on = self._handing_on
        else:
            unmapped = self._pipeline.find(exc, self.request) is None
            hand_on = unmapped and self._pipeline.config.reraise
        if hand_on:
            self._layers.mark_reported(exc)
        return Failed(pieces, hand_on)

    def abandon(self) -> None:
        """Take note that neither a return nor an exception to answer will follow."""
        self._report_answered(None)

    def _hands_on(self, answer: Answer) -> bool:
        return answer.unmapped and self._pipeline.config.reraise

    def _release(self) -> list[Piece]:
        status, headers = self._head
        self._phase = _Phase.OPEN if self._end is None else _Phase.STREAM
        return [Head(status, tuple(headers), original=True)]

    def _collect(self, body: bytes, *, more: bool) -> list[Piece]:
        if self._body is None or len(self._body) + len(body) > BODY_LIMIT:
            self._body = None
            return self._replace()
        self._body += body
        # The rest of a body that says nothing is dropped as it comes.
        return [] if more and self._readable() else self._replace()

    def _readable(self) -> bool:
        said = {name.lower(): value.lower() for name, value in self._head[1]}
        kind = said.get("content-type", "")
        return not kind or any(part in kind for part in _PARSED)

    def _replace(self) -> list[Piece]:
        """Answer in place of the error answer that was collected."""
        status, headers = self._head
        body = None if self._body is None else bytes(self._body)
        self._body = None
        ours = self._layers.reply
        if ours is not None and body is not None:
            ours = recognize(ours, status, headers, body, self.request, self._pipeline.config)
            if ours is not None:
                return self._finish(ours)
        pending = self._pending
        if pending is not None and is_disconnect(pending):
            self._phase = _Phase.DONE
            return []
        if pending is not None and body == b"Internal Server Error":
            # Starlette's ServerErrorMiddleware answers while it handles the exception:
            # it is known here, and its answer may be a better one than a bare 500.
            answer = self._pipeline.on_exception(pending, self.request, replaced=headers)
            self._reported = pending
            self.answers_exception = True
            self._handing_on = self._hands_on(answer)
            return self._finish(answer.reply)
        later = self._defers_all or (self._deferring and status == 500)
        answer = self._pipeline.on_answer(status, headers, body, self.request, report=not later)
        self._unreported = answer.error if later else None
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
        self._pipeline.report(error, exc, self.request, unmapped=unmapped)
        self._handing_on = unmapped and self._pipeline.config.reraise
        return True

    def _bug(self, text: str) -> list[Piece]:
        return self._finish(self._pipeline.on_bug(text, self.request).reply)

    def _finish(self, reply: Reply) -> list[Piece]:
        self._phase = _Phase.DONE
        self._layers.reply = reply  # before it is sent: an outer layer sees the head first
        body = b"" if self.request.method == "HEAD" else reply.body
        return [Head(reply.status, reply.headers, original=False), Chunk(body, more=False)]


def _same(exc: BaseException | None, known: BaseException | None) -> bool:
    """Whether `exc` is `known`, or what a framework made of it on finding the answer started."""
    if known is None or exc is None:
        return False
    return exc is known or cause_of(exc) is known

"""Whatever an application sends, in whatever order: one head, then its body, and an end."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kaiko_middleware import Config, NotFoundError
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.response_pieces import Chunk, Head, Piece
from kaiko_middleware.response_state import ResponseState
from unit.support import REQUEST, REQUEST_ID

heads = st.lists(
    st.sampled_from(
        [
            ("Content-Type", "text/plain"),
            ("Content-Type", "application/json"),
            ("Content-Type", "text/event-stream"),
            ("Content-Type", "application/jsonl"),
            ("Content-Length", "3"),
            ("Content-Encoding", "gzip"),
            ("Set-Cookie", "a=1"),
            ("X-Bad", "a\r\nb"),
        ]
    ),
    max_size=3,
)
parts = st.sampled_from([b"", b"data: 1\n\n", b'{"a":1}\n', b"half", b"x" * 70_000])
exceptions = st.sampled_from(
    [
        NotFoundError("gone"),
        ValueError("secret"),
        KeyError("secret"),
        ExceptionGroup("", [ValueError()]),
    ]
)


class Response(RuleBasedStateMachine):
    """An application that does anything, and a driver that forwards what comes back."""

    @initialize(
        method=st.sampled_from(["GET", "HEAD"]),
        hold=st.booleans(),
        rewrite=st.booleans(),
        reraise=st.booleans(),
        deferring=st.booleans(),
    )
    def begin(self, method: str, **options: bool) -> None:
        config = Config(
            hold_event_streams=options["hold"],
            rewrite_answers=options["rewrite"],
            reraise=options["reraise"],
        )
        self.rewrite = options["rewrite"]
        self.method = method
        self.exchange = ResponseState(
            Pipeline(config), REQUEST._replace(method=method), deferring=options["deferring"]
        )
        self.heads: list[Head] = []
        self.chunks: list[Chunk] = []
        self.over = False
        self.handed_on = False

    def send(self, pieces: list[Piece]) -> None:
        """Forward what the exchange says, as a server would take it."""
        for piece in pieces:
            assert not (self.chunks and not self.chunks[-1].more), "something after the end"
            if isinstance(piece, Head):
                assert not self.chunks, "a head after a body"
                self.heads.append(piece)
            else:
                assert self.heads, "a body before a head"
                self.chunks.append(piece)

    @precondition(lambda self: not self.over and not self.heads)
    @rule(status=st.sampled_from([200, 204, 302, 404, 409, 500, 502, 599, 700, 99]), headers=heads)
    def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.send(self.exchange.start(status, headers))

    @precondition(lambda self: not self.over and not (self.chunks and not self.chunks[-1].more))
    @rule(part=parts, more=st.booleans())
    def body(self, part: bytes, more: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
        self.send(self.exchange.body(part, more=more))

    @precondition(lambda self: not self.over)
    @rule(exc=exceptions)
    def fail(self, exc: BaseException) -> None:
        failed = self.exchange.fail(exc)
        self.send(failed.pieces)
        self.over = True
        self.handed_on = failed.hand_on

    @precondition(lambda self: not self.over)
    @rule()
    def end(self) -> None:
        self.send(self.exchange.end())
        self.over = True

    @precondition(lambda self: self.over)
    @rule()
    def rest(self) -> None:
        """The application is gone, and nothing can follow."""

    @invariant()
    def there_is_at_most_one_head(self) -> None:
        """Two would be a protocol error of ours."""
        assert len(getattr(self, "heads", [])) <= 1

    @invariant()
    def an_answer_of_ours_is_whole_and_conforms(self) -> None:
        """Head and body go out together."""
        if getattr(self, "heads", []) and not self.heads[0].original:
            (chunk,) = self.chunks
            assert not chunk.more
            head = self.heads[0]
            assert check_answer(head.status, head.headers, chunk.body, method=self.method) == []
            assert b"secret" not in chunk.body

    @invariant()
    def no_error_of_others_leaves(self) -> None:
        """Unless rewriting is switched off."""
        if getattr(self, "heads", []) and self.heads[0].status >= 400 and self.rewrite:
            assert not self.heads[0].original

    @invariant()
    def a_client_is_never_left_without_an_answer(self) -> None:
        """When the application is done, there is a head; a failed body is ended or cut."""
        if getattr(self, "over", False):
            assert self.heads
            if self.chunks and self.chunks[-1].more:
                return  # cut by the driver, or left to the server by an app that returned
            body = b"".join(chunk.body for chunk in self.chunks)
            if b"event: error" in body:
                assert check_event_stream(body, request_id=REQUEST_ID) == []
            elif body.endswith(b"}}\n"):
                assert check_json_lines(body, request_id=REQUEST_ID) == []


TestResponse: Any = Response.TestCase
TestResponse.settings = settings(max_examples=150, stateful_step_count=8, deadline=None)

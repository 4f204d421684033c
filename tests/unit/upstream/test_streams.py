"""A stream that is watched: what it carries before and after the first content, and its end."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kaiko_middleware import KaikoError, RateLimitError, ServiceUnavailableError
from kaiko_middleware.upstream import Upstream, _events
from kaiko_middleware.upstream._events import Event, event_of
from unit.upstream.corpus import CHUNK, LAST, SSE, STREAMS, Case, sse
from unit.upstream.reported import BINARY, REPORTED
from unit.upstream.test_corpus import ids, row

if TYPE_CHECKING:
    from collections.abc import Sequence

LLM = Upstream("llm", trust="llm")
EVENTS = [
    case
    for case in [*STREAMS, *REPORTED]
    if case.headers.get("content-type") in {SSE["content-type"], BINARY["content-type"]}
]

Outcome = tuple[int, str, str, bool] | None


def watched(chunks: Sequence[bytes], upstream: Upstream = LLM) -> tuple[Outcome, bool]:
    """Feed a watch; return the error that it raised, and whether content was seen."""
    watch = upstream.watch()
    try:
        for chunk in chunks:
            watch.feed(chunk)
        watch.close()
    except KaikoError as error:
        return row(error), watch.content_seen
    return None, watch.content_seen


@pytest.mark.parametrize("case", EVENTS, ids=ids)
def test_watch_agrees_with_the_body_as_a_whole(case: Case) -> None:
    """A stream is judged alike whether it is read at once or as it comes."""
    whole = LLM.error_from_response(200, case.headers, case.raw)
    outcome, _ = watched([case.raw])
    if case.name == "over the limit":  # the watch sees the end that a body's reader does not
        assert outcome is not None
        return
    assert outcome == (whole and row(whole))


@pytest.mark.parametrize("case", EVENTS, ids=ids)
def test_bytes_one_by_one_give_the_same(case: Case) -> None:
    """Networks cut where they like."""
    raw = case.raw[:20_000]
    assert watched([raw[at : at + 1] for at in range(len(raw))]) == watched([raw])


PIECES = st.sampled_from(
    [
        b"data: ", b"data:", b"data", b"event: error", b"event: ", b":", b": ping", b"id: 1",
        b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xff", b"{}",
        json.dumps(CHUNK).encode(), json.dumps(LAST).encode(), b"[DONE]", b'{"error": {"code": 1}}',
        b'{"type": "response.failed"}', b'{"type": "message_stop"}', b"x" * 1000,
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30), st.lists(st.integers(0, 4000), max_size=12))
@example([b"data: [DONE]", b"\r", b"\n", b"\r", b"\n"], [13, 14, 15])
@example([b"\xef\xbb\xbf", b"data: [DONE]", b"\r\n\r\n"], [1, 2])
@example([b"event: error", b"\r\n\r", b"data: x"], [14])
@example([b"\n", b"x" * 1000, b"\r", b"\r\n", b"\n", b"event: error"], [1, 1002, 1003])
def test_no_way_of_cutting_matters(pieces: list[bytes], cuts: list[int]) -> None:
    """Arbitrary bytes in arbitrary pieces: the outcome is that of the whole."""
    raw = b"".join(pieces)
    at = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    chunks = [raw[a:b] for a, b in pairwise(at)]
    assert watched(chunks) == watched([raw])


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_no_bytes_can_break_a_watch(chunks: list[bytes]) -> None:
    """Whatever comes, the outcome is a typed error or none."""
    assert watched(chunks)[0] is None or watched([b"".join(chunks)]) == watched(chunks)


@pytest.mark.parametrize("size", [65_000, 65_536, 65_537, 200_000])
@pytest.mark.parametrize("step", [1 << 20, 4096, 999])
def test_large_event_is_known_by_its_start(size: int, step: int) -> None:
    """OpenAI's last event repeats the whole answer: it ends the stream however large it is."""
    started = sse({"type": "response.created"})
    for named in (True, False):
        event = json.dumps({"type": "response.completed", "response": {"output": "x" * size}})
        raw = started + sse(("response.completed", event) if named else event)
        chunks = [raw[at : at + step] for at in range(0, len(raw), step)]
        assert watched(chunks) == (None, True)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_blank_lines_are_no_events(end: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is kept alive by them, or is made of them, costs nothing to read."""
    read: list[str] = []

    def reading(block: str, *, whole: bool) -> Event:
        read.append(block)
        return event_of(block, whole=whole)

    monkeypatch.setattr(_events, "event_of", reading)
    event = b"data: {}" + end + end
    for raw in (end * 30_000, end * 5 + event + end * 7 + event + end):
        for step in (1, 3, len(raw)):
            read.clear()
            watched([raw[at : at + step] for at in range(0, len(raw), step)])
            assert [block.strip() for block in read] == ["data: {}"] * raw.count(b"data")


def test_memory_of_a_watch_is_that_of_one_event() -> None:
    """A stream of a gigabyte in one event is not kept."""
    watch = LLM.watch()
    for _ in range(200):
        watch.feed(b"x" * 10_000)
    assert watch.content_seen is False
    watch.feed(b"\n\n")
    watch.close()  # too large to check


def test_error_before_the_first_content_may_be_tried_again() -> None:
    """The prelude is no content: nothing was shown to anybody yet."""
    watch = LLM.watch()
    watch.feed(sse({"type": "message_start"}, {"type": "ping"}))
    assert not watch.content_seen
    with pytest.raises(ServiceUnavailableError):
        watch.feed(sse(("error", {"error": {"type": "overloaded_error"}})))
    assert not watch.content_seen


def test_content_is_noticed() -> None:
    """From here on, a retry would say the same words twice."""
    watch = LLM.watch()
    watch.feed(sse({"type": "content_block_delta", "delta": {"text": "Hel"}}))
    assert watch.content_seen


def test_terminator_is_no_content() -> None:
    """Nor are comments."""
    watch = LLM.watch()
    watch.feed(b": ping\n\n" + sse("[DONE]"))
    watch.close()
    assert not watch.content_seen


def test_answers_headers_go_to_the_error() -> None:
    """The provider's id is for the log, its wishes for whoever retries."""
    headers = {"X-Request-ID": "up-7", "retry-after": "9", "x-should-retry": "false"}
    watch = LLM.watch(headers)
    with pytest.raises(RateLimitError) as caught:
        watch.feed(sse({"error": {"code": 429, "message": "key sk-0123456789abcdefghij"}}))
    error = caught.value
    assert (error.retry_after, error.retryable) == (9, False)
    assert error.upstream is not None
    assert (error.upstream.status, error.upstream.request_id) == (200, "up-7")
    assert "sk-***" in error.upstream.excerpt


def test_end_without_a_terminator_says_so_in_the_log() -> None:
    """There is nothing else to quote."""
    watch = LLM.watch()
    watch.feed(sse(CHUNK))
    with pytest.raises(ServiceUnavailableError) as caught:
        watch.close()
    assert caught.value.upstream is not None
    assert "terminator" in caught.value.upstream.excerpt

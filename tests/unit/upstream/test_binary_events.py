"""AWS's binary event streams, as a watch reads them: in pieces, broken, hostile."""

from __future__ import annotations

import json
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_middleware import KaikoError
from kaiko_middleware.upstream import Upstream
from unit.upstream.reported import BINARY, DELTA, START, STOP, event, exception, frame
from unit.upstream.test_streams import Outcome, watched

LLM = Upstream("llm", trust="llm")
UNAVAILABLE = (503, "server_error", "service_unavailable", True)
BROKEN = (500, "server_error", "internal", False)
WHOLE = START + DELTA + STOP


def message(headers: bytes, payload: bytes = b"{}") -> bytes:
    """Return a message with these bytes as headers."""
    prelude = (16 + len(headers) + len(payload)).to_bytes(4) + len(headers).to_bytes(4)
    body = prelude + crc32(prelude).to_bytes(4) + headers + payload
    return body + crc32(body).to_bytes(4)


OTHER_TYPES = b"".join(
    [
        b"\1a\0", b"\1b\1", b"\1c\2x", b"\1d\3xx", b"\1e\4xxxx", b"\1f\5xxxxxxxx",
        b"\1g\6\0\3xyz", b"\1h\x08xxxxxxxx", b"\1i\x09xxxxxxxxxxxxxxxx",
        b"\x0d:message-type\7\0\x09exception", b"\x0f:exception-type\7\0\x13throttlingException",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (WHOLE, None),
        (WHOLE + START, None),
        (START + DELTA, UNAVAILABLE),
        (WHOLE[:-1], UNAVAILABLE),
        (b"\0\0\0\x10", UNAVAILABLE),
        (b"\0" * 40, UNAVAILABLE),
        (message(b"\xff", b"") + WHOLE, None),
        (message(b"\1a", b"") + WHOLE, None),
        (message(OTHER_TYPES), (429, "rate_limit_error", "too_many_requests", True)),
        (event("chunk", {"bytes": "no base64"}) + event("chunk", [1]), None),
        (event("chunk", {"bytes": "bm8ganNvbg=="}), None),
        (event("metadata", {"x": "y" * 70_000}) + WHOLE, None),
        (event("metadata", {"x": "y" * 70_000})[:-1], UNAVAILABLE),
        (event("metadata", {"x": "y" * 70_000}) + exception("x", {}), BROKEN),
        (frame([1], message_type="error"), BROKEN),
    ],
)
def test_a_binary_stream_is_judged_by_its_messages(raw: bytes, outcome: Outcome) -> None:
    """A length that cannot be, and an end within a message, are an answer that was cut."""
    assert watched([raw])[0] == outcome
    assert watched([raw[at : at + 1] for at in range(len(raw))])[0] == outcome
    if len(raw) < 65_536:
        error = LLM.error_from_response(200, BINARY, raw)
        assert (error and error.status) == (outcome and outcome[0])


def test_a_body_over_the_limit_counts_as_a_success() -> None:
    """What is not there cannot be judged."""
    raw = START + event("metadata", {"x": "y" * 70_000})
    assert LLM.error_from_response(200, BINARY, raw) is None


def test_content_is_what_comes_after_the_start() -> None:
    """Until then a retry says nothing twice."""
    watch = LLM.watch()
    watch.feed(START)
    assert not watch.content_seen
    watch.feed(DELTA)
    assert watch.content_seen


def test_the_exception_is_logged() -> None:
    """By its name and its text."""
    with pytest.raises(KaikoError) as caught:
        LLM.watch().feed(exception("throttlingException", {"message": "Slow down"}))
    assert caught.value.upstream is not None
    text = json.dumps({"message": "Slow down"})
    assert caught.value.upstream.excerpt == f"throttlingException: {text}"


@given(st.binary(max_size=80), st.lists(st.integers(0, 400), max_size=8))
def test_no_bytes_and_no_cuts_matter(junk: bytes, cuts: list[int]) -> None:
    """Arbitrary headers, and arbitrary bytes after a whole message, in arbitrary pieces."""
    raw = message(junk) + START + junk
    at = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    assert watched([raw[a:b] for a, b in pairwise(at)]) == watched([raw])

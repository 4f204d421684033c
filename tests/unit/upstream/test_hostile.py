"""Bodies made to break their reader: judged in no time, in no space, and never an exception."""

from __future__ import annotations

import gc
import gzip
import json
import sys
import time
import tracemalloc
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_middleware import KaikoError, render
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kaiko_middleware.upstream import Trust

LIMIT = 64 * 1024
MIB = 1 << 20

Hostile = tuple[dict[str, str], bytes | str]


def fill(unit: bytes) -> bytes:
    """Return as many of a unit as fit into what is looked at."""
    return unit * (LIMIT // len(unit))


def listed(unit: bytes) -> bytes:
    """Return a list of as many units as are looked at."""
    return b"[" + b",".join([unit] * ((LIMIT - 2) // (len(unit) + 1))) + b"]"


# Made when they are first asked for: some take longer to make than to judge.
MEMBERS = b",".join(b'"k%d":1' % number for number in range(60))
LENGTH = "This model's maximum context length is "
HOSTILE: dict[str, Callable[[], Hostile]] = {
    "gzip bomb": lambda: ({"content-encoding": "gzip"}, gzip.compress(b"a" * 3_000_000)),
    "gzip bomb of json": lambda: (
        {"content-encoding": "gzip"},
        gzip.compress(b"[" + b"1," * 2_000_000),
    ),
    "bomb in a bomb": lambda: (
        {"content-encoding": "gzip, gzip"},
        gzip.compress(gzip.compress(b"a" * 30_000_000)),
    ),
    "no gzip": lambda: ({"content-encoding": "gzip"}, b"not gzip at all"),
    "cut gzip": lambda: ({"content-encoding": "gzip"}, gzip.compress(b'{"error": {}}' * 100)[:40]),
    "endless encodings": lambda: ({"content-encoding": "gzip," * 10_000}, b"x"),
    "unknown encoding": lambda: ({"content-encoding": "klingon"}, b"\x00\xff" * 100),
    "deep list": lambda: ({}, b"[" * 100_000),
    "deep object": lambda: ({}, b'{"error":' * 100_000),
    "deep list within the limit": lambda: ({}, b"[" * 30_000 + b"]" * 30_000),
    "deep list that parses": lambda: ({}, b"[" * 900 + b"]" * 900),
    "deep events": lambda: ({}, b"data: " + b"[" * 60_000),
    "integer of 5,000 digits": lambda: ({}, b'{"error": {"code": ' + b"9" * 5000 + b"}}"),
    "integers of 4,000 digits": lambda: ({}, listed(b"9" * 4000)),
    "long wait": lambda: ({}, b'{"retry_after": -' + b"9" * 4000 + b"}"),
    "float of 64,000 digits": lambda: ({}, b"1." + b"1" * 65_000),
    "many floats": lambda: ({}, listed(b"1e308")),
    "many objects": lambda: ({}, listed(b"{}")),
    "many lists": lambda: ({}, listed(b"[[]]")),
    "many members": lambda: ({}, b"{%s}" % b",".join(b'"%x": 1' % n for n in range(6500))),
    "many strings": lambda: ({}, listed(b'"ab"')),
    "many details": lambda: ({}, b'{"error": {"details": %s}}' % listed(b'{"code": "x"}')[:50_000]),
    "words like a gateway's": lambda: (
        {},
        b'{"error": {"message": "%s"}}' % fill(b"Error")[:60_000],
    ),
    "many gateways": lambda: ({}, b'{"error": {"message": "%s"}}' % fill(b"aError: ")[:60_000]),
    "json behind a gateway": lambda: (
        {},
        b'{"error": {"message": "aError: %s"}}' % fill(b"{")[:60_000],
    ),
    "binary events": lambda: (
        {"content-type": "application/vnd.amazon.eventstream"},
        fill(bytes(16)),
    ),
    "lone surrogates": lambda: ({}, fill(b"\\ud800").join([b'"', b'"'])),
    "lone surrogates in text": lambda: ({}, "\ud800" * 40_000),
    "wide text": lambda: ({}, ('"' + "\U0001f600" * 16_000 + '"').encode()),
    "no utf-8": lambda: ({}, fill(b"\xff")),
    "zeros": lambda: ({}, fill(b"\0")),
    "utf-16": lambda: ({}, ('{"error": "' + "x" * 30_000 + '"}').encode("utf-16")),
    "half of utf-16": lambda: ({}, '{"error": {}}'.encode("utf-16")[:-1]),
    "utf-32": lambda: ({}, '{"error": {"code": "\U0001f600"}}'.encode("utf-32-be")),
    "bogus charset": lambda: ({"content-type": "application/json; charset=\0\ud800"}, b"{}"),
    "lists for objects": lambda: ({}, b'[[{"error": [{"type": [["x"]]}], "details": [[]]}]]'),
    "unhashable tokens": lambda: (
        {},
        b'{"error": {"type": {}, "code": [], "details": [{"reason": {}}]}}',
    ),
    "huge": lambda: ({}, b"E" * 3_000_000),
    "huge json": lambda: ({}, b"[" + b"1," * 1_500_000 + b"1]"),
    "huge text": lambda: ({}, "[" + "1," * 1_500_000),
    "blanks": lambda: ({}, fill(b" ")),
    "line feeds": lambda: ({}, fill(b"\n")),
    "carriage returns": lambda: ({}, fill(b"\r")),
    "blank lines": lambda: ({}, fill(b"\r\n\r\n")),
    "empty events": lambda: ({}, fill(b"data:\n\n")),
    "one event of many lines": lambda: ({}, fill(b"data:\n")),
    "colons": lambda: ({}, fill(b":")),
    "events like errors": lambda: ({}, fill(b'data:{"x":"error"}\n\n')),
    "short events of an llm": lambda: (
        {},
        fill(b'data:{"choices":[{"delta":{"content":"error"}}]}\n\n'),
    ),
    "events of many numbers": lambda: ({}, fill(b"data: [" + b"1," * 299 + b'"error"]\n\n')),
    "events of many members": lambda: ({}, fill(b'data: {%s,"a":"fail"}\n\n' % MEMBERS)),
    "events of many lists": lambda: (
        {},
        fill(b'data: {"error":' + b"[" * 150 + b"]" * 150 + b"}\n\n"),
    ),
    "events of long texts": lambda: ({}, fill(b'data: "' + b"error" * 120 + b'"\n\n')),
    "json lines of many members": lambda: ({}, fill(b'{%s,"a":"fail"}\n' % MEMBERS)),
    "many numbers, cut": lambda: ({}, fill(b"1,").join([b"[", b"x"])),
    "many fractions": lambda: ({}, listed(b"1.5")),
    "many negative numbers": lambda: ({}, listed(b"-9")),
    "wide events": lambda: ({}, "data:\U0001f600\n\n".encode() * 6000),
    "json lines": lambda: ({}, fill(b"1\n")),
    "json lines like errors": lambda: ({}, fill(b'{"a": "error"}\n')),
    "long waits": lambda: ({"retry-after": "9" * 100_000, "date": "Mon, " * 20_000}, b""),
    "many policies": lambda: ({"ratelimit": '"a";r=0;t=0, ' * 10_000}, b""),
    "open quotes": lambda: ({"ratelimit": '"' * 60_000}, b""),
    "open quotes, escaped": lambda: ({"ratelimit": '"\\' * 30_000}, b""),
    "many vetoes": lambda: ({"x-should-retry": "false," * 20_000}, b""),
    "long message": lambda: (
        {},
        json.dumps({"error": {"message": LENGTH + " " * 60_000}}).encode(),
    ),
    "many keys": lambda: ({}, fill(b"sk-")),
    "many bearers": lambda: ({}, b"Bearer" + b" " * 60_000),
}  # fmt: skip
TRUSTS: tuple[Trust, ...] = ("opaque", "llm", "peer")
STATUSES = (200, 400, 429, 500)


@lru_cache(maxsize=1)
def hostile(name: str) -> Hostile:
    """Make one of them."""
    return HOSTILE[name]()


def judge(name: str, status: int, trust: Trust) -> KaikoError | None:
    """Judge one of them."""
    headers, body = hostile(name)
    return Upstream("up", trust=trust).error_from_response(status, headers, body)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_body_is_judged_and_nothing_of_it_leaks(name: str) -> None:
    """By its status, where it cannot be read."""
    for status in STATUSES:
        for trust in TRUSTS:
            error = judge(name, status, trust)
            assert error is not None or status == 200
            if error is not None:
                reply = render(error, "req-0000000000")
                assert check_answer(reply.status, reply.headers, reply.body) == []
                assert len(reply.body) < 200
                assert error.upstream is not None
                assert len(error.upstream.excerpt) < 2500


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_body_takes_no_space(name: str) -> None:
    """At most 1 MiB beside the body itself."""
    hostile(name)
    for status in (200, 429):
        tracemalloc.start()
        try:
            judge(name, status, "llm")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < MIB


def test_an_error_at_the_end_of_a_costly_stream_is_seen() -> None:
    """Events that would take too long to read hide none that does not."""
    costly = fill(b"data: {%s}\n\n" % MEMBERS)[:64_000].rpartition(b"\n\n")[0]
    upstream = Upstream("up", trust="llm")
    for event, status in ((b'data: {"error": {"type": "overloaded_error"}}', 503), (b"", None)):
        error = upstream.error_from_response(200, {}, costly + b"\n\n" + event)
        assert (error.status if error else None) == status


ORDINARY = json.dumps([{"error": {"code": "x", "text": "y" * 40}}] * 900)


def own_time(call: Callable[[], object]) -> float:
    """Return the seconds of this thread's own that a call takes."""
    started = time.thread_time()
    call()
    return time.thread_time() - started


@pytest.fixture
def _without_collector() -> Iterator[None]:
    """Its work depends on what other tests left."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer would be what is measured")
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.usefixtures("_without_collector")
def test_hostile_body_takes_no_time(name: str, status: int) -> None:
    """At most eight times what 64 KiB of ordinary JSON take: 2 ms or a little more.

    Machines differ and hiccup: the two are timed in turn, and of several tries the best counts.
    """
    hostile(name)
    tries = (
        own_time(lambda: judge(name, status, "llm")) / own_time(lambda: json.loads(ORDINARY))
        for _ in range(40)
    )
    assert any(ratio < 8 for ratio in tries)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["error", "errors", "data", "type", "code", "status", "reason", "error_code", "details",
             "object", "message", "param", "request_id", "response", "StatusCode", "retry_after",
             "@type", "retryDelay", "choices", "candidates", "done", "ok", "__type", "innererror",
             "metadata", "raw", "parameters", "finish_reason", "provider_specific_fields"]
        ) | st.text(max_size=3),
        inner,
        max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip
words = st.sampled_from(
    ["error", "server_error", "insufficient_quota", "response.failed", "context_length_exceeded"]
)
headers = st.dictionaries(
    st.sampled_from(["content-type", "content-encoding", "retry-after", "x-should-retry", "date"])
    | st.text(max_size=5),
    st.sampled_from(["text/event-stream", "gzip", "deflate, gzip", "true", "false", "5"])
    | st.text(),
    max_size=4,
)
bodies = (
    st.binary()
    | st.text()
    | values.map(lambda value: json.dumps(value).encode())
    | st.tuples(words, values).map(
        lambda pair: f"event: {pair[0]}\ndata: {json.dumps(pair[1])}\n\n"
    )
    | values.map(lambda value: gzip.compress(json.dumps(value).encode()))
)


@given(st.integers(-1, 1000), headers, bodies, st.sampled_from(TRUSTS))
def test_no_answer_can_break_the_reader(
    status: int, said: dict[str, str], body: bytes | str, trust: Trust
) -> None:
    """Whatever an upstream answers is no error, or one that can be answered with."""
    upstream = Upstream("up", trust=trust, credential="forwarded")
    error = upstream.error_from_response(status, said, body)
    if error is not None:
        reply = render(error, "req-0000000000")
        found = check_answer(reply.status, reply.headers, reply.body)
        # A peer's author may choose words that look like a traceback.
        assert [each for each in found if each.rule != "inside" or trust != "peer"] == []
    elif status >= 300:
        assert status == 304


@given(st.lists(st.tuples(st.text() | st.binary(), st.text() | st.binary() | st.none())))
def test_no_headers_can_break_the_reader(pairs: Any) -> None:
    """Bytes, text, or what is neither."""
    assert Upstream("up").error_from_response(503, pairs, b"") is not None


@given(st.integers(0, 2000), st.sampled_from([511, 512, 513, 1500]), st.integers(0, 600))
def test_digits_in_a_row_are_found_wherever_they_stand(
    before: int, digits: int, after: int
) -> None:
    """An integer of 512 is no JSON, and one of 511 is."""
    body = f'["{"x" * before}", {"9" * digits}, "{"x" * after}"]'
    error = Upstream("up").error_from_response(200, {}, body)
    assert (error is None) is (digits < 512)

"""Answers on their way through: closed before a wait, and else handed over untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from adapters.httpx.scripted import Answer, Part, Scripted
from adapters.httpx.virtual_time import Clock, run
from adapters.httpx.ways import URL, Way, every_way, our_clients
from kaiko_httpx import RetryPolicy
from kaiko_middleware import ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 64 * 1024
BLOCK = b"x" * 1024


@every_way
@pytest.mark.parametrize("last", [200, 503, 404, "ReadTimeout"])
def test_every_answer_is_closed_before_the_wait(way: Way, last: int | str) -> None:
    """Its connection serves others meanwhile."""
    upstream = Scripted(Answer(503, (BLOCK,) * 80), Answer(429, (b"a", b"b")), last)
    way.call(upstream)
    for body, seen in zip(upstream.bodies, upstream.seen, strict=False):
        assert body.closed_at[:1] == [seen.at]


@every_way
@pytest.mark.parametrize(
    ("status", "headers"), [(200, ()), (404, ()), (503, (("x-should-retry", "false"),))]
)
def test_an_answer_that_is_handed_over_is_untouched(
    way: Way, status: int, headers: tuple[tuple[str, str], ...]
) -> None:
    """Status, headers, repeated ones too, and the body to its last byte."""
    fields = (("set-cookie", "a=1"), ("set-cookie", "b=2"), *headers)
    called = way.call(Scripted(Answer(status, (b"one ", b"two"), fields)))
    assert called.outcome == status
    assert [pair for pair in called.response.headers.multi_items() if pair in fields] == [*fields]
    assert called.response.content == b"one two"
    assert called.response.is_closed


@every_way
@pytest.mark.parametrize("blocks", [1, 64, 65, 200])
def test_an_answer_that_was_looked_into_is_whole(way: Way, blocks: int) -> None:
    """However much of it was read to decide."""
    called = way.call(Scripted(Answer(503, (BLOCK,) * blocks)), policy={"attempts": 1})
    assert (called.outcome, called.response.content) == (503, BLOCK * blocks)


@every_way
def test_no_more_than_64_kib_are_read_to_decide(way: Way) -> None:
    """An endless error body takes neither memory nor time."""
    called = way.call(Scripted(Answer(503, (BLOCK,) * 999), 200))
    assert called.outcome == 200
    assert sum(map(len, called.upstream.bodies[0].handed_out)) == LIMIT


@every_way
@pytest.mark.parametrize("failure", ["ReadError", "RemoteProtocolError"])
def test_an_error_whose_body_breaks_is_retried_by_its_status(way: Way, failure: Part) -> None:
    """The head said what matters."""
    called = way.call(Scripted(Answer(503, (b"half", failure)), 200), "POST")
    assert (called.outcome, called.attempts) == (200, 2)
    assert called.upstream.bodies[0].closed_at


@every_way
def test_an_error_whose_body_breaks_breaks_for_the_caller(way: Way) -> None:
    """A body that was cut never seems to be whole."""
    called = way.call(Scripted(Answer(503, (b"half", "ReadError"))), "POST", policy={"attempts": 1})
    assert called.outcome == "ReadError"
    assert len(called.upstream.bodies[0].closed_at) >= 1


@every_way
def test_a_success_whose_body_breaks_is_retried_only_by_our_clients(way: Way) -> None:
    """A transport does not know whether its caller has used the half of it."""
    called = way.call(Scripted(Answer(200, (b"half", "ReadError")), Answer(200, (b"whole",))))
    assert called.upstream.bodies[0].closed_at
    if way.ours:
        assert (called.outcome, called.attempts, called.response.content) == (200, 2, b"whole")
    else:
        assert (called.outcome, called.attempts) == ("ReadError", 1)


@our_clients
@pytest.mark.parametrize(
    ("method", "headers", "attempts"),
    [("GET", {}, 3), ("POST", {}, 1), ("POST", {"Idempotency-Key": "k"}, 3), ("PUT", {}, 3)],
)
def test_a_body_that_breaks_is_a_failed_read(
    way: Way, method: str, headers: dict[str, str], attempts: int
) -> None:
    """Repeated where that does no harm; in the end the caller sees the failure, and no half."""
    broken = Answer(200, (b"half", "ReadError"))
    called = way.call(Scripted(broken), method, headers=headers)
    assert (called.outcome, called.attempts) == ("ReadError", attempts)
    assert called.reasons[-1] == ("attempts" if attempts == 3 else "not_idempotent")
    assert all(body.closed_at for body in called.upstream.bodies)
    typed = way.call(Scripted(broken), method, headers=headers, raise_errors=True)
    assert type(typed.error) is ServiceUnavailableError


class Streamed:
    """A streaming call: what the caller reads piece by piece, while time passes."""

    def __init__(self, way: Way, *script: Answer | int, pause: float = 0.0) -> None:
        self.way = way
        self.upstream = Scripted(*script)
        self.pause = pause
        self.read: list[bytes] = []
        self.read_before_the_first = -1
        self.status = 0

    def go(self) -> None:
        """Make the call."""
        if self.way.manner != "sync":
            run(self.way.manner, self._go_async)
            return
        with (
            Clock().rules() as clock,
            self._client(clock) as client,
            client.stream("GET", URL) as response,
        ):
            self._begin(response)
            for part in response.iter_raw():
                self.read.append(part)
                clock.sleep(self.pause)

    async def _go_async(self) -> None:
        async with (
            self._client(anyio.current_time) as client,
            client.stream("GET", URL) as response,
        ):
            self._begin(response)
            async for part in response.aiter_raw():
                self.read.append(part)
                await anyio.sleep(self.pause)

    def _client(self, clock: Callable[[], float]) -> Any:
        options = {"raise_errors": False} if self.way.ours else {}
        upstream = self.upstream.within(self.way.library, clock)
        return self.way.client(upstream, RetryPolicy(clock=clock), **options)

    def _begin(self, response: Any) -> None:
        self.status = response.status_code
        self.read_before_the_first = len(self.upstream.bodies[-1].handed_out)


@every_way
def test_a_stream_is_handed_over_before_any_of_it_is_read(way: Way) -> None:
    """And part by part as it comes."""
    call = Streamed(way, Answer(200, (b"data: 1\n\n", b"data: 2\n\n")))
    call.go()
    assert call.status == 200
    assert call.read_before_the_first == 0
    assert call.read == [b"data: 1\n\n", b"data: 2\n\n"]
    assert call.upstream.bodies[0].closed_at


@every_way
def test_a_stream_may_take_longer_than_a_call(way: Way) -> None:
    """The 30 s are for calls that do not stream."""
    call = Streamed(way, Answer(200, (b"a",) * 10), pause=20.0)
    call.go()
    assert call.read == [b"a"] * 10


@every_way
def test_a_streaming_call_is_retried_until_it_streams(way: Way) -> None:
    """What was answered with an error has streamed nothing yet."""
    call = Streamed(way, 503, Answer(200, (b"a", b"b")))
    call.go()
    assert (call.status, call.read) == (200, [b"a", b"b"])
    assert call.upstream.bodies[0].closed_at


@every_way
def test_a_streaming_call_may_wait_longer_than_a_call(way: Way) -> None:
    """Of our clients, which know that it streams; still no longer than a minute."""
    for seconds, attempts in ((45, 2 if way.ours else 1), (61, 1)):
        busy = Answer(503, headers=(("retry-after", str(seconds)),))
        call = Streamed(way, busy, 200)
        call.go()
        assert len(call.upstream.seen) == attempts


@every_way
def test_a_streaming_call_gets_an_error_it_can_read(way: Way) -> None:
    """The last answer's body is there from its start."""
    call = Streamed(way, Answer(503, (b"no", b"pe")))
    call.go()
    assert (call.status, call.read) == (503, [b"no", b"pe"])
    assert len(call.upstream.seen) == 3


@every_way
def test_closing_a_client_closes_the_transport_that_sends(way: Way) -> None:
    """Once."""
    called = way.call(Scripted(200))
    assert called.upstream.closed == 1

"""What a well-behaved client does after an answer, as a time line.

The decisions are those of `kaiko_httpx.AsyncClient`. It runs in virtual time over a transport that
repeats an answer that was received before, and what it does is written down. So section 11 of the
contract is not implemented a second time here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, NamedTuple

import httpx2

from kaiko_cli.virtual_time import run_in_virtual_time
from kaiko_httpx import AsyncClient, RetryBudget, RetryPolicy
from kaiko_middleware import KaikoError
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from kaiko_cli.wire import Received
    from kaiko_demo import Request
    from kaiko_httpx import Reason, RetryEvent

__all__ = ["Attempted", "Ended", "Plan", "TimeLine", "Waited", "play"]

_UPSTREAM = Upstream("demo", trust="peer")
_FRAMING = frozenset({"transfer-encoding", "content-length", "connection"})
_STOPS: Mapping[Reason, str] = {
    "not_retryable": "the answer says that it is the same every time",
    "not_idempotent": "the request may have been processed, and a POST is not repeated then "
    "without an Idempotency-Key",
    "not_replayable": "the body cannot be sent again",
    "attempts": "that was the last of 3 attempts",
    "wait_too_long": "the service asks for a wait of more than 60 s",
    "deadline": "the wait would end after the deadline of 30 s",
    "budget": "the retry budget is used up",
    "switched_off": "retries are switched off",
}


class Plan(NamedTuple):
    """What the client meets.

    Arguments:
        failures: attempts that get the answer before the service recovers; None for all of them.
        seconds: how long each attempt takes.
        has_key: whether the request has an `Idempotency-Key`.
        streamed: whether the client reads the answer while it arrives.
    """

    failures: int | None = None
    seconds: float = 0.01
    has_key: bool = False
    streamed: bool = False


class Attempted(NamedTuple):
    """An attempt; `start` and `end` are in seconds since the call began, `status` 0 for none."""

    kind: Literal["attempt"]
    start: float
    end: float
    status: int
    text: str


class Waited(NamedTuple):
    """A wait before the next attempt; `asked` is the least that the service asks for."""

    kind: Literal["wait"]
    start: float
    end: float
    asked: float | None
    tokens: int
    text: str


class Ended(NamedTuple):
    """The end of the call: what the caller gets, and how many tokens the budget has left."""

    kind: Literal["end"]
    start: float
    end: float
    reason: Reason | Literal["answered"]
    tokens: int
    text: str


class TimeLine(NamedTuple):
    """A call, from its first attempt to what the caller gets."""

    steps: list[Attempted | Waited | Ended]
    deadline: float | None
    tokens_before: int


def play(answer: Received, request: Request, plan: Plan, budget: RetryBudget) -> TimeLine:
    """Let the client make the call, and return what it did.

    Arguments:
        answer: what each failing attempt gets.
        request: the request.
        plan: what else the client meets.
        budget: the retry budget, which the call spends from.

    """
    return run_in_virtual_time(_Call(answer, request, plan, budget).run())


class _Call:
    def __init__(self, answer: Received, request: Request, plan: Plan, budget: RetryBudget) -> None:
        self._answer = answer
        self._request = request
        self._plan = plan
        self._budget = budget
        self._steps: list[Attempted | Waited | Ended] = []
        self._stopped: Reason | Literal["answered"] = "answered"

    async def run(self) -> TimeLine:
        clock = asyncio.get_running_loop().time
        tokens = self._budget.tokens
        policy = RetryPolicy(
            _UPSTREAM, budget=self._budget, on_attempt=[self._decided], clock=clock
        )
        client = AsyncClient(
            policy=policy,
            base_url="http://demo.invalid",
            transport=_Repeating(self._answer, self._plan, self._steps),
            trust_env=False,
        )
        async with client:
            said = await self._outcome(client)
        self._add_end(said, clock())
        return TimeLine(self._steps, None if self._plan.streamed else policy.deadline, tokens)

    async def _outcome(self, client: AsyncClient) -> str:
        request = self._request
        headers = dict(request.headers)
        if self._plan.has_key:
            headers["Idempotency-Key"] = "order-1"
        call = client.build_request(
            request.method, request.path, headers=headers, content=request.body
        )
        try:
            response = await client.send(call, stream=self._plan.streamed)
            await response.aread()
        except KaikoError as error:
            return f"The caller gets {type(error).__name__}: {error.status} {error.code}"
        except httpx2.HTTPError as error:
            return f"The caller reads what arrived, then gets {type(error).__name__}"
        if self._plan.streamed:
            return f"The caller reads the stream to its end; its status is {response.status_code}"
        return f"The caller gets the answer: {response.status_code}"

    def _decided(self, event: RetryEvent) -> None:
        self._stopped = "answered" if event.reason == "retrying" else event.reason
        if event.reason != "retrying":
            return
        start = asyncio.get_running_loop().time()
        asked = event.error.retry_after
        why = f"{event.wait:.1f} s"
        if asked is not None and event.wait <= asked:
            why += ", as Retry-After asks"
        else:
            shortest = 2 ** (event.attempt - 1)
            why += f": {shortest} s and {event.wait - shortest:.1f} s of jitter"
        tokens = self._budget.tokens
        text = f"Wait {why}. The budget has {tokens} tokens left."
        self._steps.append(Waited("wait", start, start + event.wait, asked, tokens, text))

    def _add_end(self, said: str, now: float) -> None:
        text = f"{said}."
        if self._stopped != "answered":
            text = f"Stop: {_STOPS[self._stopped]}. {text}"
        self._steps.append(Ended("end", now, now, self._stopped, self._budget.tokens, text))


class _Repeating(httpx2.AsyncBaseTransport):
    """Answers each attempt with the answer, until the service recovers."""

    def __init__(
        self, answer: Received, plan: Plan, steps: list[Attempted | Waited | Ended]
    ) -> None:
        self._answer = answer
        self._plan = plan
        self._steps = steps
        self._number = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Take the time of an attempt, and answer."""
        clock = asyncio.get_running_loop().time
        start = clock()
        await asyncio.sleep(self._plan.seconds)
        self._number += 1
        failures = self._plan.failures
        recovered = failures is not None and self._number > failures
        status = 200 if recovered else self._answer.status
        text = f"Attempt {self._number}: {status or 'no answer'}"
        self._steps.append(Attempted("attempt", start, clock(), status, f"{text}."))
        if recovered:
            return httpx2.Response(200, json={}, request=request)
        if not status:
            raise httpx2.ConnectError("nobody listens", request=request)
        return httpx2.Response(
            status,
            headers=[pair for pair in self._answer.headers if pair[0].lower() not in _FRAMING],
            stream=_Body(self._answer),
            request=request,
        )


class _Body(httpx2.AsyncByteStream):
    """The body that arrived; if it was cut off, reading fails after it."""

    def __init__(self, answer: Received) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._answer.body
        if self._answer.broken:
            raise httpx2.RemoteProtocolError("the answer was cut off")

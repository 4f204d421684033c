"""As the client of LLM SDKs, whose own retries are off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import anyio
import httpx
import httpx2
import openai
import pytest

from adapters.httpx.scripted import Answer, Scripted, Step
from adapters.httpx.virtual_time import Clock, run
from adapters.httpx.ways import OURS, URL, WAYS, Way
from kaiko_httpx import RetryPolicy
from kaiko_middleware import RateLimitError, ServerError, ServiceUnavailableError
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)
ASKED: Any = [{"role": "user", "content": "Hi"}]

_CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello"},
        }
    ],
}
_CHUNK = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-4",
    "choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}],
}
_MESSAGE = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "claude-3-opus",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
_DELTA = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "text_delta", "text": "Hello"},
}


def _json(value: object) -> Answer:
    return Answer(200, (json.dumps(value).encode(),), JSON)


GOOD = {"openai": _json(_CHAT), "anthropic": _json(_MESSAGE)}
STREAM = {
    "openai": Answer(200, (f"data: {json.dumps(_CHUNK)}\n\n".encode(), b"data: [DONE]\n\n"), SSE),
    "anthropic": Answer(
        200,
        (
            f"event: content_block_delta\ndata: {json.dumps(_DELTA)}\n\n".encode(),
            b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
        ),
        SSE,
    ),
}


LLM = Upstream("provider", trust="llm")


class Asking:
    """An SDK over one way of calling; `ask` and `stream` return the text that came."""

    def __init__(
        self,
        sdk: Any,
        way: Way,
        *script: Step,
        provider: Upstream | str = "provider",
        **options: Any,
    ) -> None:
        self._sdk = sdk
        self._way = way
        self._provider = provider
        self._options = options
        self.upstream = Scripted(*script)

    def ask(self, *, stream: bool = False) -> str:
        """Ask."""
        if self._way.manner == "sync":
            with Clock().rules() as clock:
                asked = self._ask(self._sdk_client(clock), stream=stream)
                return "".join(map(_text, asked)) if stream else _text(asked)

        async def main() -> str:
            asked = await self._ask(self._sdk_client(anyio.current_time), stream=stream)
            return "".join([_text(part) async for part in asked]) if stream else _text(asked)

        return run(self._way.manner, main)

    def _sdk_client(self, clock: Callable[[], float]) -> Any:
        sending = self.upstream.within(self._way.library, clock)
        client = self._way.client(
            sending, RetryPolicy(self._provider, clock=clock), **self._options
        )
        sync = self._way.manner == "sync"
        name = {openai: "OpenAI", anthropic: "Anthropic"}[self._sdk]
        cls = getattr(self._sdk, name if sync else f"Async{name}")
        return cls(api_key="sk-x", base_url="http://up.test", max_retries=0, http_client=client)

    def _ask(self, client: Any, *, stream: bool) -> Any:
        if self._sdk is openai:
            return client.chat.completions.create(model="gpt-4", messages=ASKED, stream=stream)
        return client.messages.create(
            model="claude-3-opus", max_tokens=9, messages=ASKED, stream=stream
        )


def _text(part: Any) -> str:
    """Find the text in whatever an SDK makes of an answer, or of a part of it."""
    for path in (
        ("choices", 0, "message", "content"),
        ("choices", 0, "delta", "content"),
        ("content", 0, "text"),
        ("delta", "text"),
    ):
        found = part
        for key in path:
            found = found[key] if isinstance(key, int) else getattr(found, key, None)
            if found is None:
                break
        if found is not None:
            return str(found)
    return ""


# anthropic takes clients of httpx2 only.
_PAIRS: list[tuple[Any, Way]] = [
    (sdk, way)
    for sdk in (openai, anthropic)
    for way in WAYS
    if sdk is openai or way.library is not httpx
]


def _name(value: Any) -> str:
    return str(value) if isinstance(value, Way) else str(value.__name__)


every_pair = pytest.mark.parametrize(("sdk", "way"), _PAIRS, ids=_name)


def _quiet(way: Way) -> dict[str, Any]:
    return {"raise_errors": False} if way.ours else {}


@every_pair
def test_an_sdks_call_is_retried(sdk: Any, way: Way) -> None:
    """By our rules, and seen by it once."""
    good = GOOD[sdk.__name__]
    asking = Asking(sdk, way, 529, "ConnectError", good, **_quiet(way))
    assert asking.ask() == "Hello"
    first, *others = asking.upstream.seen
    assert [seen.body for seen in others] == [first.body] * 2


# openai drops its own generators unread, of which trio warns.
@pytest.mark.filterwarnings("ignore:Async generator 'openai:ResourceWarning")
@every_pair
def test_an_sdks_stream_is_untouched(sdk: Any, way: Way) -> None:
    """Retried until it begins, and then handed through."""
    asking = Asking(sdk, way, 503, STREAM[sdk.__name__], **_quiet(way))
    assert asking.ask(stream=True) == "Hello"
    assert len(asking.upstream.seen) == 2


@every_pair
def test_an_sdk_raises_its_own_errors_after_our_retries(sdk: Any, way: Way) -> None:
    """Three attempts for a throttle, one for a quota that is spent."""
    for token, attempts in (("rate_limit_error", 3), ("insufficient_quota", 1)):
        body = json.dumps({"error": {"type": token, "message": "No"}}).encode()
        asking = Asking(sdk, way, Answer(429, (body,), JSON), **_quiet(way))
        with pytest.raises(sdk.RateLimitError) as caught:
            asking.ask()
        assert caught.value.body is not None, "the SDK could read the answer"
        assert len(asking.upstream.seen) == attempts


@every_pair
def test_an_sdk_tells_a_connection_that_failed(sdk: Any, way: Way) -> None:
    """In its own way, and typed behind `translate`."""
    with pytest.raises(sdk.APIConnectionError):
        Asking(sdk, way, "ConnectError", **_quiet(way)).ask()
    with pytest.raises(sdk.APITimeoutError):
        Asking(sdk, way, "ReadTimeout", **_quiet(way)).ask()


@pytest.mark.parametrize(("sdk", "way"), [pair for pair in _PAIRS if pair[1].ours], ids=_name)
def test_a_typed_error_finds_its_way_through_an_sdk(sdk: Any, way: Way) -> None:
    """The SDK wraps what our client raised; `translate` gives it back."""
    asking = Asking(sdk, way, Answer(429, headers=(("retry-after", "99"),)))
    with pytest.raises(RateLimitError) as caught, Upstream("llm", trust="llm").translate():
        asking.ask()
    assert caught.value.retry_after == 99


our_pairs = pytest.mark.parametrize(
    ("sdk", "way"), [pair for pair in _PAIRS if pair[1].ours], ids=_name
)
ERROR = {"error": {"type": "server_error", "code": "server_error", "message": "m"}}
BEGUN = {
    "openai": {**_CHUNK, "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
    "anthropic": _DELTA,
}


def _stream(*events: object) -> Answer:
    return Answer(200, tuple(f"data: {json.dumps(event)}\n\n".encode() for event in events), SSE)


@our_pairs
def test_a_success_with_an_error_inside_is_a_typed_error(sdk: Any, way: Way) -> None:
    """The SDK would make an empty answer of it, and fail where that is used."""
    html = Answer(200, (b"<html>",), (("content-type", "text/html"),))
    for answer, cls in ((_json(ERROR), ServiceUnavailableError), (html, ServerError)):
        with pytest.raises(cls) as caught, LLM.translate():
            Asking(sdk, way, answer, provider=LLM, raise_errors=False).ask()
        assert "upstream 'provider' answered 200" in caught.value.__notes__[0]


@our_pairs
@pytest.mark.filterwarnings(
    "ignore:Async generator '(openai|anthropic|httpx2|kaiko_httpx):ResourceWarning"
)
def test_a_stream_that_fails_or_is_cut_is_a_typed_error(sdk: Any, way: Way) -> None:
    """What the SDK's user reads before that stays read."""
    begun = BEGUN[sdk.__name__]
    for answer in (
        _stream(begun),
        _stream(begun, ERROR),
        _stream(begun, {"type": "response.failed", "response": ERROR}),
        Answer(200, (b"data: {}\n\ndata: " + json.dumps(ERROR).encode(),), SSE),
        Answer(200, (json.dumps(ERROR).encode(),), SSE),
    ):
        with pytest.raises(ServiceUnavailableError) as caught, LLM.translate():
            Asking(sdk, way, answer, provider=LLM, raise_errors=False).ask(stream=True)
        assert "upstream 'provider' answered 200" in caught.value.__notes__[0]


@our_pairs
def test_what_is_no_text_for_programs_is_not_looked_into(sdk: Any, way: Way) -> None:
    """A download, and an upstream that is no LLM provider, are the SDK's business."""
    del sdk
    for kind, provider in (
        ("audio/mpeg", LLM),
        ("application/json", Upstream("opaque")),
        ("", LLM),
    ):
        answer = Answer(200, (b"\xff\xfb",), (("content-type", kind),) if kind else ())
        policy = {"upstream": provider}
        assert way.call(Scripted(answer), policy=policy).response.content == b"\xff\xfb"


@pytest.mark.parametrize("way", OURS, ids=str)
def test_a_stream_that_is_whole_is_untouched_byte_for_byte(way: Way) -> None:
    """However its events are cut into parts; also of a client that raises typed errors."""
    parts = (b"data: {}\n\nda", b"ta: {}\n", b"\n: x\n\n\n", b"data: 1")
    upstream = Scripted(Answer(200, parts, SSE))
    read: list[bytes] = []

    def client(clock: Callable[[], float]) -> Any:
        return way.client(upstream.within(httpx2, clock), RetryPolicy(LLM, clock=clock))

    if way.manner == "sync":
        with Clock().rules() as clock, client(clock) as sync, sync.stream("GET", URL) as answer:
            read += answer.iter_bytes()
    else:

        async def main() -> None:
            async with (
                client(anyio.current_time) as asynchronous,
                asynchronous.stream("GET", URL) as answer,
            ):
                read.extend([part async for part in answer.aiter_bytes()])

        run(way.manner, main)
    assert b"".join(read) == b"".join(parts)

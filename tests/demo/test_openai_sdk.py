"""A client that was written for somebody else's API understands the demo's errors.

The `openai` SDK, synchronous and asynchronous, calls each stack over real HTTP. It is told
nothing but the address: class, code, type, param, id and whether to call again are all read
off the answer. It never waits, but says how long it would have.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, cast

import openai
import pytest

from kaiko_cli.processes import STACKS, Service, Stack, running_demo
from kaiko_cli.wire import send
from kaiko_demo import CAUSES, Cause
from kaiko_demo.seed import AT, LIVE_KEY
from kaiko_middleware.catalog import ROWS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

RAISES: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    405: openai.APIStatusError,  # the SDK has no class of its own for it
    409: openai.ConflictError,
    413: openai.APIStatusError,  # likewise
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}
SLOW = "LLM too slow"
"""A cause that takes two seconds each time, and answers like others that do not."""
REFUSED = [
    cause for cause in CAUSES if cause.expected.type and not cause.in_stream and cause.name != SLOW
]
PARTS = {"a bug in a stream": 2, "LLM stream fails": 1, "LLM stream cut off": 1}
"""How much comes before a stream fails, by cause: of the streams that the SDK can read."""
BROKEN_STREAMS = [cause for cause in CAUSES if cause.name in PARTS]
(LISTED,) = [cause for cause in CAUSES if cause.name == "models listed"]
SAID = {
    "too many requests": 30,
    "dependency down": 5,
    "LLM throttles us": 20,
    "archive: throttled": 60,
}
"""Seconds of `Retry-After`, by cause."""
HTTP: dict[str, Any] = {
    "trust_env": False,
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # trusts nobody; it costs nothing to make
    # uvicorn closes a connection whose application raised, after the answer and unannounced.
    # Who waits before the next attempt notices; this SDK does not wait.
    "headers": {"Connection": "close"},
}
"""What every HTTP client here is made with."""


class Impatient:
    """What both of the SDK's clients are here: they note a wait and do not wait."""

    waits: list[float]

    def _calculate_retry_timeout(self, *args: Any, **options: Any) -> float:
        # The method that the mixed-in client's own sleep asks; no protocol of its is public.
        client = cast("Any", super())  # the SDK hides the method
        wait: float = client._calculate_retry_timeout(*args, **options)
        self.waits.append(wait)
        return 0


class Sync(Impatient, openai.OpenAI):
    """The synchronous client."""


class Async(Impatient, openai.AsyncOpenAI):
    """The asynchronous client."""


class Asked:
    """How one call of the SDK went.

    Arguments:
        port: where the demo is.
        cause: what is sent.
        manner: `sync` or `async`.
    """

    def __init__(self, port: int, cause: Cause, manner: str) -> None:
        self.waits: list[float] = []
        self.sent = 0
        """Requests that left the SDK, retries included."""
        self.ids: list[str] = []
        """The id of each answer."""
        self.parts: list[object] = []
        """What a stream yielded before it failed."""
        self.result: Any = None
        self.error: Any = None
        self._cause = cause
        self._options: dict[str, Any] = {
            "api_key": "not the demo's",
            "base_url": f"http://127.0.0.1:{port}",
        }
        try:
            if manner == "sync":
                self._ask()
            else:
                asyncio.run(self._ask_async())
        except openai.APIError as exc:
            self.error = exc

    def _ask(self) -> None:
        hooks: Any = {"request": [self._saw_request], "response": [self._saw_response]}
        http = openai.DefaultHttpxClient(event_hooks=hooks, **HTTP)
        with Sync(**self._options, http_client=http) as client:
            client.waits = self.waits
            self.result = self._call(client, openai.Stream[object])
            if self._cause.in_stream:
                self.parts.extend(self.result)

    async def _ask_async(self) -> None:
        async def saw_request(request: object) -> None:
            self._saw_request(request)

        async def saw_response(response: object) -> None:
            self._saw_response(response)

        hooks: Any = {"request": [saw_request], "response": [saw_response]}
        http = openai.DefaultAsyncHttpxClient(event_hooks=hooks, **HTTP)
        async with Async(**self._options, http_client=http) as client:
            client.waits = self.waits
            made = self._call(client, openai.AsyncStream[object])
            call = cast("Awaitable[Any]", made)  # the client is an asynchronous one
            self.result = await call
            if self._cause.in_stream:
                async for part in self.result:
                    self.parts.append(part)

    def _call(self, client: Any, stream: object) -> Any:
        request = self._cause.request
        call: Callable[..., Any] = getattr(client, request.method.lower())
        options: dict[str, Any] = {"options": {"headers": dict(request.headers)}}
        if request.body is not None:
            options["content"] = request.body
        if self._cause.in_stream:
            options |= {"stream": True, "stream_cls": stream}
        return call(request.path, cast_to=object, **options)

    def _saw_request(self, _request: object) -> None:
        self.sent += 1

    def _saw_response(self, response: Any) -> None:
        self.ids.append(response.headers["x-request-id"])


@pytest.fixture(scope="module", params=STACKS, ids=lambda stack: cast("Stack", stack).name)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One stack of the demo and what is behind it. Time stands still: a limit is never lifted."""
    moment = {AT: "2026-11-22T10:00:00+00:00"}
    logs = tmp_path_factory.mktemp("logs")
    with running_demo([request.param], logs, environment=moment) as demo:
        yield demo.stacks[0]


@pytest.fixture(params=["sync", "async"])
def manner(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_row_is_among_the_causes() -> None:
    """So each of the ten documented rows is raised below."""
    assert {row.status for row in ROWS} <= {cause.expected.status for cause in REFUSED}
    assert SAID.keys() <= {cause.name for cause in REFUSED}


@pytest.mark.parametrize("cause", REFUSED, ids=lambda cause: cast("Cause", cause).name)
def test_the_sdk_understands_an_error(service: Service, cause: Cause, manner: str) -> None:
    """It raises the class for the status, calls again where that may help, and waits as told."""
    for request in cause.before:
        send(service.port, request)
    call = Asked(service.port, cause, manner)
    check_raised(call, cause)
    check_retries(call, cause)


def check_raised(call: Asked, cause: Cause) -> None:
    """Check the class, with the error's code, type, param and id where it has them."""
    wanted = cause.expected
    assert type(call.error) is RAISES[wanted.status]
    error: Any = call.error
    assert (error.status_code, error.code, error.type, error.param) == (
        wanted.status,
        wanted.code,
        wanted.type,
        wanted.param,
    )
    assert error.request_id == error.body["request_id"] == call.ids[-1]
    assert error.body["message"] in str(error), "a log of the SDK's error says what was wrong"


def check_retries(call: Asked, cause: Cause) -> None:
    """Check that it goes by `X-Should-Retry` (not at a 409, say), and by `Retry-After`."""
    retries = 2 if cause.expected.retry else 0
    assert (call.sent, len(call.waits)) == (1 + retries, retries)
    assert len(set(call.ids)) == call.sent, "each attempt is a request of its own"
    if cause.name in SAID:
        assert call.waits == [SAID[cause.name]] * 2


@pytest.mark.parametrize("cause", BROKEN_STREAMS, ids=lambda cause: cast("Cause", cause).name)
def test_the_sdk_raises_at_the_event_that_ends_a_broken_stream(
    service: Service, cause: Cause, manner: str
) -> None:
    """After what came before it; with the answer's id; and a stream is not begun again."""
    call = Asked(service.port, cause, manner)
    assert len(call.parts) == PARTS[cause.name]
    assert type(call.error) is openai.APIError
    error: Any = call.error
    wanted = cause.expected
    assert (error.code, error.type, error.param) == (wanted.code, wanted.type, wanted.param)
    assert [error.body["request_id"]] == call.ids
    assert call.sent == 1


def test_the_sdk_is_content_with_a_success(service: Service, manner: str) -> None:
    """One request, its result, and an id."""
    call = Asked(service.port, LISTED, manner)
    assert call.error is None
    assert "models" in call.result
    assert (call.sent, len(call.ids)) == (1, 1)


def test_the_sdks_own_resources_raise_the_same(service: Service) -> None:
    """As where a whole SDK is pointed here: a key that is none, and a path that is not served."""
    http = openai.DefaultHttpxClient(**HTTP)
    options: Any = {"api_key": "sk-x", "base_url": f"{service.url}/v2", "http_client": http}
    with openai.OpenAI(**options) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            client.models.list()
        known = client.with_options(default_headers={"x-api-key": LIVE_KEY})
        with pytest.raises(openai.NotFoundError) as unknown:
            known.embeddings.create(model="emotion-v2", input="Hello")
    assert (refused.value.code, unknown.value.code) == ("invalid_api_key", "not_found")

"""`raise_upstream`: each answer means what it stands for, and every client gets it as its own."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import TYPE_CHECKING, Any, get_args

import anthropic
import botocore.exceptions
import botocore.session
import httpx
import httpx2
import openai
import pytest
import requests
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from requests.adapters import HTTPAdapter

from kaiko_httpx import RetryPolicy, RetryTransport
from kaiko_middleware.upstream import Upstream
from kaiko_pytest import FailingUpstream, RaiseUpstream
from kaiko_pytest._provider_answers import HOSTS, NO_ANSWER, SAMPLES, Failure, Provider

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://api.openai.com/v1/chat/completions"
OTHER = "http://127.0.0.1:9/"
ALL = [(provider, failure) for provider in SAMPLES for failure in SAMPLES[provider]]
CODES = {
    "bad_key": {"internal"},
    "filtered": {"content_policy_violation"},
    "in_stream": {"service_unavailable"},
    "out_of_quota": {"internal"},
    "overloaded": {"service_unavailable"},
    "rate_limited": {"too_many_requests"},
    "rejected": {"internal"},
    "too_long": {"payload_too_large"},
}
"""What the caller of a service gets, which calls the provider with `trust="llm"`."""


def test_there_are_fifteen_providers_and_more() -> None:
    """Each has hosts, and every kind of failure is somebody's."""
    assert {*SAMPLES} == {*HOSTS} == {*get_args(Provider)}
    assert len(SAMPLES) >= 15
    kinds = {failure for _, failure in ALL}
    assert kinds | {*NO_ANSWER} == {*get_args(Failure)}
    assert kinds == {*CODES}


@pytest.mark.parametrize(("provider", "failure"), ALL)
def test_an_answer_means_what_it_stands_for(provider: Provider, failure: Failure) -> None:
    """As the toolkit judges it; a rejected request may be retried by the provider's own word."""
    sample = SAMPLES[provider][failure]
    upstream = Upstream(provider, trust="llm")
    error = upstream.error_from_response(sample.status, sample.headers, sample.body, method="POST")
    assert error is not None
    assert error.code in CODES[failure]


# --- clients ---------------------------------------------------------------------------


def by_httpx2() -> Any:
    """Ask with httpx2."""
    return httpx2.post(URL, json={"model": "m"})


def by_httpx() -> Any:
    """Ask with httpx."""
    return httpx.post(URL, json={"model": "m"})


def by_async_httpx2() -> Any:
    """Ask with httpx2, on an event loop."""

    async def ask() -> Any:
        async with httpx2.AsyncClient() as client:
            return await client.post(URL, json={"model": "m"})

    return asyncio.run(ask())


def by_requests() -> Any:
    """Ask with requests."""
    return requests.post(URL, json={"model": "m"}, timeout=5)


ASKERS: list[Callable[[], Any]] = [by_httpx2, by_httpx, by_async_httpx2, by_requests]
ERRORS = (httpx2.TransportError, httpx.TransportError, requests.RequestException)


@pytest.mark.parametrize("ask", ASKERS)
def test_a_client_gets_the_answer(raise_upstream: RaiseUpstream, ask: Callable[[], Any]) -> None:
    """The status, headers and body; and the upstream knows what it was asked."""
    upstream = raise_upstream("openai", "rate_limited")
    answer = ask()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    (asked,) = upstream.requests
    assert (asked.method, asked.url) == ("POST", URL)
    assert asked.content.replace(b" ", b"") == b'{"model":"m"}'
    assert "host" in {name.lower() for name in asked.headers} or ask is by_requests


@pytest.mark.parametrize("failure", NO_ANSWER)
@pytest.mark.parametrize("ask", ASKERS)
def test_a_connection_fails(
    raise_upstream: RaiseUpstream, ask: Callable[[], Any], failure: Failure
) -> None:
    """With the client's own exception, which the toolkit takes for an outage."""
    raise_upstream("openai", failure)
    with pytest.raises(ERRORS) as caught:
        ask()
    assert Upstream("openai").error_from_exception(caught.value).code == "service_unavailable"


def test_a_failure_ends_after_some_times(raise_upstream: RaiseUpstream) -> None:
    """A retry gets what the test gives."""
    raise_upstream("openai", "overloaded", times=1, then={"id": "chatcmpl-1"})
    policy = RetryPolicy("openai", attempts=2, wait_initial=0, wait_jitter=0)
    with httpx2.Client(transport=RetryTransport(policy=policy)) as client:
        assert client.post(URL).json() == {"id": "chatcmpl-1"}


def test_only_its_own_hosts_fail(raise_upstream: RaiseUpstream) -> None:
    """Other requests go where they go: here, nowhere. The later of two upstreams answers."""
    raise_upstream("openai", "bad_key")
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(OTHER)
    with pytest.raises(requests.ConnectionError):
        requests.get(OTHER, timeout=5)

    async def ask() -> None:
        async with httpx2.AsyncClient() as client:
            await client.get(OTHER)

    with pytest.raises(httpx2.ConnectError):
        asyncio.run(ask())
    raise_upstream("openai", "overloaded", url=OTHER)
    assert httpx2.get(f"{OTHER}v1").status_code == 503
    raise_upstream("openai", "rejected")
    assert httpx2.get(URL).status_code == 404


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("azure", "https://mine.openai.azure.com/openai"),
        ("bedrock", "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse"),
        ("ollama", "http://localhost:11434/api/chat"),
        ("openai", "https://user:key@api.openai.com/v1"),
    ],
)
def test_a_provider_is_known_by_its_host(provider: Provider, url: str) -> None:
    """Some have one host, some one for each region or customer."""
    assert FailingUpstream(provider, "unreachable").matches(url)
    assert not FailingUpstream("stripe", "unreachable").matches(url)


def test_it_can_be_a_mock_transports_handler() -> None:
    """For a client that the test gives to the service."""
    libs: list[Any] = [httpx, httpx2]
    for lib in libs:
        upstream = FailingUpstream("stripe", "rejected")
        client = lib.Client(transport=lib.MockTransport(upstream))
        assert client.post("https://api.stripe.com/v1/charges").status_code == 402


def test_what_it_does_not_know_is_refused(raise_upstream: RaiseUpstream) -> None:
    """And what there is, is listed."""
    wrong: Any = raise_upstream
    with pytest.raises(ValueError, match=r"ollama has no failure 'bad_key': choose one of "):
        wrong("ollama", "bad_key")
    with pytest.raises(ValueError, match=r"there is no provider 'opnai': choose one of anthropic"):
        wrong("opnai", "timeout")


def test_a_heavy_client_is_not_imported_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who uses botocore has loaded it."""
    send = URLLib3Session.send
    monkeypatch.delitem(sys.modules, "botocore")
    with RaiseUpstream():
        assert URLLib3Session.send is send
    assert "botocore" not in sys.modules


def test_at_the_end_the_network_is_back() -> None:
    """Nothing stays patched."""
    before = httpx2.HTTPTransport.handle_request, HTTPAdapter.send
    with RaiseUpstream() as upstreams:
        upstreams("openai", "timeout")
        assert httpx2.HTTPTransport.handle_request is not before[0]
    after = httpx2.HTTPTransport.handle_request, HTTPAdapter.send
    assert before == after


# --- SDKs ------------------------------------------------------------------------------


def test_an_sdk_gets_the_answer(raise_upstream: RaiseUpstream) -> None:
    """Nobody gives it a client."""
    raise_upstream("openai", "out_of_quota")
    raise_upstream("anthropic", "overloaded")
    chat: Any = openai.OpenAI(api_key="none", max_retries=0).chat.completions
    with pytest.raises(openai.RateLimitError, match="current quota"):
        chat.create(model="m", messages=[])
    messages: Any = anthropic.Anthropic(api_key="none", max_retries=0).messages
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        messages.create(model="m", messages=[], max_tokens=1)


@pytest.mark.parametrize(
    ("failure", "cls"),
    [
        ("rate_limited", botocore.exceptions.ClientError),
        ("timeout", botocore.exceptions.ReadTimeoutError),
        ("unreachable", botocore.exceptions.EndpointConnectionError),
        ("cut_short", botocore.exceptions.ConnectionClosedError),
    ],
)
def test_botocore_gets_the_answer(
    raise_upstream: RaiseUpstream, failure: Failure, cls: type[Exception]
) -> None:
    """Below its own retries."""
    upstream = raise_upstream("bedrock", failure)
    config: Any = Config(retries={"max_attempts": 0})
    client: Any = botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="eu-west-1",
        config=config,
        aws_access_key_id="none",
        aws_secret_access_key="none",
    )
    with pytest.raises(cls) as caught:
        client.converse(modelId="m", messages=[])
    assert Upstream("bedrock").error_from_exception(caught.value).retryable
    assert upstream.requests[0].content == b'{"messages": []}'


@pytest.mark.parametrize(
    ("provider", "failure", "cls"),
    [
        ("openai", "rate_limited", openai.RateLimitError),
        ("openai", "bad_key", openai.AuthenticationError),
        ("openai", "in_stream", openai.APIError),
        ("openai", "timeout", openai.APITimeoutError),
        ("openai", "unreachable", openai.APIConnectionError),
        ("groq", "overloaded", openai.InternalServerError),
        ("anthropic", "rate_limited", anthropic.RateLimitError),
        ("anthropic", "in_stream", anthropic.APIStatusError),
        ("bedrock", "rate_limited", botocore.exceptions.ClientError),
        ("dynamodb", "rejected", botocore.exceptions.ClientError),
        ("dynamodb", "timeout", botocore.exceptions.ReadTimeoutError),
        ("github", "rate_limited", httpx2.HTTPStatusError),
        ("github", "timeout", httpx2.ReadTimeout),
    ],
)
def test_an_exception_is_the_sdks_own(
    provider: Provider, failure: Failure, cls: type[Exception]
) -> None:
    """For a service whose calls are replaced; without an SDK, it is the client's."""
    error = FailingUpstream(provider, failure).exception()
    assert isinstance(error, cls)
    assert error.__traceback__ is None


def test_an_answer_that_raises_nothing_has_no_exception() -> None:
    """Slack says 200."""
    with pytest.raises(ValueError, match=re.escape("takes this answer for a success")):
        FailingUpstream("slack", "rate_limited").exception()


def test_without_any_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older httpx counts."""
    upstream = FailingUpstream("github", "bad_key")
    monkeypatch.setitem(sys.modules, "httpx2", None)
    assert isinstance(upstream.exception(), httpx.HTTPStatusError)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ModuleNotFoundError, match="install httpx2, or the provider's SDK"):
        upstream.exception()

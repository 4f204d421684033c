"""`Upstream.raise_for_status`: one line after a call, whichever client made it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
import requests

from kaiko_middleware import KaikoError, RateLimitError, ServerError, ServiceUnavailableError
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "http://up.test/v1"
OVERLOADED = b'{"error": {"type": "overloaded_error", "message": "Overloaded"}}'
JSON = {"content-type": "application/json"}


def from_httpx(client: Any) -> Callable[..., Any]:
    """Return what makes a response of this httpx."""

    def make(status: int, body: bytes, headers: dict[str, str], method: str | None) -> Any:
        request = None if method is None else client.Request(method, URL)
        return client.Response(status, headers=headers, content=body, request=request)

    return make


def from_requests(status: int, body: bytes, headers: dict[str, str], method: str | None) -> Any:
    """Return a response of requests; one that was not asked for has None in place of it."""
    response = requests.Response()
    response.status_code = status
    response._content = body
    response.headers.update(headers)
    if method is not None:
        response.request = requests.Request(method, URL).prepare()
    return response


def by_hand(status: int, body: bytes, headers: dict[str, str], method: str | None) -> Any:
    """Return no more than what is asked for."""
    response = SimpleNamespace(status_code=status, headers=headers, content=body)
    if method is not None:
        response.request = SimpleNamespace(method=method)
    return response


MAKERS = [from_httpx(httpx2), from_httpx(httpx), from_requests, by_hand]
CLIENTS = pytest.mark.parametrize("make", MAKERS, ids=["httpx2", "httpx", "requests", "by hand"])


@CLIENTS
@pytest.mark.parametrize("method", ["GET", "POST", None])
def test_an_error_is_raised(make: Callable[..., Any], method: str | None) -> None:
    """With what its headers say, whether or not the response knows its request."""
    response = make(429, b"slow down", {"retry-after": "7"}, method)
    with pytest.raises(RateLimitError) as caught:
        Upstream("up").raise_for_status(response)
    assert caught.value.retry_after == 7


@CLIENTS
@pytest.mark.parametrize("status", [200, 204, 206, 304])
def test_what_is_no_error_passes(make: Callable[..., Any], status: int) -> None:
    """And the same answer, where JSON is expected, is the error that its body says."""
    response = make(status, OVERLOADED, JSON, "GET")
    Upstream("up").raise_for_status(response)
    inside = Upstream("up").error_from_response(status, JSON, OVERLOADED)
    assert (inside is None) == (status in {204, 304})  # neither has a body to look into


def test_a_success_is_not_looked_into() -> None:
    """Its body may be large, and is no business of this."""

    class Looked:
        status_code = 200
        headers: dict[str, str] = JSON
        looks = 0

        @property
        def content(self) -> bytes:
            self.looks += 1
            return OVERLOADED

    response = Looked()
    Upstream("up").raise_for_status(response)
    assert response.looks == 0
    with pytest.raises(ServiceUnavailableError):
        Upstream("up").raise_for_status(response, expects="json")
    assert response.looks == 1


@CLIENTS
def test_an_error_inside_a_success_is_raised(make: Callable[..., Any]) -> None:
    """For an LLM provider, or where JSON is expected; not in an answer to HEAD."""
    response = make(200, OVERLOADED, JSON, "POST")
    with pytest.raises(ServiceUnavailableError):
        Upstream("up", trust="llm").raise_for_status(response)
    with pytest.raises(ServiceUnavailableError):
        Upstream("up").raise_for_status(response, expects="json")
    Upstream("up", trust="llm").raise_for_status(response, expects="any")
    Upstream("up", trust="llm").raise_for_status(make(200, b"", {}, "HEAD"))


@CLIENTS
def test_a_success_that_is_no_json_is_an_error_where_json_is_due(make: Callable[..., Any]) -> None:
    """The upstream is broken, as far as the caller can tell."""
    response = make(200, b"<html>Welcome to nginx</html>", {"content-type": "text/html"}, "GET")
    with pytest.raises((ServerError, ServiceUnavailableError)):
        Upstream("up").raise_for_status(response, expects="json")


@pytest.mark.parametrize("client", [httpx2, httpx], ids=["httpx2", "httpx"])
def test_a_stream_is_left_alone(client: Any) -> None:
    """It was not read, so a success is not looked into, and an error goes by its status."""
    request = client.Request("GET", URL)
    stream = client.ByteStream(OVERLOADED)
    Upstream("up", trust="llm").raise_for_status(
        client.Response(200, stream=stream, request=request)
    )
    with pytest.raises(KaikoError) as caught:
        Upstream("up").raise_for_status(client.Response(503, stream=stream, request=request))
    assert caught.value.status == 503

"""A wrong transport, client or policy is refused when it is given, not by the first call."""

from __future__ import annotations

from typing import Any

import httpx
import httpx2
import pytest

from kaiko_httpx import (
    AsyncClient,
    AsyncRetryTransport,
    Client,
    RetryPolicy,
    RetryTransport,
    httpx0,
)
from kaiko_middleware.upstream import Upstream


class Alike:
    """A transport by its methods alone."""

    def handle_request(self, request: Any) -> Any:
        """Answer nothing."""

    def handle_async_request(self, request: Any) -> Any:
        """Answer nothing."""

    def close(self) -> None:
        """Do nothing."""


class BaseTransport(Alike):
    """A service's own class, by a name that a library has too."""


def answer(_request: Any) -> Any:
    """Answer nothing."""


SYNC: list[Any] = [httpx2.MockTransport(answer), Alike(), BaseTransport(), RetryTransport(), None]
ASYNC: list[Any] = [httpx2.MockTransport(answer), Alike(), AsyncRetryTransport(), None]


def test_what_works_is_accepted() -> None:
    """A transport of the library, of ours, or by its methods alone."""
    for transport in SYNC:
        RetryTransport(transport)
    for transport in ASYNC:
        AsyncRetryTransport(transport)
    given: list[Any] = [httpx.MockTransport(answer), Alike()]
    for of_httpx in given:
        httpx0.RetryTransport(of_httpx)
        httpx0.AsyncRetryTransport(of_httpx)


OTHER_LIBRARY = "kaiko_httpx wraps transports of httpx2, kaiko_httpx.httpx0 those of httpx"
OTHER_KIND = "a Client takes synchronous transports, an AsyncClient asynchronous ones"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (httpx.MockTransport(answer), f"httpx.MockTransport: {OTHER_LIBRARY}"),
        (AsyncRetryTransport(), f"kaiko_httpx.AsyncRetryTransport: {OTHER_KIND}"),
        (httpx2.HTTPTransport, "the class HTTPTransport: make an instance of it first"),
        (RetryPolicy(), "kaiko_httpx.RetryPolicy: write policy=…"),
        (
            httpx2.Client(),
            ("httpx2.Client: pass this transport to the client instead: Client(transport=…)"),
        ),
        ("https://billing.example", "the string 'https://billing.example'"),
    ],
    ids=["httpx", "asynchronous", "class", "policy", "client", "string"],
)
def test_a_wrong_transport(given: Any, said: str) -> None:
    """The message says what is due, what was given, and what to do."""
    for make in (RetryTransport, lambda transport: Client(transport=transport)):
        with pytest.raises(TypeError) as refused:
            make(given)
        assert str(refused.value) == f"transport takes an httpx2.BaseTransport, not {said}"


def test_a_wrong_asynchronous_transport() -> None:
    """An asynchronous client takes its own kind."""
    with pytest.raises(TypeError, match=rf"httpx2\.AsyncBaseTransport, not .*: {OTHER_KIND}"):
        AsyncClient(transport=RetryTransport())


def test_a_wrong_mount() -> None:
    """A mount is a transport as well."""
    with pytest.raises(TypeError, match=OTHER_LIBRARY):
        Client(mounts={"https://": httpx.HTTPTransport()})


def test_a_transport_of_httpx2_for_httpx() -> None:
    """The libraries' requests are unrelated."""
    wrong: Any = httpx2.HTTPTransport()
    with pytest.raises(TypeError, match=rf"takes an httpx\.BaseTransport, not .*{OTHER_LIBRARY}"):
        httpx0.RetryTransport(wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda policy: RetryTransport(policy=policy),
        lambda policy: AsyncRetryTransport(policy=policy),
        lambda policy: Client(policy=policy),
        lambda policy: AsyncClient("billing", policy=policy),
    ],
    ids=["transport", "asynchronous transport", "client", "asynchronous client"],
)
@pytest.mark.parametrize(
    ("given", "said"),
    [({"attempts": 2}, "dict"), (Upstream("billing"), "kaiko_middleware.Upstream")],
    ids=["dict", "upstream"],
)
def test_a_wrong_policy(make: Any, given: object, said: str) -> None:
    """Not only when a call fails."""
    with pytest.raises(TypeError) as refused:
        make(given)
    assert str(refused.value) == f"policy takes a kaiko_httpx.RetryPolicy, not {said}"

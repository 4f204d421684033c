"""Our clients are their library's: options, mounts, streams, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest

from adapters.httpx.scripted import Answer, Scripted
from adapters.httpx.virtual_time import Clock, run
from adapters.httpx.ways import OURS, Way, our_clients
from kaiko_httpx import AsyncClient, AsyncRetryTransport, Client, RetryPolicy, RetryTransport
from kaiko_middleware import ConfigError, ServerError, ServiceUnavailableError
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable

SYNC = OURS[0]
classes = pytest.mark.parametrize("cls", [Client, AsyncClient])


def stream(way: Way, upstream: Scripted) -> tuple[int, bytes]:
    """Make a streaming call that raises typed errors; return its status and body."""

    def client(clock: Callable[[], float]) -> Any:
        return way.client(upstream.within(httpx2, clock), RetryPolicy(clock=clock))

    if way.manner == "sync":
        with (
            Clock().rules() as clock,
            client(clock) as sync,
            sync.stream("GET", "http://up.test/") as response,
        ):
            return response.status_code, b"".join(response.iter_bytes())

    async def main() -> tuple[int, bytes]:
        async with (
            client(anyio.current_time) as asynchronous,
            asynchronous.stream("GET", "http://up.test/") as response,
        ):
            return response.status_code, b"".join([part async for part in response.aiter_bytes()])

    return run(way.manner, main)


@our_clients
def test_a_stream_that_begins_is_returned(way: Way) -> None:
    """Whatever comes in it: the reader watches that."""
    body = b'event: error\ndata: {"error": {}}\n\n'
    assert stream(way, Scripted(503, Answer(200, (body,)))) == (200, body)


@our_clients
@pytest.mark.parametrize(
    ("status", "cls"), [(503, ServiceUnavailableError), (404, ServerError), (302, ServerError)]
)
def test_a_stream_that_is_refused_raises(way: Way, status: int, cls: type[Exception]) -> None:
    """The typed error, and nothing is left open."""
    upstream = Scripted(status)
    with pytest.raises(cls):
        stream(way, upstream)
    assert all(body.closed_at for body in upstream.bodies)


@our_clients
def test_redirects_are_followed_where_they_are_to_be(way: Way) -> None:
    """Else they are an upstream that is not what it should be."""
    moved = Answer(302, headers=(("location", "/on"),))
    called = way.call(Scripted(moved, 200), raise_errors=True, follow_redirects=True)
    assert (called.outcome, len(called.response.history)) == (200, 1)
    endless = way.call(Scripted(moved), raise_errors=True, follow_redirects=True)
    assert isinstance(endless.error, ServerError)
    assert isinstance(endless.error.__cause__, httpx2.TooManyRedirects)


@our_clients
def test_mounts_retry_as_well_and_none_stays_none(way: Way) -> None:
    """All under one policy."""
    mounted, default = Scripted(503, 200), Scripted(503, 200)
    mounts = {"http://mounted.test": mounted, "all://*.internal": None}

    def client(clock: Callable[[], float]) -> Any:
        mounted.within(httpx2, clock)
        upstream = default.within(httpx2, clock)
        return way.client(upstream, RetryPolicy(clock=clock), mounts=mounts)

    urls = ("http://mounted.test/", "http://other.test/", "http://a.internal/")
    if way.manner == "sync":
        with Clock().rules() as clock, client(clock) as sync:
            answers = [sync.get(url).status_code for url in urls]
    else:

        async def main() -> list[int]:
            async with client(anyio.current_time) as asynchronous:
                return [(await asynchronous.get(url)).status_code for url in urls]

        answers = run(way.manner, main)
    assert answers == [200, 200, 200]
    assert [len(mounted.seen), len(default.seen)] == [2, 3]


@classes
def test_a_client_names_its_upstream(cls: type[Client | AsyncClient]) -> None:
    """By name, by what is trusted of it, or in the policy; by default by no name."""
    billing = Upstream("billing", trust="peer")
    assert cls("billing")._policy.upstream.name == "billing"
    assert cls(billing)._policy.upstream is billing
    assert cls(policy=RetryPolicy(billing))._policy.upstream is billing
    assert cls()._policy.upstream.name == "upstream"


@classes
def test_a_client_is_told_that_a_name_comes_first(cls: type[Client | AsyncClient]) -> None:
    """httpx2's own takes no name, so a URL is the first thing that one writes."""
    with pytest.raises(ConfigError, match=r'a name, .*Client\("billing", base_url="https://…"\)'):
        cls("https://billing.example")


@classes
def test_two_names_for_an_upstream_are_refused(cls: type[Client | AsyncClient]) -> None:
    """Nobody could know which one counts."""
    with pytest.raises(TypeError, match=r"says already what is called: Upstream\('billing'"):
        cls("other", policy=RetryPolicy("billing"))


@classes
@pytest.mark.parametrize(("deadline", "connect"), [(30.0, 5.0), (2.0, 2.0)])
def test_an_operation_may_take_as_long_as_the_call(
    cls: type[Client | AsyncClient], deadline: float, connect: float
) -> None:
    """And connecting 5 s; the service's own timeouts come before that."""
    policy = RetryPolicy(deadline=deadline)
    assert cls(policy=policy).timeout == httpx2.Timeout(deadline, connect=connect)
    assert cls(policy=policy, timeout=1.0).timeout == httpx2.Timeout(1.0)


@classes
def test_options_go_to_the_library(cls: type[Client | AsyncClient]) -> None:
    """Base URL, headers, and what else it takes; what it does not take is refused."""
    client = cls(base_url="http://up.test/v2", headers={"x-api-key": "k"})
    request = client.build_request("GET", "things")
    assert str(request.url) == "http://up.test/v2/things"
    assert request.headers["x-api-key"] == "k"
    unknown: dict[str, Any] = {"no_such_option": 1}
    with pytest.raises(TypeError, match="no_such_option"):
        cls(**unknown)


def test_transports_send_through_their_librarys_own_by_default() -> None:
    """With its own settings."""
    assert isinstance(RetryTransport()._transport, httpx2.HTTPTransport)
    assert isinstance(AsyncRetryTransport()._transport, httpx2.AsyncHTTPTransport)


@pytest.mark.parametrize(
    ("sending", "retrying"),
    [
        (httpx2.HTTPTransport, RetryTransport),
        (httpx2.AsyncHTTPTransport, AsyncRetryTransport),
    ],
)
def test_a_transport_that_several_clients_share_is_watched_once(
    sending: Any, retrying: Any
) -> None:
    """A hundred short-lived clients over one pool do not make it slower."""
    shared = sending()
    retrying(shared)
    watching = shared._pool._network_backend
    retrying(shared)
    assert shared._pool._network_backend is watching

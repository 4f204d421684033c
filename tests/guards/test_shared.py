"""Limits that many processes share, on real servers: one count, and what if it cannot be had."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings

from adapters.asgi.apps import answers
from adapters.asgi.server import Answer, call, http_scope
from adapters.django.stacks import STACKS, lowering
from adapters.httpx.virtual_time import run
from guards.servers import Server
from guards.test_asgi import alone
from guards.test_django import project, whose
from guards.test_wsgi import alone as alone_wsgi
from guards.test_wsgi import answers as answers_wsgi
from guards.test_wsgi import ask as ask_wsgi
from kaiko_guards import RateLimit
from kaiko_guards._shared import SharedCounter
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCHEMES = {"pymemcache": "memcached", "memcachio": "memcached"}
KINDS = ["memcached", "redis", "valkey"]


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server of each kind, which can be stopped."""
    made = Server(request.param, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def url(server: Server) -> str:
    """The same by its URL."""
    return server.url


Told = tuple[int, dict[str, str]]


class Services:
    """Makes services whose requests are served on one event loop, and closes what they open."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.limits: list[RateLimit] = []

    def asgi(self, limits: list[RateLimit]) -> Callable[[], Told]:
        """Return how one request of an ASGI application is served."""
        self.limits += limits
        app = alone(answers(), limits)
        return lambda: _told(self.runner.run(call(app, http_scope())))

    def wsgi(self, limits: list[RateLimit]) -> Callable[[], Told]:
        """Return how one request of a WSGI application is served."""
        self.limits += limits
        app = alone_wsgi(answers_wsgi, limits)
        return lambda: ask_wsgi(app)[:2]

    def django_wsgi(self, limits: list[RateLimit]) -> Callable[[], Told]:
        """Return how one request of a Django project under WSGI is served."""
        self.limits += limits
        served = project(whose, *limits)
        return lambda: _told(STACKS[0].ask(served))

    def django_asgi(self, limits: list[RateLimit]) -> Callable[[], Told]:
        """Return how one request of a Django project under ASGI is served."""
        self.limits += limits
        served = project(whose, *limits)

        def serve() -> Told:
            with override_settings(**served.all_settings()):
                app = lowering(STACKS[2].make())
                return _told(self.runner.run(call(app, http_scope("/x"))))

        return serve

    def close(self) -> None:
        """Close all connections."""
        for limit in self.limits:
            if limit.shared is not None:
                self.runner.run(limit.shared.close(self.runner.get_loop()))
        self.runner.close()


def _told(answer: Answer) -> Told:
    return answer.status, {name.lower(): value for name, value in answer.headers}


@pytest.fixture
def services() -> Iterator[Services]:
    """Services that are closed."""
    made = Services()
    yield made
    made.close()


@pytest.fixture(params=["asgi", "wsgi", "django_wsgi", "django_asgi"])
def way(request: pytest.FixtureRequest, services: Services) -> Any:
    """Each kind of service."""
    return getattr(services, request.param)


def test_processes_share_one_count(way: Any, url: str) -> None:
    """Two that know nothing of each other."""

    def limits() -> list[Any]:
        return [RateLimit("3/hour", by=lambda _request: "all", storage=url, storage_timeout=5)]

    one, other = way(limits()), way(limits())
    told = [one(), other(), one(), other(), one()]
    assert [status for status, _ in told] == [200, 200, 200, 429, 429]
    assert [headers["x-ratelimit-remaining"] for _, headers in told] == ["2", "1", "0", "0", "0"]
    assert 1190 <= int(told[-1][1]["retry-after"]) <= 1200
    assert "retry-after" not in told[0][1]


def test_a_request_that_one_limit_refuses_is_counted_by_none(way: Any, url: str) -> None:
    """Several limits are one round trip, and all or nothing."""
    serve = way(
        [
            RateLimit("10/hour;5/day", by=lambda _request: "all", storage=url, storage_timeout=5),
            RateLimit("2/hour", by=lambda _request: "few", storage=url, storage_timeout=5),
        ]
    )
    assert [serve()[0] for _ in range(4)] == [200, 200, 429, 429]
    more = way(
        [RateLimit("10/hour;5/day", by=lambda _request: "all", storage=url, storage_timeout=5)]
    )
    assert more()[1]["x-ratelimit-remaining"] == "2"


def test_limits_that_differ_do_not_share(services: Services, url: str) -> None:
    """By their rates, whom they count for, paths and methods."""
    first = services.asgi([RateLimit("1/hour", by="address", storage=url, storage_timeout=5)])
    second = services.asgi(
        [RateLimit("1/hour", by="address", storage=url, storage_timeout=5, methods=("GET",))]
    )
    assert [first()[0], second()[0], first()[0]] == [200, 200, 429]


def test_requests_at_once_get_no_more_than_the_limit(services: Services, url: str) -> None:
    """Forty at a time over one loop's connections."""
    limit = RateLimit("10/hour", by="address", storage=url, storage_timeout=5)
    services.limits.append(limit)
    app = alone(answers(), [limit])

    async def main() -> list[Answer]:
        return await asyncio.gather(*(call(app, http_scope()) for _ in range(40)))

    told = services.runner.run(main())
    assert sorted(answer.status for answer in told) == [200] * 10 + [429] * 30


def test_connections_are_closed_with_the_lifespan(services: Services, url: str) -> None:
    """Once the application has ended its own."""
    limit = RateLimit("2/hour", by="address", storage=url, storage_timeout=5)
    app = alone(answers(), [limit])

    async def nothing() -> Any:
        return {}

    async def drop(_message: Any) -> None:
        pass

    async def main() -> list[int]:
        first = await call(app, http_scope())
        with suppress(KeyError):  # the application knows no lifespan
            await app({"type": "lifespan"}, nothing, drop)
        assert limit.shared is not None
        again = await call(app, http_scope())  # a lifespan that was none harms nothing
        await limit.shared.close(asyncio.get_running_loop())
        return [first.status, again.status]

    assert services.runner.run(main()) == [200, 200]


def test_on_another_loop_it_is_counted_all_the_same(services: Services, url: str) -> None:
    """By the synchronous client, since the other one is asyncio's."""
    limit = RateLimit("1/hour", by="address", storage=url, storage_timeout=5)
    services.limits.append(limit)
    app = alone(answers(), [limit])

    async def main() -> list[int]:
        return [(await call(app, http_scope())).status for _ in range(2)]

    assert run("trio", main) == [200, 429]


def test_a_server_that_is_gone_lets_requests_through(
    way: Any, server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one warning, and another when it is back."""
    caplog.set_level(logging.WARNING, "kaiko.guards")
    monkeypatch.setattr("kaiko_guards._shared._AGAIN", 0.0)
    url = server.url
    serve = way([RateLimit("3/hour", by=lambda _request: "all", storage=url, storage_timeout=5)])
    assert serve()[0] == 200
    server.stop()
    told = [serve() for _ in range(3)]
    assert [(status, "x-ratelimit-limit" in headers) for status, headers in told] == [
        (200, False)
    ] * 3
    server.start()
    assert serve()[1]["x-ratelimit-remaining"] == "2"
    said = [record.getMessage() for record in caplog.records if record.name == "kaiko.guards"]
    assert len(said) == 2
    assert said[0].startswith("the rate limits' storage fails, and requests are not limited: ")
    assert said[1] == "the rate limits' storage is back"


def test_a_closed_limit_refuses_what_it_cannot_count(way: Any, server: Server) -> None:
    """503, also while the server is not asked again."""
    url = server.url
    limit = RateLimit("3/hour", by="address", storage=url, on_storage_error="closed")
    serve = way([limit])
    server.stop()
    told = [serve() for _ in range(2)]
    assert [(status, headers["retry-after"]) for status, headers in told] == [(503, "1")] * 2


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_cluster_that_is_gone_at_the_start_lets_requests_through(scheme: str, way: Any) -> None:
    """Like one that goes later: the service starts without it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"{scheme}+cluster://127.0.0.1:{port}"
    serve = way([RateLimit("9/hour", by="address", storage=url, storage_timeout=5)])
    assert [serve()[0] for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_cluster_counts_each_limit_where_its_key_lies(
    scheme: str, way: Any, tmp_path: Path
) -> None:
    """A round trip each; every key is declared."""
    server = Server(scheme, tmp_path, "--cluster-enabled", "yes")
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"CLUSTER ADDSLOTSRANGE 0 16383\r\n")
            assert connection.recv(5) == b"+OK\r\n"
            state = b""
            while b"cluster_state:ok" not in state:
                connection.sendall(b"CLUSTER INFO\r\n")
                state = connection.recv(4096)
        url = f"{scheme}+cluster://127.0.0.1:{server.port}"
        serve = way(
            [
                RateLimit("9/hour", by=lambda _request: "all", storage=url, storage_timeout=5),
                RateLimit("2/hour", by=lambda _request: "few", storage=url, storage_timeout=5),
                RateLimit("1/hour", by=lambda _request: None, storage=url, storage_timeout=5),
            ]
        )
        told = [serve() for _ in range(3)]
        assert [status for status, _ in told] == [200, 200, 429]
        assert [headers["x-ratelimit-limit"] for _, headers in told] == ["2"] * 3
    finally:
        server.stop()


@pytest.mark.parametrize("scheme", KINDS)
def test_no_request_waits_longer_than_its_bound(scheme: str, way: Any) -> None:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        serve = way([RateLimit("1/hour", by="address", storage=url, storage_timeout=0.1)])
        began = time.monotonic()
        assert [serve()[0] for _ in range(20)] == [200] * 20
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"storage": "etcd://127.0.0.1"}, "storage"),
        ({"storage": "redis+odd://127.0.0.1"}, "storage"),
        ({"storage": None}, "storage"),
        ({"storage": "redis://127.0.0.1", "on_storage_error": "shut"}, "on_storage_error"),
        ({"storage": "redis://127.0.0.1", "storage_timeout": 0}, "storage_timeout"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], named: str) -> None:
    """When the limit is made."""
    with pytest.raises(ConfigError, match=f"^{named}: "):
        RateLimit("1/hour", **given)


@pytest.mark.parametrize("kind", ["redis", "valkey", "pymemcache", "memcachio"])
def test_a_client_that_is_missing_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the limit is made, not at the first request."""
    monkeypatch.setitem(sys.modules, kind, None)
    for part in ("retry", "client"):
        monkeypatch.setitem(sys.modules, f"{kind}.{part}", None)
    with pytest.raises(ConfigError, match=r"^storage: .* whose client is installed"):
        RateLimit("1/hour", storage=f"{SCHEMES.get(kind, kind)}://127.0.0.1:6379")


def test_no_message_shows_a_password() -> None:
    """The URL may hold one."""
    with pytest.raises(ConfigError) as caught:
        SharedCounter("etcd://user:secret@127.0.0.1")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)

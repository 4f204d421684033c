"""Several limits at once: a request that one of them refuses is counted by none."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from adapters.asgi.apps import answers
from adapters.asgi.server import ask
from adapters.django.stacks import STACKS as DJANGO
from guards.requests import request
from guards.servers import Server
from guards.test_asgi import STACKS, alone
from guards.test_django import project, whose
from guards.test_memory import Clock
from guards.test_wsgi import alone as alone_wsgi
from guards.test_wsgi import answers as answers_wsgi
from guards.test_wsgi import ask as ask_wsgi
from kaiko_guards import Deadline, RateLimit
from kaiko_guards._chain import Guards
from kaiko_guards._memory import MemoryCounter
from kaiko_guards._rates import parse_rates
from kaiko_middleware import RateLimitError, ServiceUnavailableError
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kaiko_guards._standing import Standing


@pytest.fixture(params=["redis", "memcached"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server of each kind."""
    made = Server(request.param, tmp_path)
    yield made
    with asyncio.Runner() as runner:
        for limit in SHARED:
            assert limit.shared is not None
            runner.run(limit.shared.close(runner.get_loop()))
    SHARED.clear()
    made.stop()


SHARED: list[RateLimit] = []
"""What has connections to close."""


def _at(server: Server, rates: str, **how: Any) -> RateLimit:
    """Return a limit by address that a server counts."""
    SHARED.append(RateLimit(rates, by="address", storage=server.url, **how))
    return SHARED[-1]


def _count(*limits: RateLimit) -> Standing | None:
    return Guards(limits).counting.count(request())


def _left(limit: RateLimit) -> int:
    """Return how many requests may follow after one more."""
    found = _count(limit)
    assert found is not None
    return found[1]


# --- all or nothing -------------------------------------------------------------------


def test_in_memory_none_counts_what_one_refuses() -> None:
    """Whichever of them refuses, and whatever a request costs."""
    wide = RateLimit("10/hour;100/day", by="address", cost=2)
    narrow = RateLimit("1/hour", by="address")
    other = RateLimit("10/hour", by="address")
    _count(wide, narrow, other)
    for _ in range(3):
        with pytest.raises(RateLimitError):
            _count(wide, narrow, other)
    assert (_left(wide), _left(other)) == (6, 8)


def test_the_longest_wait_is_told() -> None:
    """Who waits for it is let through by all of them."""
    short, long = RateLimit("1/minute", by="address"), RateLimit("1/hour", by="address")
    _count(short, long)
    with pytest.raises(RateLimitError) as caught:
        _count(short, long)
    assert caught.value.limit == 1
    assert caught.value.retry_after == pytest.approx(3600, abs=5)


def test_threads_get_no_more_than_the_limits() -> None:
    """And what is given back is there again."""
    wide, narrow = RateLimit("1000/day", by="address"), RateLimit("50/day", by="address")
    guards = Guards([wide, narrow])

    def once(_: int) -> bool:
        try:
            return guards.counting.count(request()) is not None
        except RateLimitError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(once, range(2000))) == 50
    assert _left(wide) == 949


def test_memory_comes_before_a_server(server: Server) -> None:
    """What memory refuses costs no round trip, and is counted nowhere."""
    here = RateLimit("2/hour", by="address")
    there = _at(server, "9/hour", storage_timeout=5)
    _count(here, there)
    _count(here, there)
    server.stop()  # nobody asks it
    with pytest.raises(RateLimitError):
        _count(here, there)


def test_what_a_server_refuses_memory_counts_no_more(server: Server) -> None:
    """And neither does another server."""
    here = RateLimit("9/hour", by="address")
    one = _at(server, "9/day", storage_timeout=5)
    other = _at(server, "1/hour", storage_timeout=6)
    _count(here, one, other)
    for _ in range(3):
        with pytest.raises(RateLimitError):
            _count(here, one, other)
    assert (_left(here), _left(one)) == (7, 7)


def test_without_blocking_what_was_counted_is_given_back(server: Server) -> None:
    """On an event loop, by its own client."""
    here = RateLimit("9/hour", by="address")
    one = _at(server, "9/day", storage_timeout=5)
    other = _at(server, "1/hour", storage_timeout=6)
    counting = Guards([here, one, other]).counting

    async def main() -> None:
        loop = asyncio.get_running_loop()
        await counting.count_async(request(), loop)
        for _ in range(3):
            with pytest.raises(RateLimitError):
                await counting.count_async(request(), loop)
        await counting.close(loop)

    asyncio.run(main())
    assert (_left(here), _left(one)) == (7, 7)


def test_what_is_forgotten_is_not_given_back() -> None:
    """Nothing is kept of it."""
    counter = MemoryCounter(parse_rates("rates", "2/hour"))
    counter.give_back("a", 1)
    assert counter.hit("a").remaining == 1


def test_what_nobody_can_count_memory_counts_no_more(server: Server) -> None:
    """A closed limit refuses it, and the client may try again."""
    here = RateLimit("9/hour", by="address")
    there = _at(server, "9/hour", on_storage_error="closed")
    server.stop()
    for _ in range(3):
        with pytest.raises(ServiceUnavailableError):
            _count(here, there)
    assert _left(here) == 8


# --- the draft's fields ---------------------------------------------------------------


def _limits() -> list[Any]:
    clock = Clock()
    return [
        RateLimit("2/minute", by="address", draft_fields=True, name="burst", clock=clock),
        RateLimit("100/hour;500/day", by="address", draft_fields=True, clock=clock),
        RateLimit("1000/hour", by="address", clock=clock),
    ]


POLICIES = '"burst";q=2;w=60, "address 100/hour";q=100;w=3600, "address 500/day";q=500;w=86400'
LEFT = [
    '"burst";r=1;t=30, "address 100/hour";r=99;t=36, "address 500/day";r=499;t=173',
    '"burst";r=0;t=30, "address 100/hour";r=98;t=36, "address 500/day";r=498;t=173',
    '"burst";r=0;t=30, "address 100/hour";r=97;t=36, "address 500/day";r=497;t=173',
]


def _check(told: list[tuple[int, dict[str, str]]]) -> None:
    assert [status for status, _ in told] == [200, 200, 429]
    assert [headers["x-ratelimit-limit"] for _, headers in told] == ["2"] * 3
    for number, (_, headers) in enumerate(told):
        assert headers["ratelimit-policy"] == POLICIES
        # How much a request that is refused would leave of the others is nobody's promise.
        assert headers["ratelimit"].split(", ")[:1] == LEFT[number].split(", ")[:1]
    assert [headers["ratelimit"] for _, headers in told[:2]] == LEFT[:2]
    assert told[2][1]["retry-after"] == "30"


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.__name__)
def test_an_answer_has_the_drafts_fields(stack: Any) -> None:
    """Of each limit that wants them, successes and refusals alike; the others' stay as they are."""
    app = stack(answers(), _limits())
    told = [ask(app) for _ in range(3)]
    _check([(one.status, {name.lower(): value for name, value in one.headers}) for one in told])


def test_a_wsgi_answer_has_them() -> None:
    """Alike."""
    app = alone_wsgi(answers_wsgi, _limits())
    _check([ask_wsgi(app)[:2] for _ in range(3)])


@pytest.mark.parametrize("stack", DJANGO, ids=lambda stack: stack.name)
def test_a_django_answer_has_them(stack: Any) -> None:
    """Alike."""
    served = project(whose, *_limits())
    told = [stack.ask(served) for _ in range(3)]
    _check([(one.status, {name.lower(): value for name, value in one.headers}) for one in told])


def test_a_late_answer_has_them() -> None:
    """Whoever answers."""

    async def app(*_args: object) -> None:
        await asyncio.sleep(60)

    answer = ask(alone(app, [Deadline(0.01), *_limits()]))
    assert (answer.status, answer.one("ratelimit")) == (503, LEFT[0])
    assert answer.one("x-ratelimit-limit") == "2"


def test_what_is_used_up_comes_back_one_by_one() -> None:
    """After an interval, in whole seconds."""
    app = alone(answers(), [RateLimit("2/second", by="address", draft_fields=True, cost=5)])
    assert ask(app).one("ratelimit") == '"address 2/second";r=0;t=1'
    told = ask(alone(answers(), [RateLimit("1/day", by="address", draft_fields=True)]))
    assert told.one("ratelimit") == '"address 1/day";r=0;t=86400'


def test_an_application_that_tells_its_own_policies_is_not_overruled() -> None:
    """But told the rest."""
    own = [(b"ratelimit", b'"own";r=7')]
    app = alone(answers(headers=own), [RateLimit("2/minute", by="address", draft_fields=True)])
    answer = ask(app)
    assert answer.all("ratelimit") == ['"own";r=7']
    assert answer.all("ratelimit-policy") == []
    assert answer.all("x-ratelimit-remaining") == ["1"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"rates": "5/2 minutes"}, ("key 5/2 minutes",)),
        ({"rates": "5/1 minute", "by": lambda _request: "a"}, ("limit 5/minute",)),
        ({"rates": "5/second", "by": _left}, ("_left 5/second",)),
        ({"rates": "5/second", "name": "search"}, ("search",)),
        ({"rates": "5/second;9/minute", "name": "x"}, ("x 5/second", "x 9/minute")),
    ],
)
def test_a_policy_has_a_name(given: dict[str, Any], names: tuple[str, ...]) -> None:
    """Its own, or what it counts by and its rate."""
    assert RateLimit(**given, draft_fields=True).policies == names
    assert RateLimit(**given).policies == ()


@pytest.mark.parametrize("name", ["", 'a"b', "é", "x" * 65, "a\n"])
def test_a_name_fits_a_structured_field(name: str) -> None:
    """Named when the limit is made."""
    with pytest.raises(ConfigError, match=r"^name: "):
        RateLimit("1/second", name=name, draft_fields=True)


def test_names_differ() -> None:
    """Or a client could not tell whose is left."""
    limits = [RateLimit("1/second", draft_fields=True, paths=(path,)) for path in ("/a", "/b")]
    with pytest.raises(ConfigError, match=r"^guards: .* give one a name"):
        Guards(limits)

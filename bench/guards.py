"""What the guards cost, and what other libraries that do the same cost.

The others are in the dependency group `bench`; a figure whose other side is not installed says so.

Why all four guards are not 1.3 times a Starlette application in process (`guards_four`): it answers
in the instructions of a few dozen dictionary look-ups, and what a key and a count take is the whole
allowance. Thousands of instructions, counted on CPython 3.13.0; the application alone takes 111:

====  ==================================  ======================================================
 2.1  a coroutine                         an empty pass-through has it as well
 6.2  a look at each of twelve fields     three guards look for one each
 4.7  the request, and its answer's state  two requests share none
 5.7  two sends, `try` and `finally`      what is raised is answered, and timers end
11.6  deadline: a context variable, a     `deadline()` tells views; others may cancel the task,
      clock, the task, one's place        too, and a caller may shorten the time
 3.5  size: the length of the body        a body that says it is too large is not read
 5.2  key: its form, and who needs one    junk costs no look-up, and public paths no key
 5.6  … its digest, and its look-up       a key that is stored as it is could be stolen
 5.4  … whose it is, what it permits      views are told
10.2  limit: for whom it counts, the hit  a clock, a lock, a dictionary, and the rule
 7.6  … the head with what is left        successes are told, too
====  ==================================  ======================================================

That is 1.6. With all of it in one function, and none of it left out, what C does is left: fields
5, digest and form 6, context variable 2, coroutine 2, lock, clocks and dictionaries 5, three
fields of text 5, the objects 5; 1.3 is reached before the first line of Python. Times are worse
than counts, since the guards touch more different code than the application, which the caches of a
busy machine forget. Tried, and left out: a timer for each request, a coroutine for each `send`,
a look through all header fields for each guard, a dictionary of all of them, SHA-256 for a key that
was found valid before, objects for the request and its headers beside the one that runs it.

A shared limit costs less than the client's call of the same script, instructions of our process on
CPython 3.13.0, in thousands. The client's method that keeps a connection is used, whose pool takes
10 to 30 % of each call; one timer bounds all waits of a loop, where `asyncio.timeout` takes 29.

=====================  ==========  ======  ==========  ======
client                 in threads    ours  on asyncio    ours
=====================  ==========  ======  ==========  ======
valkey-py 6.2.0               138     128         293     244
redis-py 8.1.0                205     157         348     266
=====================  ==========  ======  ==========  ======
"""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from time import thread_time
from typing import TYPE_CHECKING, Any, cast

from bench.asgi import REQUEST_HEADERS, drop, receive_nothing, scope_for
from bench.case import Case
from bench.figure import Figure, Goal
from bench.guard_rules import (
    bytes_per_key,
    hit,
    hit_of_limits,
    hit_time,
    key_entries,
    known_key,
    look_up,
    worst_hit,
)
from bench.measure import interleave, spread
from kaiko_guards import ApiKeys, BodyLimit, Deadline, HashedKeys, RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django.http import HttpRequest, HttpResponse

    from bench.measure import Effort, Run
    from kaiko_asgi import ASGIApp
    from kaiko_guards._chain import Guard

AMPLE = "100000000/minute"
"""A limit that no benchmark reaches."""


# --- all four on Starlette ------------------------------------------------------------

_ENTRIES, (_KEY,) = key_entries(1)
_HEADERS = [
    (name, _KEY.encode("ascii") if name == b"x-api-key" else value)
    for name, value in REQUEST_HEADERS
]


def _four() -> list[Guard]:
    return [
        Deadline(30),
        BodyLimit(1_000_000),
        ApiKeys(HashedKeys(_ENTRIES), public=("/health",)),
        RateLimit(AMPLE, by="key"),
    ]


def _one_limit() -> list[Guard]:
    return [RateLimit(AMPLE, by="address")]


def _starlette(guards: Sequence[Guard] | None) -> Any:
    from bench.starlette_site import service  # noqa: PLC0415 - slow under valgrind
    from kaiko_guards.asgi import GuardMiddleware  # noqa: PLC0415 - likewise

    app = service()
    if guards is not None:
        app.add_middleware(GuardMiddleware, guards=guards)
    return app


def _served(guards: Sequence[Guard] | None = None, app: ASGIApp | None = None) -> Run:
    """Return a service on asyncio: a deadline is one of its timers."""
    served = cast("ASGIApp", _starlette(guards)) if app is None else app  # it is one
    template = {**scope_for("/v2/success"), "headers": _HEADERS}
    loop = asyncio.new_event_loop()
    statuses: list[int] = []

    async def check(message: Any) -> None:
        statuses.append(message.get("status", 200))

    async def serve(times: int) -> None:
        for number in range(times):
            if number % 64 == 0:  # a server gets to its loop's timers, too
                await asyncio.sleep(0)
            await served({**template, "state": {}}, receive_nothing, drop)

    loop.run_until_complete(served({**template, "state": {}}, receive_nothing, check))
    if set(statuses) != {200}:
        raise RuntimeError(f"the service answers {statuses}")

    def run(times: int) -> None:
        loop.run_until_complete(serve(times))

    return run


def threads() -> Figure:
    """Return how many threads the guards start."""
    before = threading.active_count()
    run = _served(guards=_four())
    run(1)
    return Figure(
        key="guards_threads",
        title="… threads",
        goal=Goal(limit=0, unit="threads"),
        measured=spread([float(threading.active_count() - before)]),
    )


GUARD_CASES = (
    Case(
        "guards_hit",
        "rate limit in memory, a hit",
        Goal(limit=0.3, unit="× limits' moving window"),
        {"limits": hit_of_limits, "ours": hit},
        0,  # it is of time
    ),
    Case(
        "guards_keys",
        "key guard, 10,000 keys instead of 10",
        Goal(limit=1.02, timed=1.1, unit="× 10 keys"),
        {"ten": partial(look_up, 10), "ours": partial(look_up, 10_000)},
        256,
    ),
    Case(
        "guards_four",
        "all four guards, Starlette in process",
        Goal(limit=1.3, unit="× without"),
        {"bare": _served, "ours": lambda: _served(guards=_four())},
        256,
    ),
)


# --- others that do the same ----------------------------------------------------------


def added(
    key: str,
    title: str,
    peer: str,
    sides: Callable[[], dict[str, Run]],
    effort: Effort,
    *clock: Callable[[], float],
) -> Figure:
    """Return the time that ours adds to a bare application, over what another library adds.

    Arguments:
        key: the figure's name.
        title: what it says.
        peer: the other library's module.
        sides: makes `bare`, `theirs` and `ours`.
        effort: how often and how long.
        clock: what is read before and after; processor time when left out.

    """
    goal = Goal(limit=0.5, unit="× added")
    if find_spec(peer) is None:
        return Figure(key=key, title=title, goal=goal, note=f"{peer} is not installed")
    times = interleave(sides(), effort, *clock)
    rounds = zip(times["bare"], times["theirs"], times["ours"], strict=True)
    return Figure(
        key=key,
        title=title,
        goal=goal,
        measured=spread((ours - bare) / (theirs - bare) for bare, theirs, ours in rounds),
        sides={name: spread(values).median * 1e6 for name, values in times.items()},
    )


def slowapi_sides() -> dict[str, Run]:
    """Return a Starlette service with a limit by address, in memory, told on each answer."""
    slowapi: Any = import_module("slowapi")
    middleware: Any = import_module("slowapi.middleware")
    util: Any = import_module("slowapi.util")
    theirs = _starlette(None)
    theirs.state.limiter = slowapi.Limiter(
        key_func=util.get_remote_address, default_limits=[AMPLE], headers_enabled=True
    )
    theirs.add_middleware(middleware.SlowAPIASGIMiddleware)
    return {
        "bare": _served(),
        "theirs": _served(app=theirs),
        "ours": _served(guards=_one_limit()),
    }


def django_ratelimit_sides() -> dict[str, Run]:
    """Return a Django view on WSGI with a limit by address, in memory."""
    from django.conf import settings  # noqa: PLC0415 - slow under valgrind
    from django.urls import clear_url_caches, path  # noqa: PLC0415 - likewise

    from bench import django_site  # noqa: PLC0415 - likewise

    decorators: Any = import_module("django_ratelimit.decorators")
    limited = decorators.ratelimit(key="ip", rate=AMPLE.replace("minute", "m"))
    view: Callable[[HttpRequest], HttpResponse] = limited(django_site.success)
    django_site.urlpatterns += [path("v2/limited", view)]
    clear_url_caches()
    settings.KAIKO_GUARDS = {"guards": _one_limit()}
    return {
        "bare": django_site.wsgi("success", 200),
        "theirs": django_site.wsgi("limited", 200),
        "ours": django_site.wsgi("success", 200, ["kaiko_guards.django.GuardMiddleware"]),
    }


def guard_jobs(driven: Effort) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield each other figure's key with what measures it.

    Arguments:
        driven: how much is spent on what runs in this process.

    """
    yield "guards_hit_time", partial(hit_time, driven)
    yield "guards_hit_worst", worst_hit
    yield "guards_key_bytes", bytes_per_key
    yield "guards_threads", threads
    yield "guards_known_key", partial(known_key, driven)
    # By the thread's time: the other side has a thread that scans its keys.
    yield (
        "guards_slowapi",
        partial(
            added,
            "guards_slowapi",
            "a limit on Starlette, in memory, against slowapi",
            "slowapi",
            slowapi_sides,
            driven,
            thread_time,
        ),
    )
    yield (
        "guards_django_ratelimit",
        partial(
            added,
            "guards_django_ratelimit",
            "a limit on Django, in memory, against django-ratelimit",
            "django_ratelimit",
            django_ratelimit_sides,
            driven,
        ),
    )

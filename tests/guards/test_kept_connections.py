"""How long a task waits for a server, and what becomes of a connection that it leaves."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import ref

import pytest
from redis.exceptions import ConnectionError as NotFoundError

from guards.requests import request
from guards.servers import Server
from kaiko_guards import RateLimit
from kaiko_guards._chain import Guards
from kaiko_guards._limits import Count
from kaiko_guards._memcached import MemcachedStorage
from kaiko_guards._rates import parse_rates
from kaiko_guards._redis import RedisStorage
from kaiko_guards._settling import Settler
from kaiko_guards._shared import SharedCounter
from kaiko_guards._storages import Batch, Charge

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

_RATES = parse_rates("rates", "100/hour")
_CHARGES = [Charge("key", _RATES, (36.0,))]
_NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture(params=["redis", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server for each client."""
    server = Server(request.param, tmp_path)
    yield server
    server.stop()


def _count(key: str) -> list[Count]:
    return [Count(key, _RATES, 1)]


# --- a task's time --------------------------------------------------------------------


async def _asked(execute: Callable[..., Any], seconds: float = 0.01) -> Any:
    """Have `execute` answer a task in place of the server; return what the task was told."""
    storage: Any = RedisStorage(_NOWHERE, "redis", is_cluster=False, timeout=seconds)
    loop = asyncio.get_running_loop()
    client = SimpleNamespace(execute_command=execute)
    found = storage._on_loop(loop)
    found.connection.idle.append(client)
    try:
        return await storage.take_async(_CHARGES, loop)
    finally:
        assert found.connection.idle == [client]  # whatever happened
        assert not found.turn.locked()


def _cancelling() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


def test_a_wait_that_is_over_is_no_cancellation() -> None:
    """The task goes on, and is not seen as cancelled."""

    async def never(*_words: object) -> None:
        await asyncio.Event().wait()

    async def main() -> int:
        with pytest.raises(TimeoutError):
            await _asked(never)
        return _cancelling()

    assert asyncio.run(main()) == 0


@pytest.mark.parametrize("is_late", [False, True])
def test_a_request_that_is_cancelled_stays_cancelled(*, is_late: bool) -> None:
    """Also where its time is over in the same moment."""

    async def main() -> tuple[bool, int]:
        task = asyncio.current_task()
        assert task is not None

        async def cancelled(*_words: object) -> None:
            asyncio.get_running_loop().call_later(0.01 if is_late else 0, task.cancel)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if is_late:
                    with pytest.raises(asyncio.CancelledError):  # the other one
                        await asyncio.Event().wait()
                raise

        try:
            await _asked(cancelled, 0.02 if is_late else 60)
        except asyncio.CancelledError:
            return True, task.uncancel()
        return False, 0

    assert asyncio.run(main()) == (True, 0)


def test_what_fails_or_answers_at_the_last_moment_does_so() -> None:
    """And the task is not seen as cancelled."""

    async def failing(*_words: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionError from None

    async def answering(*_words: object) -> bytes:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
        return b"1.5"

    async def main() -> None:
        with pytest.raises(ConnectionError):
            await _asked(failing)
        assert _cancelling() == 0
        assert await _asked(answering) == [[1.5]]
        assert _cancelling() == 0

    asyncio.run(main())


def test_what_could_not_be_ended_is_not_begun() -> None:
    """Nothing ends a coroutine that no task runs."""

    async def main() -> None:
        storage = RedisStorage(_NOWHERE, "redis", is_cluster=False, timeout=1)
        waiting = storage.take_async(_CHARGES, asyncio.get_running_loop())
        failed: list[BaseException] = []

        def step() -> None:
            try:
                waiting.send(None)
            except RuntimeError as exc:
                failed.append(exc)

        asyncio.get_running_loop().call_soon(step)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(failed) == 1

    asyncio.run(main())


# --- a connection that was left -------------------------------------------------------


def _pause(server: Server, milliseconds: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PAUSE, str(server.port), str(milliseconds)],
        check=True,
        capture_output=True,
    ).stdout
    assert told == b"+OK\r\n"


_PAUSE = """
import socket, sys
asking = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
asking.sendall(b"CLIENT PAUSE %d ALL\\r\\n" % int(sys.argv[2]))
sys.stdout.buffer.write(asking.recv(100))
"""


@pytest.mark.parametrize("is_async", [False, True])
def test_no_request_is_told_what_was_said_to_another(server: Server, *, is_async: bool) -> None:
    """The connection of a request that gave up is closed: its answer may come yet."""
    counter = SharedCounter(server.url, timeout=0.3)
    told: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def hit(key: str) -> Any:
            return (
                await counter.hit_async(_count(key), loop) if is_async else counter.hit(_count(key))
            )

        for _ in range(5):
            (((verdict),),) = await hit("one")
            told.append(verdict.remaining)
        _pause(server, 600)
        assert await hit("one") == []
        counter._resting = False
        while not (answer := await hit("other")):
            counter._resting = False
        told.append(answer[0][0].remaining)
        await counter.close(loop)

    asyncio.run(main())
    assert told == [99, 98, 97, 96, 95, 99]


def test_an_interrupt_leaves_no_answer_behind(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal's handler may raise between question and answer, in a thread."""
    counter: Any = SharedCounter(server.url, timeout=5)
    counter.hit(_count("one"))
    kind = type(counter._storage._plain.client)

    def interrupted(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kind, "parse_response", interrupted)
        with pytest.raises(KeyboardInterrupt):
            counter.hit(_count("one"))
    (((verdict),),) = counter.hit(_count("other"))
    assert verdict.remaining == 99
    (((verdict),),) = counter.hit(_count("one"))
    assert verdict.remaining == 97
    counter._storage._plain.client.close()


_FORK = """
import os, sys
from kaiko_guards._limits import Count
from kaiko_guards._rates import parse_rates
from kaiko_guards._shared import SharedCounter
rates, counter = parse_rates("rates", "1000/hour"), SharedCounter(sys.argv[1], timeout=5)
assert counter.hit([Count("both", rates, 1)])
child = os.fork()
name, cost = ("parent", 1) if child else ("child", 2)
told = [counter.hit([Count(name, rates, cost)])[0][0].remaining for _ in range(200)]
assert told == [1000 - cost * number for number in range(1, 201)]
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("server", ["redis", "valkey", "memcached"], indirect=True)
def test_a_fork_has_connections_of_its_own(server: Server) -> None:
    """Two processes that ask on one connection read each other's answers."""
    subprocess.run([sys.executable, "-c", _FORK, server.url], check=True, timeout=60)


def test_a_child_has_connections_and_turns_of_its_own() -> None:
    """What its parent kept is the parent's, whose threads may be at it."""
    storage: Any = RedisStorage(_NOWHERE, "redis", is_cluster=False, timeout=0.01)
    while not storage._turns.empty():
        storage._turns.get()
    storage._here().idle.append("the parent's")
    with pytest.raises(TimeoutError):
        storage.take(_CHARGES)
    storage._process = 0
    with pytest.raises(NotFoundError):
        storage.take(_CHARGES)
    assert storage._here().idle == []


@pytest.mark.parametrize("ask", ["take", "settle"])
def test_a_child_takes_its_turns_at_a_key_of_memcached(ask: str) -> None:
    """A thread of its parent may have one, and is not there to give it back."""
    storage: Any = MemcachedStorage("memcached://127.0.0.1:1", timeout=0.01)
    for lock in (*storage._locks, storage._nodes[0]._turn):
        while lock.acquire(blocking=False):
            pass
    given = {"take": _CHARGES, "settle": Batch(_CHARGES, "writer", 1)}[ask]
    with pytest.raises(TimeoutError):
        getattr(storage, ask)(given)
    storage._process = 0
    with pytest.raises(ConnectionRefusedError):
        getattr(storage, ask)(given)


# --- an event loop that is over -------------------------------------------------------


def _kept_of_three(use: Callable[..., Coroutine[Any, Any, object]]) -> list[bool]:
    """Tell which of three event loops are kept once `use` has run in each, told whether it ends."""
    loops: list[ref[object]] = []

    async def main(*, ends: bool) -> None:
        loops.append(ref(asyncio.get_running_loop()))
        await use(asyncio.get_running_loop(), ends=ends)

    for number in range(3):
        asyncio.run(main(ends=number == 2))
    gc.collect()
    return [loop() is not None for loop in loops]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # nobody closed them
@pytest.mark.parametrize("server", ["redis", "valkey", "memcached"], indirect=True)
def test_the_connections_of_a_loop_go_after_it(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a word: test clients and `asyncio.run` make one loop after another."""
    counter = SharedCounter(server.url, timeout=5)

    async def hit(loop: object, *, ends: bool) -> None:
        assert await counter.hit_async(_count("key"), loop)
        if ends:
            await counter.close(loop)

    assert _kept_of_three(hit) == [False, False, False]
    assert not caplog.records


_LEFT = """
import asyncio, sys
from kaiko_guards._limits import Count
from kaiko_guards._rates import parse_rates
from kaiko_guards._shared import SharedCounter
counter = SharedCounter(sys.argv[1], timeout=5)
async def main():
    counts = [Count("key", parse_rates("rates", "100/hour"), 1)]
    assert await counter.hit_async(counts, asyncio.get_running_loop())
asyncio.run(main())
"""


@pytest.mark.parametrize("server", ["redis", "valkey", "memcached"], indirect=True)
def test_a_process_ends_without_a_word(server: Server) -> None:
    """Where nobody closed what the loop had."""
    ended = subprocess.run(
        [sys.executable, "-c", _LEFT, server.url], check=True, timeout=60, capture_output=True
    )
    assert ended.stderr == b""


def test_the_timer_of_a_loop_goes_after_it() -> None:
    """Though it never came to what it was set for."""
    settler = Settler(SharedCounter(_NOWHERE, settle_every=60), 60)

    async def wait(loop: asyncio.AbstractEventLoop, *, ends: bool) -> None:
        settler.settle_soon(loop)
        if ends:
            await settler.close(loop)

    assert _kept_of_three(wait) == [False, False, False]


@pytest.mark.parametrize(
    "how", [{"by": lambda _request: None}, {"by": "address", "paths": ["/other"]}]
)
def test_no_server_is_asked_where_nothing_is_counted(
    how: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """By the one limit that there is."""
    counting = Guards([RateLimit("1/hour", storage=_NOWHERE, **how)]).counting

    async def main() -> object:
        return await counting.count_async(request(), asyncio.get_running_loop())

    assert counting.count(request()) is None
    assert asyncio.run(main()) is None
    assert not caplog.records


def test_a_sentinel_is_asked_each_time_where_its_server_is() -> None:
    """So no connection is kept out of its pool."""
    storage: Any = RedisStorage(
        "redis+sentinel://127.0.0.1:1/primary", "redis", is_cluster=False, timeout=1
    )
    client, _, _, idle = storage._here()
    assert storage._idle_one(client, idle) is client
    with pytest.raises(NotFoundError):
        storage.take(_CHARGES)


def test_a_sentinel_that_says_nothing_is_waited_for_no_longer_than_a_server() -> None:
    """Its clients are the library's own, with time limits and retries of their own."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"redis+sentinel://127.0.0.1:{port}/primary"
        storage: Any = RedisStorage(url, "redis", is_cluster=False, timeout=0.01)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(storage.take, _CHARGES)
            try:
                assert isinstance(asked.exception(20), NotFoundError)
            finally:
                silent.close()

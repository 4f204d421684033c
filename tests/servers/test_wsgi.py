"""WSGI servers: what docs/servers.md says of each, by experiment, and whose id is where."""

from __future__ import annotations

import http.client
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from adapters.asgi.loopback import connected, fetch, run
from conformance.driver import Result, path_of
from conformance.driver import run as in_process
from conformance.drivers import bare_wsgi, flask_stack
from conformance.scenarios import SCENARIOS
from kaiko_middleware.conformance import check_answer
from servers.asking import on_servers
from servers.test_refusals import said, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adapters.asgi.server import Answer
    from servers.running import Running

on_wsgi = on_servers(lambda row: not row.is_asgi)
IN_PROCESS = {"wsgi": bare_wsgi.DRIVERS[0], "flask": flask_stack.DRIVERS[0]}
_MEGABYTE = b"x" * 1_000_000


def _raw(port: int, text: str, body: bytes = b"") -> bytes:
    """Send a request, and return all that comes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode() + body)
        seen = b""
        while part := connection.recv(65_536):
            seen += part
    return seen


def _next_request(port: int) -> str:
    async def ask() -> tuple[Answer, Answer]:
        async with connected(port) as client:
            client.write("/s/typed-404")
            first = await client.read()
            client.write("/s/ok")
            return first, await client.read()

    first, second = run(ask())
    assert first.whole
    return "served" if second.status else "closed"


def _pipelined(port: int) -> str:
    async def ask() -> list[int]:
        async with connected(port) as client:
            for path in ("/s/typed-404", "/s/ok", "/s/plain-text"):
                client.write(path)
            return [(await client.read()).status for _ in range(3)]

    # A server that closes the connection with requests unread may take its first answer along.
    return "served" if run(ask()) == [404, 200, 409] else "closed"


def _chunked(port: int) -> str:
    seen = run(fetch(port, "/length", method="POST", body=[b"abc", b"de"]))
    return "read" if seen.body == b"5" else "not read"  # and the answer may be lost


def _continue(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(
            b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        connection.settimeout(0.2)  # a client waits, and sends its body all the same
        try:
            told = "sent" if connection.recv(12) == b"HTTP/1.1 100" else "other"
        except TimeoutError:
            told = "never sent"
        connection.settimeout(30)
        connection.sendall(b"{}")
        seen = b""
        while part := connection.recv(65_536):
            seen += part
    assert seen.endswith(b"\r\n\r\n2")
    return told


def _http_1_0(port: int) -> str:
    seen = _raw(port, "GET /s/typed-404 HTTP/1.0\n\n")
    assert seen.partition(b" ")[2].startswith(b"404")
    seen = _raw(port, "GET /s/text-fails HTTP/1.0\n\n")
    return "ends as if whole" if seen.endswith(b"\r\n\r\na") else "cut"


def _cut(path: str) -> Callable[[int], str]:
    def ask(port: int) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except (http.client.IncompleteRead, ConnectionError):
            return "cut"
        finally:
            connection.close()
        return "ends as if whole"

    return ask


# By the names that the page gives them.
EXPERIMENTS: dict[str, Callable[[int], str]] = {
    "The next request of a connection": _next_request,
    "Requests that do not wait for answers": _pipelined,
    "A chunked body": _chunked,
    "`100 Continue`": _continue,
    "A stream that fails": _cut("/late"),
    "A stream of a known length that fails": _cut("/short"),
    "A stream that fails, over HTTP/1.0": _http_1_0,
}


@on_wsgi
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_behaviour(server: Running, name: str) -> None:
    """The server does what the page says, and no request sees the id of another."""
    assert EXPERIMENTS[name](server.port) in said("Behaviour", name, server.server).split(" or ")
    assert run(fetch(server.port, "/before")).body == b""


def test_the_page_tells_all() -> None:
    """Each experiment is on the page, and no other."""
    assert {row for row, _ in table("WSGI behaviour")} == EXPERIMENTS.keys()


@on_wsgi
@pytest.mark.parametrize("app", IN_PROCESS)
def test_scenarios(server: Running, app: str) -> None:
    """Each scenario is answered as in process, however many one connection has had before."""

    async def ask() -> list[str]:
        others: list[str] = []
        scenarios = [each for each in SCENARIOS if not each.cut]
        while scenarios:
            async with connected(server.port) as client:
                while scenarios:
                    scenario = scenarios[0]
                    client.write(
                        path_of(scenario),
                        method=scenario.method,
                        headers=[("X-Served", app), *scenario.request_headers],
                        body=[scenario.body],
                    )
                    answer = await client.read(scenario.method)
                    if not answer.status:
                        break  # after an answer, servers may close a connection
                    del scenarios[0]
                    ids.append(answer.id)
                    seen = Result(
                        answer.status, tuple(answer.headers), answer.body, cut=not answer.whole
                    )
                    wanted = in_process(IN_PROCESS[app], scenario)
                    if seen.comparable(scenario) != wanted.comparable(scenario):
                        others.append(scenario.name)
        return others

    ids: list[str] = []
    assert run(ask()) == []
    assert len(set(ids)) == len(ids)


@on_wsgi
def test_large_bodies(server: Running) -> None:
    """A body of megabytes is read whole, an answer of as many is whole, with one id."""
    seen = run(fetch(server.port, "/length", method="POST", body=[_MEGABYTE * 3]))
    assert (seen.status, seen.body) == (200, b"3000000")
    large = run(fetch(server.port, "/large"))
    assert (large.whole, len(large.body)) == (True, 6_553_600)
    assert len({seen.id, large.id}) == 2


@on_wsgi
def test_a_body_that_is_not_read(server: Running) -> None:
    """The error is answered all the same."""
    seen = run(fetch(server.port, "/unread", method="POST", body=[_MEGABYTE]))
    assert check_answer(seen.status, seen.headers, seen.body) == []
    assert seen.status == 404


@on_servers(lambda row: not row.is_asgi and row.threads)
def test_two_requests_at_once(server: Running) -> None:
    """Each has an id of its own from its first chunk to its last, in threads and in greenlets."""
    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(lambda _: run(fetch(server.port, "/ids")), range(2)))
    assert [answer.body.split() for answer in seen] == [[answer.id.encode()] * 3 for answer in seen]
    assert seen[0].id != seen[1].id


@on_wsgi
def test_a_body_that_is_nearly_bytes(server: Running) -> None:
    """It goes out, though half of the servers would send a head and nothing behind it."""
    assert run(fetch(server.port, "/nearly-bytes")).body == b"hello"


def _lines(log: Path, text: str) -> list[str]:
    """Return the lines of a log that show an exception.

    But not those above what the collector says of a connection before it: cheroot leaves a writer
    to it, which then writes to a socket that is closed.
    """
    shown = log.read_text("utf-8", "replace")
    above = re.compile(r"^.*\n(?=\nDuring handling of the above exception)", re.MULTILINE)
    return [line for line in above.sub("", shown).splitlines() if text in line]


@on_wsgi
@pytest.mark.parametrize(("path", "text"), [("/bug", "bug"), ("/late", "late")])
def test_the_log_is_as_without_us(server: Running, path: str, text: str) -> None:
    """The server logs an exception that is handed on as it logs one of the bare application."""
    for app in ("bare", "wsgi", "bare"):
        mark = f"{path[1:]}-{app}"
        with_app = f"GET {path}?{mark} HTTP/1.1\nHost: a\nConnection: close\nX-Served: {app}\n\n"
        try:
            _raw(server.port, with_app)
        except ConnectionError:
            pass
    told = {app: f"{text} {path[1:]}-{app}" for app in ("bare", "wsgi")}
    bare: list[str] = []
    ours: list[str] = []
    for _ in range(1_000):  # the log is written when the answer is out, by several threads
        bare, ours = (_lines(server.log, told[app]) for app in ("bare", "wsgi"))
        if ours and len(bare) == 2 * len(ours):
            break
        run(fetch(server.port, "/left"))
    assert [*ours, *ours] == [re.sub("bare", "wsgi", line) for line in bare]

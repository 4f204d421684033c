"""Servers that take their time, over real sockets; the time is a clock that they move.

A server moves it and then says a little, so that what the client does next is late: it waits
no longer than the call has left, which is nothing.
"""

from __future__ import annotations

import select
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from adapters.httpx.faulty import Connection, answers, says, serving
from adapters.httpx.over_sockets import TRUSTING, Over
from adapters.httpx.ways import WAYS, Way, every_way, our_clients
from kaiko_middleware import ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path
    from typing import Any

    from adapters.httpx.faulty import Behaviour

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n"
SOON = 0.02  # seconds of real time, of an operation that gets no answer
transports = pytest.mark.parametrize("way", [way for way in WAYS if not way.ours], ids=str)


def read_soon(way: Way) -> Any:
    """Return the timeouts of a client that connects whatever that takes, and then waits `SOON`."""
    return way.library.Timeout(30.0, read=SOON)


def late(went: Over, *parts: bytes, then: Behaviour = Connection.hang) -> Behaviour:
    """Answer in parts, with 40 s before each but the first."""

    def behave(connection: Connection) -> None:
        connection.request()
        connection.send(parts[0])
        for part in parts[1:]:
            went.clock.sleep(40.0)
            connection.send(part)
        then(connection)

    return behave


@every_way
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_head_that_comes_too_slowly_ends_the_call(way: Way, method: str) -> None:
    """Though each of its lines came in time; there is no time for another attempt."""
    went = Over(way)
    with serving(late(went, b"HTTP/1.1 200 OK\r\n", b"Server: slow\r\n"), answers()) as server:
        went.call(f"http://127.0.0.1:{server.port}/", method)
    assert (went.outcomes, went.open) == (["ReadTimeout"], 0)
    assert went.reasons == ["deadline" if method == "GET" else "not_idempotent"]
    assert len(server.requests) == 1


@every_way
def test_encrypted_connections_are_watched_as_well(way: Way) -> None:
    """A handshake makes another stream of a connection."""
    went = Over(way, verify=TRUSTING)
    slow = late(went, b"HTTP/1.1 200 OK\r\n", b"Server: slow\r\n")

    def behave(connection: Connection) -> None:
        connection.encrypt()
        slow(connection)

    with serving(behave) as server:
        went.call(f"https://127.0.0.1:{server.port}/", "POST")
    assert (went.outcomes, went.open) == (["ReadTimeout"], 0)


@our_clients
def test_a_body_that_comes_too_slowly_ends_our_clients_call(way: Way) -> None:
    """And its connection, with a typed error."""
    went = Over(way)
    with serving(late(went, HEAD + b"\r\nhalf", b"of")) as server:
        went.call(f"http://127.0.0.1:{server.port}/", "GET", raise_errors=True)
    assert type(went.error) is ServiceUnavailableError
    assert went.failures == []
    assert (went.open, len(server.requests)) == (0, 1)


@transports
def test_a_body_may_come_slowly_where_it_may_be_a_stream(way: Way) -> None:
    """A transport cannot know: the client's own timeouts count."""
    went = Over(way)
    with serving(late(went, HEAD + b"\r\nhalf", b"of", b"it", then=Connection.end)) as server:
        went.call(f"http://127.0.0.1:{server.port}/", "GET", timeout=60.0)
    assert (went.outcomes, went.open) == ([200], 0)


@every_way
def test_a_stream_may_come_slowly(way: Way) -> None:
    """The deadline is for calls that do not stream."""
    went = Over(way)
    with serving(late(went, HEAD + b"\r\nhalf", b"of", b"it", then=Connection.end)) as server:
        went.call(f"http://127.0.0.1:{server.port}/", "GET", stream=True)
    assert (went.outcomes, went.open) == ([200], 0)


@every_way
def test_an_errors_body_that_comes_too_slowly_is_not_waited_for(way: Way) -> None:
    """The call is over, and no other attempt is made."""
    went = Over(way)
    error = b"HTTP/1.1 503 X\r\nContent-Length: 9\r\n\r\n"
    with serving(late(went, error, b"half"), answers()) as server:
        went.call(f"http://127.0.0.1:{server.port}/", "GET", timeout=read_soon(way))
    assert went.outcomes == ["ReadTimeout"]
    assert went.reasons == ["deadline"]
    assert (went.open, len(server.requests)) == (0, 1)


@every_way
def test_a_server_that_is_silent_ends_the_operation(way: Way) -> None:
    """By the client's own timeout; what was not idempotent is not sent again."""
    with serving(says(b"", then=Connection.hang), answers()) as server:
        url = f"http://127.0.0.1:{server.port}/"
        went = Over(way).call(url, "POST", timeout=read_soon(way))
        again = Over(way).call(url, "PUT", timeout=10.0)
    assert (went.outcomes, went.reasons, went.open) == (["ReadTimeout"], ["not_idempotent"], 0)
    assert (again.outcomes, again.open) == ([200], 0)


# httpx drops its own generator unread, of which trio warns.
@pytest.mark.filterwarnings("ignore:Async generator 'httpx._content:ResourceWarning")
@every_way
def test_a_server_that_reads_too_slowly_ends_the_call(way: Way) -> None:
    """Whatever part of the request it is sending."""
    went = Over(way)
    done = threading.Event()
    big = b"x" * 16_000_000  # more than the sockets hold

    def parts() -> Iterator[bytes]:
        yield b"start"
        went.clock.sleep(40.0)
        yield big

    async def async_parts() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    def reads_no_more(connection: Connection) -> None:
        connection.receive()
        done.wait()
        connection.hang()

    content: Any = parts() if way.manner == "sync" else async_parts()
    with serving(reads_no_more) as server:
        try:
            went.call(f"http://127.0.0.1:{server.port}/", "POST", content=content)
        finally:
            done.set()
    assert (went.outcomes, went.open) == (["WriteTimeout"], 0)
    assert went.reasons == ["not_idempotent"]


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port that takes no more connections, and refuses none."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting: list[socket.socket] = []
        connected = True
        while connected:
            sock = socket.socket()
            waiting.append(sock)
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            connected = bool(select.select([], [sock], [], SOON)[1])
        yield listener.getsockname()[1]
        for sock in waiting:
            sock.close()


@every_way
def test_a_connection_that_is_not_made_in_time_is_tried_again(way: Way, full_port: int) -> None:
    """Nothing was sent."""
    went = Over(way).call(f"http://127.0.0.1:{full_port}/", "POST", timeout=SOON)
    assert (went.outcomes, went.open) == (["ConnectTimeout"], 0)
    assert went.reasons == ["retrying", "retrying", "attempts"]


@every_way
def test_sockets_in_the_file_system_are_watched_as_well(way: Way, tmp_path: Path) -> None:
    """Sidecars are called so."""
    path = tmp_path / "s"
    went = Over(way, uds=str(path))
    slow = late(went, b"HTTP/1.1 200 OK\r\n", b"Server: slow\r\n")
    with serving(answers(), slow, path=path):
        went.call("http://sidecar/", "GET", headers={"Connection": "close"})
        went.call("http://sidecar/", "GET")
    assert (went.outcomes, went.open) == ([200, "ReadTimeout"], 0)


@pytest.mark.parametrize("way", [way for way in WAYS if way.manner != "sync"], ids=str)
@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"\r\nhalf"], ids=["none", "head", "body"])
def test_a_cancelled_call_leaves_no_connection(way: Way, said: bytes) -> None:
    """It could not be used any more."""
    asked = threading.Event()

    def behave(connection: Connection) -> None:
        asked.set()
        connection.hang()

    with serving(says(said, then=behave)) as server:
        went = Over(way, cancelled_after=asked.wait)
        went.call(f"http://127.0.0.1:{server.port}/", "GET")
    assert (went.outcomes, went.open) == (["cancelled"], 0)

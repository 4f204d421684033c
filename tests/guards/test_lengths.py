"""Lengths that lie, on real servers: nothing that is longer than the limit is ever read."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from guards.served import LIMIT
from servers.running import Running, running
from servers.server_list import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

_UVICORN = ("uvicorn", "--fd={fd}", "--loop=asyncio", "--log-level=critical")
_ASGI, _WSGI = "guards.served:application", "guards.served:wsgi_application"
SERVERS = (
    Server("uvicorn-h11", (*_UVICORN, "--http=h11", _ASGI)),
    Server("uvicorn-httptools", (*_UVICORN, "--http=httptools", _ASGI)),
    # It keeps a connection for five seconds that its client has ended its side of.
    Server("hypercorn", ("hypercorn", "--bind=fd://{fd}", "--workers=0", "--keep-alive=1", _ASGI)),
    Server("gunicorn", ("gunicorn", "--bind=fd://{fd}", "--graceful-timeout=1", _WSGI)),
    Server("gunicorn-gthread", ("gunicorn", "--bind=fd://{fd}", "--threads=2", _WSGI)),
)


@pytest.fixture(params=SERVERS, ids=lambda server: server.name, scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Each server."""
    with running(request.param, tmp_path_factory.mktemp("log") / "log") as served:
        yield served


def _send(port: int, *fields: str, body: bytes) -> list[str]:
    """Send a request and then nothing more; return the statuses of all that is answered."""
    head = "\r\n".join(["POST / HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""])
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        answer = b""
        try:
            connection.sendall(head.encode() + body)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except OSError:  # with octets left that nobody reads
            pass
    return [
        line.split(" ")[1]
        for line in answer.decode("latin-1").split("\r\n")
        if line.startswith("HTTP/1.1 ")
    ]


def _read(port: int) -> list[str]:
    """Return the lengths of the bodies that the application has read to their end."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return [each for each in answer.partition(b"\r\n\r\n")[2].decode().split(",") if each]


def _check(port: int) -> None:
    """Nothing that is too long has been read."""
    assert [each for each in _read(port) if each != "left" and int(each) > LIMIT] == []


def test_an_honest_length_is_taken(server: Running) -> None:
    """To the last octet, and chunks alike."""
    assert _send(server.port, "Content-Length: 10", body=b"x" * 10) == ["200"]
    chunks = b"a\r\n" + b"x" * 10 + b"\r\n0\r\n\r\n"
    assert _send(server.port, "Transfer-Encoding: chunked", body=chunks) == ["200"]
    assert _read(server.port)[-2:] == ["10", "10"]


def test_a_length_that_is_too_short_hides_nothing(server: Running) -> None:
    """What comes after it is another request, and is none."""
    statuses = _send(server.port, "Content-Length: 4", body=b"x" * 100_000)
    assert statuses in (["200"], ["200", "400"], ["400"], [])
    _check(server.port)


def test_a_length_that_is_too_long_is_never_a_whole_body(server: Running) -> None:
    """Where it is allowed at all: a client that sends less has left."""
    assert _send(server.port, "Content-Length: 9", body=b"x" * 3) in ([], ["400"], ["200"])
    assert _send(server.port, "Content-Length: 99", body=b"x" * 3) == ["413"]
    assert _send(server.port, f"Content-Length: {'9' * 30}", body=b"x")[-1:] in (
        ["413"],
        ["400"],
        [],
    )
    _check(server.port)


@pytest.mark.parametrize("length", ["4", "10"])
@pytest.mark.parametrize("reverse", [False, True])
def test_two_frames_are_refused_or_counted(server: Running, length: str, *, reverse: bool) -> None:
    """A length that is allowed, and chunks that are not."""
    fields = [f"Content-Length: {length}", "Transfer-Encoding: chunked"]
    if reverse:
        fields.reverse()
    chunks = b"40\r\n" + b"x" * 64 + b"\r\n0\r\n\r\n"
    statuses = _send(server.port, *fields, body=chunks)
    assert statuses[:1] in (["400"], ["413"], [])
    _check(server.port)


@pytest.mark.parametrize("fields", [("4", "10"), ("4, 10",), ("-1",), ("0x4",), ("4 4",)])
def test_lengths_that_disagree_are_refused(server: Running, fields: tuple[str, ...]) -> None:
    """By the server, or by us."""
    statuses = _send(server.port, *[f"Content-Length: {field}" for field in fields], body=b"x" * 64)
    assert statuses[:1] in ([], ["400"], ["413"])
    _check(server.port)

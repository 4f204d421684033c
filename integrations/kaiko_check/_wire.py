"""Requests that are written to a socket as they are: what an HTTP client would hide or refuse.

Pipelined requests are one write. A request that is sent alone says `Connection: close`, and all
that comes until the end is read, so that a body after an answer to HEAD is seen.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from ._exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._exchange import Limits, Request

__all__ = ["Address", "send_alone", "send_pipelined"]

_HEAD_LIMIT = 64 * 1024


class Address(NamedTuple):
    """Where a service is.

    Arguments:
        host: its name or number.
        port: its port.
        netloc: both, as the user wrote them, for `Host`.
        prefix: what is put before every target.
        tls: whether it takes HTTPS.

    """

    host: str
    port: int
    netloc: str
    prefix: str
    tls: bool


def send_pipelined(address: Address, requests: Sequence[Request], limits: Limits) -> list[Answer]:
    """Send requests without bodies in one write, and return the answers until the peer closes."""
    answers: list[Answer] = []
    try:
        with _connect(address, limits) as peer, peer.makefile("rb") as reader:
            peer.sendall(b"".join(_head(address, request) for request in requests))
            shared = _Source(reader)
            for request in requests:
                answer = _next_answer(shared, request.method, limits)
                answers.append(answer)
    except (OSError, http.client.HTTPException):
        pass  # it may close the connection after any answer
    return answers


def send_alone(address: Address, request: Request, limits: Limits) -> Answer:
    """Send HEAD on a new connection, and return all that comes after the head as the body."""
    deadline = time.monotonic() + limits.seconds
    received = bytearray()
    try:
        with _connect(address, limits) as peer:
            peer.sendall(_head(address, request.adding(("Connection", "close"))))
            while len(received) < limits.body + _HEAD_LIMIT and time.monotonic() < deadline:
                chunk = peer.recv(65_536)
                if not chunk:
                    break
                received += chunk
    except TimeoutError:
        pass  # it did not close; what came is all
    except OSError as exc:
        if not received:
            return Answer(0, note=f"{type(exc).__name__}: {exc}"[:200])
    try:
        reader = io.BytesIO(received)
        head = _next_answer(_Source(reader), request.method, limits)
    except (http.client.HTTPException, ValueError):
        return Answer(0, note="no answer in time" if not received else "the answer is no HTTP")
    return replace(head, body=reader.read())


def _connect(address: Address, limits: Limits) -> socket.socket:
    plain = socket.create_connection((address.host, address.port), limits.seconds)
    if not address.tls:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=address.host)
    except OSError:
        plain.close()
        raise


def _head(address: Address, request: Request) -> bytes:
    lines = [f"{request.method} {address.prefix}{request.target} HTTP/1.1"]
    lines.append(f"Host: {address.netloc}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _next_answer(source: _Source, method: str, limits: Limits) -> Answer:
    plug = cast("socket.socket", source)  # only its makefile is called
    with http.client.HTTPResponse(plug, method=method) as response:
        response.begin()
        body = response.read(limits.body) if method != "HEAD" else b""
        return Answer(response.status, tuple(response.getheaders()), body)


class _Source:
    """What `http.client` takes for a socket: one reader for several answers."""

    def __init__(self, reader: io.BufferedIOBase) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> _Unclosed:
        return _Unclosed(self._reader)


class _Unclosed:
    def __init__(self, reader: io.BufferedIOBase) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)

    def close(self) -> None:
        """Leave it open."""

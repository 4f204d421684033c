"""Raw HTTP: a request is sent as written, an answer is returned as bytes.

This uses `http.client` and no library on top of it, to compare exactly what was sent: nothing is
decoded, merged or retried, and an answer that is cut off is reported as cut off.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaiko_demo import Request

__all__ = ["Received", "last_event", "last_line", "send"]


@dataclass(frozen=True, slots=True)
class Received:
    """An answer, or the part of it that arrived.

    Arguments:
        status: its status; 0 if there was no answer.
        headers: its headers in order, repeated ones too.
        body: its body, without the transfer coding.
        broken: what was wrong with the connection, or None.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    broken: str | None = None

    def values(self, name: str) -> list[str]:
        """Return every value of the header `name`."""
        return [value for other, value in self.headers if other.lower() == name.lower()]


def send(port: int, request: Request, *, timeout: float = 30.0) -> Received:
    """Send a request on a new connection.

    Arguments:
        port: the port on the loopback interface.
        request: the request.
        timeout: seconds to wait for each piece of the answer.

    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        headers = tuple(response.getheaders())
        try:
            return Received(response.status, headers, response.read())
        except http.client.IncompleteRead as exc:
            return Received(response.status, headers, exc.partial, "the answer was cut off")
    except (OSError, http.client.HTTPException) as exc:
        return Received(0, (), b"", f"no answer: {exc!r}")
    finally:
        connection.close()


def last_event(body: bytes) -> bytes:
    """Return the data of the last server-sent event in `body`."""
    last = body.replace(b"\r\n", b"\n").rstrip(b"\n").rpartition(b"\n\n")[2]
    lines = (line.partition(b":") for line in last.split(b"\n"))
    return b"\n".join(value.removeprefix(b" ") for name, _, value in lines if name == b"data")


def last_line(body: bytes) -> bytes:
    """Return the last line of `body`."""
    return body.rstrip(b"\n").rpartition(b"\n")[2]

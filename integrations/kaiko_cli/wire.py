"""HTTP as it travels: a request goes out as written, an answer comes back as bytes.

`http.client` and not a library on top of it, since what is compared is what was sent:
nothing is decoded, merged or retried, and an answer that is cut off is reported as cut off.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaiko_demo import Request

__all__ = ["Received", "last_event", "send"]


@dataclass(frozen=True, slots=True)
class Received:
    """An answer, or what there was of it.

    Arguments:
        status: its status; 0 where there was no answer.
        headers: its headers, repeated ones too, as they came.
        body: its body, without the transfer coding.
        broken: what was wrong with the connection; None where nothing was.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    broken: str | None = None

    def values(self, name: str) -> list[str]:
        """Every value of the header `name`."""
        return [value for other, value in self.headers if other.lower() == name.lower()]


def send(port: int, request: Request, *, timeout: float = 30.0) -> Received:
    """Send a request on a connection of its own.

    Arguments:
        port: where to, on the loopback interface.
        request: what.
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

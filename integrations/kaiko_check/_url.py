"""A service at an address: requests over HTTP/1.1, to that host and port and nowhere else.

No redirect is followed, and no proxy, netrc or cookie is used.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2

from ._exchange import Answer
from ._target import TargetError
from ._wire import Address, send_alone, send_pipelined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._exchange import End, Limits, Request

__all__ = ["UrlTarget"]


class UrlTarget:
    """A service at a URL.

    Arguments:
        url: its address; a path is put before every request's path.

    Raises:
        TargetError: it is no address of HTTP.

    """

    framework: str | None = None
    in_process = False

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise TargetError(f"{url} is no address: write it as https://host or http://host:port")
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as exc:
            raise TargetError(f"{url} has no valid port") from exc
        if parts.username or parts.password:
            raise TargetError("An address has no password: use --header 'Authorization: …'")
        if parts.query or parts.fragment:
            raise TargetError(f"{url} has a query or a fragment: name the address alone")
        self.base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self.name = self.base
        prefix, tls = parts.path.rstrip("/"), parts.scheme == "https"
        self._address = Address(parts.hostname, port, parts.netloc, prefix, tls)
        self._origin = httpx2.URL(f"{parts.scheme}://{parts.netloc}")
        self._transport = httpx2.HTTPTransport(trust_env=False)

    def send(self, request: Request, limits: Limits) -> Answer:
        """Send a request; see `Target`."""
        deadline = time.monotonic() + limits.seconds
        sent = httpx2.Request(
            request.method,
            self._origin.copy_with(
                raw_path=f"{self._address.prefix}{request.target}".encode("latin-1")
            ),
            headers=[
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers
            ],
            content=request.body,
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), limits.seconds)
            },
        )
        try:
            response = self._ask(sent)
        except httpx2.LocalProtocolError as exc:
            return Answer(0, end="unsent", note=_reason(exc))
        except (httpx2.TransportError, OSError, ValueError) as exc:
            return Answer(0, note=_reason(exc))
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.headers.raw
        )
        body, end, note = _read(response, deadline, limits)
        return Answer(response.status_code, headers, body, end, note)

    def _ask(self, sent: httpx2.Request) -> httpx2.Response:
        try:
            return self._transport.handle_request(sent)
        except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
            # The server may have closed this connection after the answer before.
            return self._transport.handle_request(sent)

    def pipeline(self, requests: Sequence[Request], limits: Limits) -> list[Answer]:
        """Send requests in one write on a new connection; see `Target`."""
        return send_pipelined(self._address, requests, limits)

    def alone(self, request: Request, limits: Limits) -> Answer:
        """Send HEAD on a new connection, and read to its end; see `Target`."""
        return send_alone(self._address, request, limits)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _read(response: httpx2.Response, deadline: float, limits: Limits) -> tuple[bytes, End, str]:
    """Read a body until it ends, is too long, or the time is over."""
    body = bytearray()
    try:
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > limits.body or time.monotonic() > deadline:
                return bytes(body[: limits.body]), "unread", "it did not end within the limits"
    except httpx2.TimeoutException:
        return bytes(body[: limits.body]), "unread", "it did not end in time"
    except (httpx2.TransportError, OSError) as exc:
        return bytes(body), "cut", _reason(exc)
    finally:
        response.close()
    return bytes(body), "whole", ""


def _reason(exc: Exception) -> str:
    if isinstance(exc, httpx2.TimeoutException):
        return "no answer in time"
    return f"{type(exc).__name__}: {exc}"[:200]

"""Clients of httpx2 with the retries built in, which raise the typed errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import httpx2
from kaiko_httpx._attempts import STREAMS
from kaiko_httpx._policy import RetryPolicy
from kaiko_httpx._transports import AsyncRetryTransport, RetryTransport

if TYPE_CHECKING:
    from kaiko_middleware.upstream import Upstream

__all__ = ["AsyncClient", "Client"]


class Client(httpx2.Client):
    """An `httpx2.Client` for one upstream.

    It sends our request id along, makes calls again by the contract's rules, gives up after
    30 s unless the answer is streamed, and raises the typed error of every answer or
    failure that is one.

    Arguments:
        upstream: the service that is called, by name or with its own trust.
        policy: how calls are made again; the contract's by default.
        raise_errors: raise typed errors. False leaves answers and exceptions to an SDK
            that this client is given to, which has its own; turn the SDK's retries off.
        transport: the transport that sends; httpx2's by default.
        **options: everything else that `httpx2.Client` takes.

    Raises:
        KaikoError: from every call whose answer is an error, or that got none.

    """

    def __init__(
        self,
        upstream: Upstream | str = "upstream",
        *,
        policy: RetryPolicy | None = None,
        raise_errors: bool = True,
        transport: httpx2.BaseTransport | None = None,
        **options: Any,
    ) -> None:
        self._policy = RetryPolicy(upstream) if policy is None else policy
        self._raises = raise_errors
        sending = httpx2.HTTPTransport(**_of_transport(options)) if transport is None else transport
        super().__init__(transport=RetryTransport(sending, self._policy), **options)

    def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request; see `httpx2.Client.send`."""
        request.extensions = {**request.extensions, STREAMS: stream}
        if not self._raises:
            return super().send(request, stream=stream, **options)
        with self._policy.upstream.translate():
            response = super().send(request, stream=stream, **options)
            if stream and response.status_code >= 400:
                response.read()
        self._policy.upstream.raise_for_status(response)
        return response


class AsyncClient(httpx2.AsyncClient):
    """An `httpx2.AsyncClient` for one upstream; see `Client`, whose arguments it takes."""

    def __init__(
        self,
        upstream: Upstream | str = "upstream",
        *,
        policy: RetryPolicy | None = None,
        raise_errors: bool = True,
        transport: httpx2.AsyncBaseTransport | None = None,
        **options: Any,
    ) -> None:
        self._policy = RetryPolicy(upstream) if policy is None else policy
        self._raises = raise_errors
        sending = (
            httpx2.AsyncHTTPTransport(**_of_transport(options)) if transport is None else transport
        )
        super().__init__(transport=AsyncRetryTransport(sending, self._policy), **options)

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request; see `httpx2.AsyncClient.send`."""
        request.extensions = {**request.extensions, STREAMS: stream}
        if not self._raises:
            return await self._send(request, stream=stream, **options)
        with self._policy.upstream.translate():
            response = await self._send(request, stream=stream, **options)
            if stream and response.status_code >= 400:
                await response.aread()
        self._policy.upstream.raise_for_status(response)
        return response

    async def _send(
        self, request: httpx2.Request, *, stream: bool, **options: Any
    ) -> httpx2.Response:
        if stream:
            return await super().send(request, stream=True, **options)
        # Timeouts of single operations cannot bound a body that comes drop by drop.
        with anyio.fail_after(self._policy.deadline):
            return await super().send(request, stream=False, **options)


_TRANSPORT_OPTIONS = ("verify", "cert", "trust_env", "http1", "http2", "limits")


def _of_transport(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the transport takes; a client ignores them beside its own."""
    return {name: options[name] for name in _TRANSPORT_OPTIONS if name in options}

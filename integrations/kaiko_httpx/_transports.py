"""The retrying transports for httpx2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from kaiko_httpx._async import AsyncRetries
from kaiko_httpx._deadline import Bounded
from kaiko_httpx._peek import AsyncPeeked, SyncPeeked
from kaiko_httpx._sync import SyncRetries

if TYPE_CHECKING:
    from kaiko_httpx._policy import RetryPolicy

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class _SyncPeeked(SyncPeeked, httpx2.SyncByteStream):
    pass


class _AsyncPeeked(AsyncPeeked, httpx2.AsyncByteStream):
    pass


class _Bounded(Bounded, httpx2.SyncByteStream):
    pass


class RetryTransport(SyncRetries, httpx2.BaseTransport):
    """Makes calls again through another transport.

    Arguments:
        transport: the transport that sends; httpx2's by default.
        policy: how calls are made again; the contract's by default.
        id_header: the header that our request id is sent along in.

    """

    _peeked = _SyncPeeked
    _bounded = _Bounded
    _read_timeout = httpx2.ReadTimeout

    def __init__(
        self,
        transport: httpx2.BaseTransport | None = None,
        policy: RetryPolicy | None = None,
        *,
        id_header: str = "X-Request-ID",
    ) -> None:
        sending = httpx2.HTTPTransport() if transport is None else transport
        super().__init__(sending, policy, id_header)


class AsyncRetryTransport(AsyncRetries, httpx2.AsyncBaseTransport):
    """Makes calls again through another asynchronous transport; see `RetryTransport`."""

    _peeked = _AsyncPeeked
    _read_timeout = httpx2.ReadTimeout

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport | None = None,
        policy: RetryPolicy | None = None,
        *,
        id_header: str = "X-Request-ID",
    ) -> None:
        sending = httpx2.AsyncHTTPTransport() if transport is None else transport
        super().__init__(sending, policy, id_header)

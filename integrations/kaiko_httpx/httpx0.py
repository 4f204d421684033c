"""The retrying transports for httpx 0.28, whose classes are unrelated to httpx2's.

>>> import httpx
>>> from kaiko_httpx.httpx0 import RetryTransport
>>> client = httpx.Client(transport=RetryTransport())
"""

from __future__ import annotations

import httpx
from kaiko_httpx._async import AsyncRetries
from kaiko_httpx._peek import AsyncPeeked, SyncPeeked
from kaiko_httpx._policy import RetryPolicy
from kaiko_httpx._sync import SyncRetries

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class _SyncStream(SyncPeeked, httpx.SyncByteStream):
    pass


class _AsyncStream(AsyncPeeked, httpx.AsyncByteStream):
    pass


class RetryTransport(SyncRetries, httpx.BaseTransport):
    """Makes calls again through another transport; see `kaiko_httpx.RetryTransport`."""

    _peeked = _SyncStream

    def __init__(
        self,
        transport: httpx.BaseTransport | None = None,
        policy: RetryPolicy | None = None,
        *,
        id_header: str = "X-Request-ID",
    ) -> None:
        sending = httpx.HTTPTransport() if transport is None else transport
        super().__init__(sending, policy, id_header)


class AsyncRetryTransport(AsyncRetries, httpx.AsyncBaseTransport):
    """Makes calls again through another asynchronous transport; see `RetryTransport`."""

    _peeked = _AsyncStream

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        policy: RetryPolicy | None = None,
        *,
        id_header: str = "X-Request-ID",
    ) -> None:
        sending = httpx.AsyncHTTPTransport() if transport is None else transport
        super().__init__(sending, policy, id_header)

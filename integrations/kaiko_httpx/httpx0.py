"""The retrying transports for httpx 0.28, whose classes are unrelated to httpx2's.

>>> import httpx
>>> from kaiko_httpx.httpx0 import RetryTransport
>>> client = httpx.Client(transport=RetryTransport())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from kaiko_httpx._async import AsyncRetries
from kaiko_httpx._peek import AsyncPeeked, SyncPeeked
from kaiko_httpx._sync import SyncRetries

if TYPE_CHECKING:
    from kaiko_httpx._policy import RetryPolicy

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class _SyncPeeked(SyncPeeked, httpx.SyncByteStream):
    pass


class _AsyncPeeked(AsyncPeeked, httpx.AsyncByteStream):
    pass


class RetryTransport(SyncRetries, httpx.BaseTransport):
    """Retries calls over another transport; see `kaiko_httpx.RetryTransport`."""

    _peeked = _SyncPeeked

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
    """Retries calls over another asynchronous transport; see `RetryTransport`."""

    _peeked = _AsyncPeeked
    _read_timeout = httpx.ReadTimeout

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        policy: RetryPolicy | None = None,
        *,
        id_header: str = "X-Request-ID",
    ) -> None:
        sending = httpx.AsyncHTTPTransport() if transport is None else transport
        super().__init__(sending, policy, id_header)

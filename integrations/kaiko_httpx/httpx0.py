"""The retrying transports for httpx 0.28, whose classes are unrelated to httpx2's.

>>> import httpx
>>> from kaiko_httpx.httpx0 import RetryTransport
>>> client = httpx.Client(transport=RetryTransport())
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_httpx.httpx0", "httpx", install="httpx>=0.28")

import httpx

from kaiko_httpx._async import AsyncRetries
from kaiko_httpx._peek import AsyncPeeked, SyncPeeked
from kaiko_httpx._sync import SyncRetries

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class _SyncPeeked(SyncPeeked, httpx.SyncByteStream):
    pass


class _AsyncPeeked(AsyncPeeked, httpx.AsyncByteStream):
    pass


class RetryTransport(SyncRetries[httpx.BaseTransport], httpx.BaseTransport):
    """Retries calls over another transport; see `kaiko_httpx.RetryTransport`."""

    _library = "httpx"
    _default = httpx.HTTPTransport
    _peeked = _SyncPeeked


class AsyncRetryTransport(AsyncRetries[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport):
    """Retries calls over another asynchronous transport; see `RetryTransport`."""

    _library = "httpx"
    _default = httpx.AsyncHTTPTransport
    _peeked = _AsyncPeeked
    _read_timeout = httpx.ReadTimeout

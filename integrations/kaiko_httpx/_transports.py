"""The retrying transports for httpx2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from kaiko_httpx._async import AsyncRetries
from kaiko_httpx._peek import AsyncPeeked, SyncPeeked
from kaiko_httpx._sync import SyncRetries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_httpx._attempts import Outgoing
    from kaiko_httpx._deadline import Deadline

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class _SyncPeeked(SyncPeeked, httpx2.SyncByteStream):
    pass


class _AsyncPeeked(AsyncPeeked, httpx2.AsyncByteStream):
    pass


class _Bounded(httpx2.SyncByteStream):
    """A body with a deadline, which is checked between its parts.

    For our clients' calls over a transport that cannot enforce the deadline itself.
    """

    def __init__(self, stream: httpx2.SyncByteStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            if self._deadline.is_past:
                raise httpx2.ReadTimeout("the call took longer than it may")
            yield part

    def close(self) -> None:
        self._stream.close()


class RetryTransport(SyncRetries[httpx2.BaseTransport], httpx2.BaseTransport):
    """Retries calls over another transport.

    Arguments:
        transport: the transport that sends; httpx2's by default.
        policy: how calls are retried; the contract's rules by default.
        id_header: the header for our request id.

    """

    _library = "httpx2"
    _default = httpx2.HTTPTransport
    _peeked = _SyncPeeked

    def _hand_over(self, outgoing: Outgoing, response: Any) -> Any:
        super()._hand_over(outgoing, response)
        if outgoing.is_ours and outgoing.deadline is not None and not self.is_watched:
            response.stream = _Bounded(response.stream, outgoing.deadline)
        return response


class AsyncRetryTransport(AsyncRetries[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport):
    """Retries calls over another asynchronous transport; see `RetryTransport`."""

    _library = "httpx2"
    _default = httpx2.AsyncHTTPTransport
    _peeked = _AsyncPeeked
    _read_timeout = httpx2.ReadTimeout

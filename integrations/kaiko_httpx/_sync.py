"""The retrying transport for synchronous clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import stamina

from kaiko_httpx._attempts import Again, Outgoing, wait_of
from kaiko_httpx._deadline import Backend, current, watch_connections
from kaiko_httpx._policy import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_httpx._attempts import Request, Response


class SyncRetries:
    """The retries of a transport, for transports of any library.

    Arguments:
        transport: the transport that sends.
        policy: how calls are retried.
        id_header: the header for our request id.

    """

    _peeked: Callable[[Any], Any]

    def __init__(self, transport: Any, policy: RetryPolicy | None, id_header: str) -> None:
        self._transport = transport
        self._policy = RetryPolicy() if policy is None else policy
        self._id_header = id_header
        self._is_watched = watch_connections(transport, Backend)

    def handle_request(self, request: Request) -> Response:
        """Send `request`, with retries; return or raise the last result."""
        outgoing = Outgoing(self._policy, request, self._id_header)
        token = current.set(outgoing.deadline)
        try:
            outcome = self._attempt(outgoing)
            # A successful call does not use stamina, which costs 50 µs to set up.
            return self._again(outgoing, outcome) if isinstance(outcome, Again) else outcome
        finally:
            current.reset(token)

    def _again(self, outgoing: Outgoing, outcome: Again) -> Response:
        last: Response | Again = outcome
        first = True
        try:
            for attempt in stamina.retry_context(on=wait_of, attempts=None, timeout=None):
                with attempt:
                    if not first:
                        last = self._attempt(outgoing)
                    first = False
                    if isinstance(last, Again):
                        raise last
        except Again as again:  # a test told stamina to make fewer attempts
            if isinstance(again.failure, Exception):
                raise again.failure from again.failure.__cause__
            return again.failure
        return last

    def _attempt(self, outgoing: Outgoing) -> Response | Again:
        outgoing.limit()
        try:
            response = self._transport.handle_request(outgoing.request)
        except Exception as exc:
            again = outgoing.failed(exc)
            if again is None:
                raise
            return again
        finally:
            outgoing.restore()
        if response.status_code < 400:
            outgoing.call.succeeded()
            return self._hand_over(outgoing, response)
        if not outgoing.worth_reading(response):
            return self._hand_over(outgoing, response)
        response.stream = peeked = self._peeked(response.stream)
        try:
            body = peeked.peek(outgoing.deadline)
        except BaseException:
            peeked.close()
            raise
        again = outgoing.answered(response, body)
        if again is None:
            return self._hand_over(outgoing, response)
        # The response cannot be handed over any more.
        peeked.close()
        return again

    def _hand_over(self, outgoing: Outgoing, response: Response) -> Response:
        if not outgoing.is_ours:
            outgoing.unlimit()
        return response

    def close(self) -> None:
        """Close the transport that sends."""
        self._transport.close()

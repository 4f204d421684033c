"""The retrying transport for synchronous clients."""

from __future__ import annotations

import stamina

from kaiko_httpx._attempts import Again, Outgoing, Request, Response, Retries, T, wait_of
from kaiko_httpx._deadline import Watched, current


class SyncRetries(Retries[T]):
    """The retries of a synchronous transport; see `Retries`."""

    _watched = Watched
    _base = "BaseTransport"
    _method = "handle_request"

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

    def _again(self, outgoing: Outgoing, last: Response | Again) -> Response:
        try:
            for attempt in stamina.retry_context(on=wait_of, attempts=None, timeout=None):
                with attempt:
                    if attempt.num > 1:
                        last = self._attempt(outgoing)
                    if isinstance(last, Again):
                        raise last
        except Again as again:  # a test told stamina to make fewer attempts
            return again.give_up()
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
        if outgoing.is_final(response):
            return self._hand_over(outgoing, response)
        response.stream = peeked = self._peeked(response.stream)
        try:
            body = peeked.peek(outgoing.limit_of(response), outgoing.deadline)
        except BaseException:
            peeked.close()
            raise
        again = outgoing.answered(response, body, peeked.failure)
        if again is None:
            return self._hand_over(outgoing, response)
        # The response cannot be handed over any more.
        peeked.close()
        return again

    def close(self) -> None:
        """Close the transport that sends."""
        self._transport.close()

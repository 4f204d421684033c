"""The retrying transport for asynchronous clients, under asyncio and trio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import stamina

from kaiko_httpx._attempts import Again, Outgoing, Request, Response, Retries, T, wait_of
from kaiko_httpx._deadline import AsyncWatched, current

if TYPE_CHECKING:
    from collections.abc import Callable


class AsyncRetries(Retries[T]):
    """The retries of an asynchronous transport; see `Retries`."""

    _watched = AsyncWatched
    _base = "AsyncBaseTransport"
    _method = "handle_async_request"
    _read_timeout: Callable[[str], Exception]

    async def handle_async_request(self, request: Request) -> Response:
        """Send `request`, with retries; return or raise the last result."""
        outgoing = Outgoing(self._policy, request, self._id_header)
        if outgoing.is_ours:  # and watched by our client
            return await self._send(outgoing)
        if self.is_watched:
            token = current.set(outgoing.deadline)
            try:
                return await self._send(outgoing)
            finally:
                current.reset(token)
        with anyio.move_on_after(None if outgoing.deadline is None else outgoing.deadline.left):
            return await self._send(outgoing)
        raise self._read_timeout("the call took longer than it may")

    async def _send(self, outgoing: Outgoing) -> Response:
        outcome = await self._attempt(outgoing)
        # A successful call does not use stamina, which costs 50 µs to set up.
        return await self._again(outgoing, outcome) if isinstance(outcome, Again) else outcome

    async def _again(self, outgoing: Outgoing, last: Response | Again) -> Response:
        try:
            async for attempt in stamina.retry_context(on=wait_of, attempts=None, timeout=None):
                with attempt:
                    if attempt.num > 1:
                        last = await self._attempt(outgoing)
                    if isinstance(last, Again):
                        raise last
        except Again as again:  # a test told stamina to make fewer attempts
            return again.give_up()
        return last

    async def _attempt(self, outgoing: Outgoing) -> Response | Again:
        outgoing.limit()
        try:
            response = await self._transport.handle_async_request(outgoing.request)
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
            body = await peeked.peek(outgoing.limit_of(response), outgoing.deadline)
        except BaseException:
            await peeked.aclose()
            raise
        again = outgoing.answered(response, body, peeked.failure)
        if again is None:
            return self._hand_over(outgoing, response)
        # The response cannot be handed over any more.
        await peeked.aclose()
        return again

    async def aclose(self) -> None:
        """Close the transport that sends."""
        await self._transport.aclose()

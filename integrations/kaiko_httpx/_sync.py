"""The retrying transport for synchronous clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import stamina
from kaiko_httpx._attempts import (
    Again,
    begin,
    clamp_timeouts,
    decide_on_response,
    error_of,
    is_replayable,
    wait_of,
)
from kaiko_httpx._peek import peek
from kaiko_httpx._policy import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_httpx._attempts import Request, Response
    from kaiko_httpx._policy import Call


class SyncRetries:
    """What a retrying transport does, whichever library's transport it is.

    Arguments:
        transport: the transport that sends.
        policy: how calls are made again.
        id_header: the header that our request id is sent along in.

    """

    _peeked: Callable[[list[bytes], Any, Any], Any]

    def __init__(self, transport: Any, policy: RetryPolicy | None, id_header: str) -> None:
        self._transport = transport
        self._policy = RetryPolicy() if policy is None else policy
        self._id_header = id_header

    def handle_request(self, request: Request) -> Response:
        """Send `request`, again where that makes sense; return or raise what came last."""
        call = begin(self._policy, request, self._id_header)
        first = self._attempt(request, call)
        if not isinstance(first, Again):
            return first
        # stamina waits, and knows asyncio and trio; a call that succeeds never gets here.
        pending: Again | None = first
        for attempt in stamina.retry_context(on=wait_of, attempts=None, timeout=None):
            with attempt:
                if pending is not None:
                    pending, again = None, pending
                    raise again
                answer = self._attempt(request, call)
                if isinstance(answer, Again):
                    raise answer
                return answer
        raise AssertionError  # pragma: no cover - stamina ends by returning or raising

    def _attempt(self, request: Request, call: Call) -> Response | Again:
        clamp_timeouts(request, call)
        try:
            response = self._transport.handle_request(request)
            if response.status_code < 400:
                call.succeeded()
                return response
            body = self._peek(response)
        except Exception as exc:
            error = error_of(self._policy, exc)
            if error is None:
                raise
            decision = call.decide(error, replayable=is_replayable(request))
            if not decision.retry:
                raise
            return Again(decision.wait)
        decided = decide_on_response(self._policy, call, request, response, body)
        if decided is None or not decided.retry:
            return response
        response.close()
        return Again(decided.wait)

    def _peek(self, response: Response) -> bytes:
        stream = response.stream
        try:
            parts, rest = peek(stream)
        except BaseException:
            response.close()
            raise
        response.stream = self._peeked(parts, rest, stream)
        return b"".join(parts)

    def close(self) -> None:
        """Close the transport that sends."""
        self._transport.close()

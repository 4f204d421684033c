"""httpx2 clients that retry and raise the typed errors."""

from __future__ import annotations

from contextlib import aclosing, nullcontext, suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast

import anyio
import httpx2

from kaiko_httpx._attempts import DEADLINE
from kaiko_httpx._deadline import Deadline, current
from kaiko_httpx._judging import judge, watch_stream
from kaiko_httpx._notes import Translating
from kaiko_httpx._peek import PEEK_LIMIT
from kaiko_httpx._policy import RetryPolicy, policy_of
from kaiko_httpx._transports import AsyncRetryTransport, RetryTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    from kaiko_middleware import KaikoError
    from kaiko_middleware.upstream import Upstream

__all__ = ["AsyncClient", "Client"]

_CONNECT = 5.0


class _Calls:
    """What both clients share: how they are set up, and what an answer means."""

    _transport: Any
    _mounts: Any
    _retrying: Callable[..., Any]

    def __init__(
        self,
        upstream: Upstream | str | None = None,
        *,
        policy: RetryPolicy | None = None,
        raise_errors: bool = True,
        id_header: str = "X-Request-ID",
        **options: Any,
    ) -> None:
        if policy is None:
            policy = RetryPolicy("upstream" if upstream is None else upstream)
        elif upstream is not None:
            called = policy_of(policy).upstream
            raise TypeError(f"the policy says already what is called: {called!r}")
        self._policy = policy_of(policy)
        self._raises = raise_errors
        self._translating = Translating(policy.upstream) if raise_errors else nullcontext()
        connect = min(_CONNECT, policy.deadline)
        options.setdefault("timeout", httpx2.Timeout(policy.deadline, connect=connect))
        super().__init__(**options)  # of httpx2's client, the next base
        self._transport = self._retrying(self._transport, policy, id_header=id_header)
        self._mounts = {
            pattern: None if mount is None else self._retrying(mount, policy, id_header=id_header)
            for pattern, mount in self._mounts.items()
        }

    def _begin(self, request: httpx2.Request, *, stream: bool) -> Token[Deadline | None]:
        deadline = None if stream else Deadline(self._policy)
        request.extensions = {**request.extensions, DEADLINE: deadline}
        return current.set(deadline)

    def _raise_error(self, response: httpx2.Response, start: bytearray) -> NoReturn:
        """Raise the typed error for an error answer, given the start of its body."""
        error = self._policy.upstream.error_from_response(
            response.status_code,
            response.headers,
            bytes(start),
            method=response.request.method,
            expects="any",
        )
        raise cast("KaikoError", error)  # its status is an error's

    def _judge(self, response: httpx2.Response, *, stream: bool) -> None:
        """Look into a success of an LLM provider, for an SDK that does not."""
        upstream = self._policy.upstream
        if stream:
            watch_stream(upstream, response)
        else:
            judge(upstream, response)


class Client(_Calls, httpx2.Client):
    """An `httpx2.Client` for one upstream.

    It sends our request id along, retries by the contract's rules, gives up after 30 s unless
    the answer is streamed, and raises a typed error for every error answer and every failure.

    Arguments:
        upstream: the service to call: its name, or an `Upstream` with its trust.
        policy: how calls are retried; it names the upstream itself. By default the contract's
            rules.
        raise_errors: whether to raise typed errors. False leaves error answers and exceptions to
            an SDK that uses this client and raises its own; turn the SDK's retries off. With an
            upstream of `trust="llm"`, a success with an error inside and a stream that fails or
            is cut are typed errors even then, since an SDK takes them for successes.
        id_header: the header for our request id.
        **options: everything that `httpx2.Client` takes. A `transport` and `mounts` are
            wrapped. `timeout`, of one operation, is the deadline by default, and 5 s to
            connect.

    Raises:
        KaikoError: from every call that gets an error answer, or no answer.
        TypeError: `upstream` and `policy` both name the upstream, or an argument is no policy or
            no transport.

    """

    _retrying = RetryTransport

    def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request; see `httpx2.Client.send`."""
        token = self._begin(request, stream=stream)
        try:
            with self._translating:
                return self._exchange(request, stream=stream, **options)
        finally:
            current.reset(token)

    def _exchange(
        self, request: httpx2.Request, *, stream: bool, **options: Any
    ) -> httpx2.Response:
        if not self._raises:
            response = super().send(request, stream=stream, **options)
            self._judge(response, stream=stream)
            return response
        response = super().send(request, stream=True, **options)
        try:
            if _is_error(response):
                self._raise_error(response, self._start_of(response))
            if stream:
                watch_stream(self._policy.upstream, response)
            else:
                response.read()
                self._policy.upstream.raise_for_status(response)
        except BaseException:
            response.close()
            raise
        return response

    @staticmethod
    def _start_of(response: httpx2.Response) -> bytearray:
        start = bytearray()
        with suppress(httpx2.HTTPError):  # the body is broken or late: only the status counts
            for part in response.iter_bytes():
                start += part
                if len(start) > PEEK_LIMIT:
                    break
        return start


class AsyncClient(_Calls, httpx2.AsyncClient):
    """An `httpx2.AsyncClient` for one upstream; see `Client`, whose arguments it takes."""

    _retrying = AsyncRetryTransport

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request; see `httpx2.AsyncClient.send`."""
        token = self._begin(request, stream=stream)
        deadline = current.get()
        try:
            with self._translating:
                if deadline is None or self._is_watched():
                    return await self._exchange(request, stream=stream, **options)
                with anyio.move_on_after(deadline.left):
                    return await self._exchange(request, stream=stream, **options)
                raise httpx2.ReadTimeout("the call took longer than it may", request=request)
        finally:
            current.reset(token)

    def _is_watched(self) -> bool:
        """Whether all connections enforce the deadline themselves."""
        transports = (self._transport, *self._mounts.values())
        return all(each.is_watched for each in transports if each is not None)

    async def _exchange(
        self, request: httpx2.Request, *, stream: bool, **options: Any
    ) -> httpx2.Response:
        if not self._raises:
            response = await super().send(request, stream=stream, **options)
            self._judge(response, stream=stream)
            return response
        response = await super().send(request, stream=True, **options)
        try:
            if _is_error(response):
                self._raise_error(response, await self._start_of(response))
            if stream:
                watch_stream(self._policy.upstream, response)
            else:
                await response.aread()
                self._policy.upstream.raise_for_status(response)
        except BaseException:
            await response.aclose()
            raise
        return response

    @staticmethod
    async def _start_of(response: httpx2.Response) -> bytearray:
        start = bytearray()
        with suppress(httpx2.HTTPError):  # the body is broken or late: only the status counts
            async with aclosing(response.aiter_bytes()) as parts:
                async for part in parts:
                    start += part
                    if len(start) > PEEK_LIMIT:
                        break
        return start


def _is_error(response: httpx2.Response) -> bool:
    return response.status_code >= 300 and response.status_code != 304

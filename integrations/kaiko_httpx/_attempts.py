"""What the synchronous and the asynchronous transport share: everything but the I/O."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kaiko_httpx._deadline import Deadline, Watched, watch_connections
from kaiko_httpx._peek import PEEK_LIMIT
from kaiko_httpx._policy import Call, RetryPolicy, policy_of
from kaiko_httpx._transport_check import require_transport
from kaiko_middleware import current_request_id
from kaiko_middleware.deadline import DEADLINE_HEADER, deadline
from kaiko_middleware.json_values import is_json_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_middleware import KaikoError

T = TypeVar("T")  # the class of a library's transports

DEADLINE = "kaiko_deadline"
"""The request extension for the deadline of our clients' calls; None for no deadline.

A call may be several requests (redirects), and a transport does not know which answer will be
streamed. A request without the extension comes from another client.
"""

# Requests and responses of httpx2 or httpx: alike, but unrelated classes.
Request = Any
Response = Any

_SLACK = 0.01  # seconds: a timeout this little over the deadline needs no clamping
_OPERATIONS = ("connect", "read", "write", "pool")


class Again(Exception):
    """Raised within an attempt: stamina then waits and begins the next one.

    Arguments:
        wait: the seconds until the next attempt.
        failure: what the caller gets if stamina does not retry.
        error: the failure, for stamina's own log.

    """

    def __init__(self, wait: float, failure: Response | Exception, error: KaikoError) -> None:
        super().__init__(f"{error.status} {error.code}")
        self.wait = wait
        self.failure = failure

    def give_up(self) -> Response:
        """Return the failed attempt's answer, or raise its exception."""
        if isinstance(self.failure, Exception):
            raise self.failure from self.failure.__cause__
        return self.failure


def wait_of(exc: Exception) -> bool | float:
    """Return the seconds that stamina should wait, or False for no retry."""
    return exc.wait if isinstance(exc, Again) else False


class Retries(Generic[T]):
    """The retries of a transport, for transports of any library.

    Arguments:
        transport: the transport that sends; the library's by default.
        policy: how calls are retried; the contract's rules by default.
        id_header: the header for our request id.

    Raises:
        TypeError: `transport` is no transport of this library and kind, or `policy` no policy.

    """

    _default: Callable[[], T]
    _library: str
    _base: str  # the class of the library's transports
    _method: str  # which they have
    _peeked: Callable[[Any], Any]
    _watched: type[Watched]

    def __init__(
        self,
        transport: T | None = None,
        policy: RetryPolicy | None = None,
        *,
        id_header: str = "X-Request-ID",
    ) -> None:
        if transport is not None:
            require_transport(transport, self._library, self._base, self._method)
        self._transport: Any = self._default() if transport is None else transport
        self._policy = policy_of(policy)
        self._id_header = id_header
        self.is_watched: bool = watch_connections(self._transport, self._watched)
        """Whether the connections enforce a call's deadline themselves."""

    def _hand_over(self, outgoing: Outgoing, response: Response) -> Response:
        outgoing.unlimit()
        return response


class Outgoing:
    """A request that is being sent: its call, and the decisions about it.

    Arguments:
        policy: how the call is retried.
        request: the request.
        id_header: the header for our request id.

    """

    __slots__ = (
        "_clamped",
        "_extensions",
        "_policy",
        "_tells_time",
        "_timeouts",
        "call",
        "deadline",
        "is_ours",
        "request",
    )

    def __init__(self, policy: RetryPolicy, request: Request, id_header: str) -> None:
        request_id = current_request_id()
        if request_id is not None:
            request.headers[id_header] = request_id
        self._tells_time = DEADLINE_HEADER not in request.headers
        extensions = request.extensions
        self._policy = policy
        self._extensions = extensions
        self._timeouts: dict[str, float | None] = extensions.get("timeout") or {}
        self._clamped: dict[str, float | None] | None = None
        self.request = request
        self.is_ours = DEADLINE in extensions
        """Whether one of our clients sends it, which also limits the time for the body."""
        self.deadline: Deadline | None
        self.deadline = extensions[DEADLINE] if self.is_ours else Deadline(policy)
        self.call = Call(policy, request.method, self.deadline)

    def limit(self) -> None:
        """Limit each operation of an attempt to the time that the call has left.

        The upstream is told how long the request that this process serves waits for it.
        """
        waits = deadline() if self._tells_time else None
        if waits is not None:
            self.request.headers[DEADLINE_HEADER] = f"{waits:.3f}"
        call = self.deadline
        if call is None:
            return
        left = call.shortened(None) + _SLACK
        given = self._timeouts.get
        for name in _OPERATIONS:
            value = given(name)
            if value is None or value > left:
                break
        else:
            return
        clamped = {name: call.shortened(given(name)) for name in _OPERATIONS}
        self._clamped = {**self._timeouts, **clamped}
        self.request.extensions = {**self._extensions, "timeout": self._clamped}

    def restore(self) -> None:
        """Restore the request's own timeouts, for a caller that sends it again."""
        self.request.extensions = self._extensions

    def unlimit(self) -> None:
        """Use another client's own timeouts for the body of an answer that may be a stream.

        httpcore keeps the dictionary and reads it again when it reads the body.
        """
        if self._clamped is not None and not self.is_ours:
            self._clamped.update(dict.fromkeys(_OPERATIONS) | self._timeouts)

    def failed(self, exc: Exception) -> Again | None:
        """Return how to go on after an exception, or None if the caller should see it."""
        error = self._policy.upstream.find_exception(exc)
        if error is None:
            return None
        return self._decide(error, exc)

    def is_final(self, response: Response) -> bool:
        """Whether the answer's head rules out a retry, so the body need not be read."""
        if response.status_code < 400:
            # Our client reads it at once, so nobody has used a part of a body that breaks off.
            if self.is_ours and self.deadline is not None:
                return False
            self.call.succeeded()
            return True
        error = self._error_of(response, None)
        if error is not None and not error.retryable:
            self._decide(error, response)
        return error is None or not error.retryable

    def limit_of(self, response: Response) -> float:
        """Return how many bytes of the body are read before the answer is handed over."""
        return inf if response.status_code < 400 else PEEK_LIMIT

    def answered(self, response: Response, body: bytes, failure: Exception | None) -> Again | None:
        """Return how to go on after an answer, or None if the caller should see it.

        Arguments:
            response: the answer.
            body: the start of its body; all of a success's.
            failure: what ended the reading of the body, if anything.

        """
        if response.status_code < 400:
            if failure is not None:
                return self.failed(failure)
            self.call.succeeded()
            return None
        error = self._error_of(response, body)
        return None if error is None else self._decide(error, response)

    def _error_of(self, response: Response, body: bytes | None) -> KaikoError | None:
        return self._policy.upstream.error_from_response(
            response.status_code,
            response.headers.multi_items(),
            body,
            method=self.request.method,
            expects="any",
        )

    def _decide(self, error: KaikoError, failure: Response | Exception) -> Again | None:
        url = self.request.url
        decision = self.call.decide(
            error,
            has_key=bool(self.request.headers.get("idempotency-key")),
            replayable=_is_replayable(self.request),
            url=f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}",
        )
        return Again(decision.wait, failure, error) if decision.retry else None


def _is_replayable(request: Request) -> bool:
    """Whether the request's body can be sent again: in memory, or in files that rewind."""
    try:
        return isinstance(request.content, bytes)
    except Exception:  # noqa: BLE001 - RequestNotRead of either library
        # A multipart body rewinds its files itself if they are seekable.
        fields: object = getattr(request.stream, "fields", None)
        return is_json_list(fields) and all(map(_rewinds, fields))


def _rewinds(field: object) -> bool:
    file: Any = getattr(field, "file", b"")
    if isinstance(file, bytes | str):
        return True
    try:
        return bool(file.seekable())
    except Exception:  # noqa: BLE001 - the file may be any object
        return False

"""What the synchronous and the asynchronous transport share: everything but the I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kaiko_httpx._deadline import Deadline
from kaiko_httpx._policy import Call
from kaiko_middleware import current_request_id

if TYPE_CHECKING:
    from kaiko_httpx._policy import RetryPolicy
    from kaiko_middleware import KaikoError

DEADLINE = "kaiko_deadline"
"""The request extension in which our clients say when a call must be over, None for never.

One call may be several requests (redirects), and a transport does not know which answer
will be streamed; a request without it comes from another client.
"""

# Requests and responses are of httpx2 or of httpx: alike, and unrelated.
Request = Any
Response = Any

_SLACK = 0.01  # seconds by which an operation may be late, for the first attempt's sake
_OPERATIONS = ("connect", "read", "write", "pool")


class Again(Exception):
    """Raised within an attempt to have stamina wait and begin the next one.

    Arguments:
        wait: the seconds until the next attempt.
        failure: what the caller gets where stamina is told not to go on.
        error: what the failure is, for stamina's own log.

    """

    def __init__(self, wait: float, failure: Response | Exception, error: KaikoError) -> None:
        super().__init__(f"{error.status} {error.code}")
        self.wait = wait
        self.failure = failure


def wait_of(exc: Exception) -> bool | float:
    """Tell stamina how long to wait, or that it is none of its business."""
    return exc.wait if isinstance(exc, Again) else False


class Outgoing:
    """A request on its way: its call, and what is decided about it.

    Arguments:
        policy: how the call is made again.
        request: the request.
        id_header: the header that our request id is sent along in.

    """

    __slots__ = (
        "_clamped",
        "_extensions",
        "_policy",
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
        extensions = request.extensions
        self._policy = policy
        self._extensions = extensions
        self._timeouts: dict[str, float | None] = extensions.get("timeout") or {}
        self._clamped: dict[str, float | None] | None = None
        self.request = request
        self.is_ours = DEADLINE in extensions
        """Whether a client of ours sends it, which watches the body's time as well."""
        self.deadline: Deadline | None
        self.deadline = extensions[DEADLINE] if self.is_ours else Deadline(policy)
        self.call = Call(policy, request.method, self.deadline)

    def limit(self) -> None:
        """Let no single operation of an attempt take longer than the call has left."""
        deadline = self.deadline
        if deadline is None:
            return
        left = deadline.shortened(None) + _SLACK
        given = self._timeouts.get
        for name in _OPERATIONS:
            value = given(name)
            if value is None or value > left:
                break
        else:
            return
        clamped = {name: deadline.shortened(given(name)) for name in _OPERATIONS}
        self._clamped = {**self._timeouts, **clamped}
        self.request.extensions = {**self._extensions, "timeout": self._clamped}

    def restore(self) -> None:
        """Leave the request as it came, to whoever sends it anew with all the time."""
        self.request.extensions = self._extensions

    def unlimit(self) -> None:
        """Leave the body of an answer that may be a stream to the client's own timeouts.

        httpcore keeps the dictionary and reads it again when the body's turn comes.
        """
        if self._clamped is not None:
            self._clamped.update(dict.fromkeys(_OPERATIONS) | self._timeouts)

    def failed(self, exc: Exception) -> Again | None:
        """Return how to go on after an exception, or None where it is the caller's to see."""
        error = self._policy.upstream.find_exception(exc)
        if error is None:
            return None
        return self._decide(error, exc)

    def worth_reading(self, response: Response) -> bool:
        """Whether an answer may be retried by its head, so that its body has to agree."""
        error = self._error_of(response, None)
        if error is None or error.retryable:
            return error is not None
        self._decide(error, response)
        return False

    def answered(self, response: Response, body: bytes) -> Again | None:
        """Return how to go on after an error answer, or None where it is the caller's to see."""
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
            url=f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}",
        )
        return Again(decision.wait, failure, error) if decision.retry else None


def _is_replayable(request: Request) -> bool:
    """Whether the request's body can be sent again: in memory, or in files that rewind."""
    try:
        return isinstance(request.content, bytes)
    except Exception:  # noqa: BLE001 - RequestNotRead of whichever library it is
        # A multipart body rewinds its files itself, where they can be.
        fields: object = getattr(request.stream, "fields", None)
        return isinstance(fields, list) and all(map(_rewinds, cast("list[object]", fields)))


def _rewinds(field: object) -> bool:
    file: Any = getattr(field, "file", b"")
    if isinstance(file, bytes | str):
        return True
    try:
        return bool(file.seekable())
    except Exception:  # noqa: BLE001 - whatever was given as a file
        return False

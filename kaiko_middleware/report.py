"""One log record per error answer, and the hooks.

Records go to the logger `kaiko` with `request_id`, `type`, `code`, `status`, `param`,
`method` and `path` as attributes (and `upstream`, `upstream_status`,
`upstream_request_id` and `upstream_said` where one failed, `protocol` where another
protocol's error answer was kept), all redacted, cut and on one line. An unmapped exception
is logged at ERROR with its `exc_info` (so that Sentry counts it once) and with a compact
`exc_text`, rendered when it is first read (so no formatter spends a millisecond on the full
one). Implements section 9 of the V2 contract.
"""

from __future__ import annotations

import logging
import sys
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ._text import clean_param, is_code, log_safe
from .compact_traceback import describe
from .ids import current_request_id_or
from .log_record import ExcInfo, rendered, waiting_class
from .safe_exception import is_group, leaves, traceback_of
from .sentry import UNMAPPED, tell_sentry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from .errors import KaikoError

    Hook: TypeAlias = Callable[["ErrorReport"], object]

__all__ = ["ErrorReport", "RepeatableHook", "RequestIdFilter", "RequestInfo", "logger"]

logger: logging.Logger = logging.getLogger("kaiko")
_unmapped_logger = logging.getLogger(UNMAPPED)
"""For exceptions that are handed on, which error trackers record by themselves."""

_LEAVES = 64
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "WEBSOCKET"})
_WARNED = frozenset({401, 403, 429})


class RequestInfo(NamedTuple):
    """What an adapter knows of the request when something fails.

    `content_type` is the request's, empty where it has none and None where the adapter
    did not look: it tells a body of the wrong type from a wrong value. `connect_version` is
    its `Connect-Protocol-Version`, empty where it has none or the adapter did not look.
    """

    request_id: str
    method: str
    path: str
    content_type: str | None = None
    connect_version: str = ""


class ErrorReport(NamedTuple):
    """What an `on_error` hook is told of an error that was answered.

    `exception` is the exception behind it, None for an error answer that inner code
    returned; `unmapped` says that it has no mapping.
    """

    error: KaikoError
    exception: BaseException | None
    request_id: str
    method: str
    path: str
    unmapped: bool


class RepeatableHook:
    """A hook that may be called twice for one error, and whose second call changes nothing.

    It is called as any hook, and also when an unmapped exception leaves our innermost layer to be
    answered outside: the tracing middleware between the two ends its span meanwhile.
    """

    def __call__(self, report: ErrorReport) -> object:
        """Take an error."""
        raise NotImplementedError


class RequestIdFilter(logging.Filter):
    """Puts the current request id on every record, as `record.request_id`.

    >>> import logging
    >>> handler = logging.StreamHandler()
    >>> handler.addFilter(RequestIdFilter())
    >>> handler.setFormatter(logging.Formatter("%(levelname)s [%(request_id)s] %(message)s"))

    Arguments:
        default: the value outside of a request.

    """

    def __init__(self, default: str = "-") -> None:
        super().__init__()
        self.default = default

    def filter(self, record: logging.LogRecord) -> bool:
        """Stamp the record, unless it carries an id already; lets every record through."""
        if not hasattr(record, "request_id"):
            record.request_id = current_request_id_or(self.default)
        return True


def report_error(
    error: KaikoError,
    exc: BaseException | None,
    request: RequestInfo,
    hooks: Sequence[Hook],
    *,
    unmapped: bool,
    handed_on: bool = False,
    bug: str | None = None,
    late: str | None = None,
) -> None:
    """Log an error answer and call the hooks.

    Arguments:
        error: what is answered.
        exc: the exception behind it, if there is one.
        request: the request that failed.
        hooks: the service's own.
        unmapped: whether the exception has no mapping.
        handed_on: whether the exception goes on to the framework, for its tools to see.
        bug: what inner code did wrong without raising anything; logged at ERROR.
        late: when the exception came, if the answer was under way or out already.

    """
    status = error.status
    if bug or unmapped:
        level = logging.ERROR
    else:
        level = logging.WARNING if late or status >= 500 or status in _WARNED else logging.INFO
    if logger.isEnabledFor(level):
        text = "unmapped exception" if unmapped else log_safe(bug or error.message)
        if exc is not None and exc is not error and not unmapped and is_group(exc):
            text += f" (leaves: {_leaves(exc)})"
        said = _said_of(error)
        text = f"{status} {said['code']}: {text}"
        text = f"{late}: {text}" if late else text
        _log(level, text, request, exc if unmapped else None, said, handed_on=handed_on)
    for hook in hooks:
        _call(hook, error, exc, request, unmapped=unmapped)


def report_passing(
    exc: BaseException, error: KaikoError, request: RequestInfo, hooks: Sequence[Hook]
) -> None:
    """Call each `RepeatableHook` for an unmapped exception that an outer layer answers.

    Arguments:
        exc: the exception.
        error: what is answered, unless somebody catches the exception.
        request: the request that failed.
        hooks: the service's own.

    """
    for hook in hooks:
        if isinstance(hook, RepeatableHook):
            _call(hook, error, exc, request, unmapped=True)


def _call(
    hook: Hook,
    error: KaikoError,
    exc: BaseException | None,
    request: RequestInfo,
    *,
    unmapped: bool,
) -> None:
    request_id, method, path, *_ = request
    try:
        hook(ErrorReport(error, exc, request_id, method, path, unmapped))
    except Exception as failed:  # noqa: BLE001 - a hook may raise anything
        _log(logging.ERROR, f"on_error hook {_name_of(hook)} failed", request, failed)


def report_failure(exc: BaseException, request: RequestInfo, text: str) -> None:
    """Log an exception that is behind no answer.

    Arguments:
        exc: the exception.
        request: the request that failed.
        text: what failed.

    """
    if logger.isEnabledFor(logging.ERROR):
        _log(logging.ERROR, text, request, exc)


def report_disconnect(exc: BaseException, request: RequestInfo) -> None:
    """Log that the client went away."""
    if logger.isEnabledFor(logging.DEBUG):
        _log(logging.DEBUG, f"client disconnected: {describe(exc)}", request)


def report_note(text: str, request: RequestInfo, *, level: int = logging.WARNING) -> None:
    """Log something about a request that is not an error answer."""
    if logger.isEnabledFor(level):
        _log(level, log_safe(text), request)


def report_dropped(names: list[str], request: RequestInfo) -> None:
    """Log the names of header fields that no server would send."""
    said = ", ".join(map(ascii, names))
    report_note(f"headers that cannot be sent were dropped: {said}", request)


def _leaves(group: BaseException) -> str:
    """Return what a group holds, on one line: a mapped one is logged without a traceback."""
    every = leaves(group)
    told = "; ".join([describe(leaf, 128) for leaf in islice(every, _LEAVES)])
    more = sum(1 for _ in every)
    return f"{told}; and {more} more" if more else told


def _name_of(hook: object) -> str:
    return log_safe(getattr(hook, "__qualname__", type(hook).__name__))


def _said_of(error: KaikoError) -> dict[str, object]:
    """Return what a record says of an error, by the attribute's name."""
    said: dict[str, object] = {
        "type": error.type,
        "code": error.code if is_code(error.code) else log_safe(error.code, 64),
        "status": error.status,
        "param": None if error.param is None else clean_param(error.param),
    }
    if error.protocol is not None:
        said["protocol"] = error.protocol
    upstream = error.upstream
    if upstream is not None:
        said |= {
            "upstream": log_safe(upstream.name),
            "upstream_status": upstream.status,
            "upstream_request_id": upstream.request_id,
            "upstream_said": upstream.excerpt,
        }
    return said


def _log(
    level: int,
    text: str,
    request: RequestInfo,
    exc: BaseException | None = None,
    said: Mapping[str, object] | tuple[()] = (),
    *,
    handed_on: bool = False,
) -> None:
    to = logger
    if handed_on:
        to = _unmapped_logger
        if "sentry_sdk" in sys.modules:  # perhaps since the middleware was made
            tell_sentry()
    method = request.method if request.method in _METHODS else log_safe(request.method, 32)
    path = log_safe(request.path)
    exc_info = None if exc is None else ExcInfo((type(exc), exc, traceback_of(exc)))
    args = (method, path, text, request.request_id)
    record = to.makeRecord(
        to.name, level, __file__, 0, "%s %s -> %s [%s]", args, exc_info, "report_error"
    )
    # Not as `extra=`, which refuses names that a service's record factory has set already.
    record.__dict__.update(said, request_id=request.request_id, method=method, path=path)
    if exc is not None:
        try:
            record.__class__ = waiting_class(type(record))
        except Exception:  # noqa: BLE001 - a service's class may refuse to have a subclass
            record.exc_text = rendered(record)
    to.handle(record)

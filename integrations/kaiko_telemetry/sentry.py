"""Sentry: the request's id and the error's code as tags, and one issue for each code.

>>> from kaiko_middleware import Config
>>> from kaiko_telemetry.sentry import sentry_tags
>>> config = Config(on_error=[sentry_tags()])

No event is made or dropped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.extras import require

require(__name__, "sentry_sdk", install="kaiko-middleware[sentry]")

from sentry_sdk.scope import add_global_event_processor, global_event_processors

from kaiko_middleware import KaikoError, current_request_id
from kaiko_middleware.report import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentry_sdk.types import Event, Hint

    from kaiko_middleware import ErrorReport

__all__ = ["sentry_tags"]

_MARK = "__kaiko_request_id__"
"""The attribute of an unmapped exception, which Sentry may see outside of our middleware."""


def sentry_tags() -> Callable[[ErrorReport], None]:
    """Return a hook of `on_error`, by which Sentry's events know the request and the error.

    An event that belongs to a request gets the tag `request_id`. An event of a typed error, which
    there is only if the service sends it, gets the tag `error.code`, and one fingerprint for each
    code and upstream: one issue, wherever the error is raised. Tags and fingerprints that are set
    already are kept, and your `before_send` runs after this.

    An event processor adds them. It is registered once, however often this is called.
    """
    if _tag not in global_event_processors:
        add_global_event_processor(_tag)
    return _mark


def _mark(report: ErrorReport) -> None:
    if report.unmapped and report.exception is not None:
        # Past what its class makes of attributes.
        object.__setattr__(report.exception, _MARK, report.request_id)


def _tag(event: Event, hint: Hint) -> Event:
    if event.get("type") is not None:  # a transaction, a check-in
        return event
    exc: object = (hint.get("exc_info") or (None, None))[1]
    request_id = current_request_id() or _id_of_record(hint) or getattr(exc, _MARK, None)
    tags: Any = event.setdefault("tags", {})
    if request_id is not None:
        tags.setdefault("request_id", request_id)
    if isinstance(exc, KaikoError):
        upstream = () if exc.upstream is None else (exc.upstream.name,)
        event.setdefault("fingerprint", ["error.code", exc.code, *upstream])
        tags.setdefault("error.code", exc.code)
    return event


def _id_of_record(hint: Hint) -> str | None:
    """Return the id that a record of ours has, which may be made outside of our middleware."""
    record: Any = hint.get("log_record")
    ours = record is not None and record.name.partition(".")[0] == logger.name
    return getattr(record, "request_id", None) if ours else None

"""Sentry: an exception is one event, of Sentry's own integration, and a typed error is none.

Nothing is imported: a service that uses Sentry has loaded its SDK. Implements section 9 of the V2
contract.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from .errors import KaikoError
from .ids import current_request_id

__all__ = ["UNMAPPED", "crash_session", "tell_sentry"]

UNMAPPED = "kaiko.unmapped"
"""The logger of exceptions that are handed on: Sentry's own integration makes the event."""
_LEAVING = frozenset({"asgi", "fastapi", "starlette", "wsgi"})
"""The mechanisms of exceptions that leave an application."""


def tell_sentry() -> None:
    """Tell Sentry's SDK, if it is loaded, what is no event; a second call changes nothing."""
    logging: Any = sys.modules.get("sentry_sdk.integrations.logging")
    if logging is None:
        return
    logging.ignore_logger(UNMAPPED)
    with suppress(AttributeError, KeyError):  # not in every version
        scope: Any = sys.modules["sentry_sdk.scope"]
        if _without_typed not in scope.global_event_processors:
            scope.add_global_event_processor(_without_typed)


def crash_session() -> None:
    """Mark the session of the current request as crashed, if Sentry tracks one.

    On WSGI an exception is raised again where the body ends. Sentry's middleware ends the session
    when the application's call returns, which is before.
    """
    sdk: Any = sys.modules.get("sentry_sdk")
    if sdk is None:
        return
    with suppress(Exception):  # none of it is public
        session = sdk.get_isolation_scope()._session  # noqa: SLF001 - see above
        if session is not None:
            session.update(status="crashed", errors=session.errors + 1)


def _without_typed(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any] | None:
    """Drop a typed error that leaves an application inside of our middleware, which answers it."""
    exc = (hint.get("exc_info") or (None, None))[1]
    if not isinstance(exc, KaikoError) or current_request_id() is None:
        return event
    values: Any = event.get("exception", {}).get("values") or [{}]
    mechanism: Any = values[-1].get("mechanism") or {}
    leaves = mechanism.get("handled") is False and mechanism.get("type") in _LEAVING
    return None if leaves else event

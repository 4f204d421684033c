"""Tells tracing outside of the middleware of an unmapped exception before its answer is sent."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kaiko_middleware.safe_exception import traceback_of
from kaiko_middleware.tracing import before_end, tell_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi._types import Scope

__all__ = ["DATADOGS", "tell_observers"]

_FASTAPIS_OWN = "fastapi.telemetry"
"""The key of the scope for FastAPI's own telemetry."""
DATADOGS = "datadog"
"""The key of the scope for what Datadog's middleware keeps of the request."""


def tell_observers(exc: BaseException, scope: Scope) -> Callable[[], None]:
    """Tell FastAPI's own telemetry of `exc`, or the current span of OpenTelemetry.

    Call what is returned once the answer is sent.

    FastAPI takes the error's type from the exceptions that its inner middleware noted, and has no
    exception events. Datadog's middleware ends its span with the last body, unless there is an
    error on it.
    """
    with suppress(Exception):  # none of it is public
        for span in scope[DATADOGS]["request_spans"]:
            span.set_exc_info(type(exc), exc, traceback_of(exc))
    telemetry: Any = scope.get(_FASTAPIS_OWN)
    if telemetry is None:
        return tell_span(exc)
    with suppress(Exception):  # none of it is public
        asgi: Any = sys.modules[f"{_FASTAPIS_OWN}._asgi"]
        asgi._exception(scope=scope, exc=exc)  # noqa: SLF001 - see above
        span = telemetry.span

        def mark() -> None:
            if span.attributes.get("error.type") is None:  # a stream that failed after its head
                span.set_attribute("error.type", asgi._exception_type(exc))  # noqa: SLF001 - likewise
                span.set_status(asgi.StatusCode.ERROR)

        before_end(span, mark)
    return _nothing


def _nothing() -> None:
    """Do nothing: the span is that of this very request."""

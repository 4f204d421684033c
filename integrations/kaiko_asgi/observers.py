"""Tells tracing outside of the middleware of an unmapped exception before its answer is sent."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kaiko_middleware.tracing import before_end, tell_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi._types import Scope

__all__ = ["tell_observers"]

_FASTAPIS_OWN = "fastapi.telemetry"
"""The key of the scope for FastAPI's own telemetry."""


def tell_observers(exc: BaseException, scope: Scope) -> Callable[[], None]:
    """Tell FastAPI's own telemetry of `exc`, or the current span of OpenTelemetry.

    Call what is returned once the answer is sent.

    FastAPI takes the error's type from the exceptions that its inner middleware noted, and has no
    exception events.
    """
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

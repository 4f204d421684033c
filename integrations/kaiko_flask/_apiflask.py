"""What APIFlask raises: its `HTTPError`, which is none of Werkzeug's, also for what it refuses.

APIFlask asks its error processor about it. Until the service sets one, that is ours. Implements
sections 7 and 8 of the V2 contract for APIFlask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kaiko_flask._known import KNOWN, refusal
from kaiko_flask._webargs import PARTS
from kaiko_middleware.author_text import author_text
from kaiko_middleware.frames import Frames
from kaiko_middleware.known_exceptions import read_status
from kaiko_middleware.validation import validation_error

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError
    from kaiko_middleware.map_exception import Known

__all__ = ["known_to_apiflask"]


def known_to_apiflask() -> Known:
    """Return what the toolkit does about exceptions, for an application of APIFlask's."""
    from apiflask import HTTPError  # noqa: PLC0415 - such an application has imported it

    return {**KNOWN, HTTPError: _http_error}


def _http_error(exc: Any) -> KaikoError | None:
    detail: object = exc.detail
    if type(exc).__name__ == "_ValidationError":
        return _refused(exc, exc.detail)
    # APIFlask sends these side by side. The text that the author gave comes first.
    said = {**exc.extra_data}
    if isinstance(detail, dict):
        said |= cast("dict[str, object]", detail)
    elif isinstance(detail, str):
        said["detail"] = detail
    text = author_text(exc.message, exc.status_code)
    if text is not None:
        said["detail"] = text
    return read_status(exc.status_code, said, dict(exc.headers).items())


def _refused(exc: BaseException, messages: dict[str, object]) -> KaikoError | None:
    from pydantic import ValidationError  # noqa: PLC0415 - as above

    cause = exc.__cause__
    if isinstance(cause, ValidationError):
        return validation_error(cause, where=PARTS.get(next(iter(messages)), "body"))
    given = Frames(exc).locals_of("webargs.core", "_on_validation_error")
    return refusal({"messages": messages, "schema": given.get("schema")})

"""From DRF's exceptions to typed errors: their status, their code, and their author's text.

DRF's own texts are localized and may repeat the input, so they are never sent. A text that an
author wrote into an exception, or into a class of exceptions, is sent. The place where an
exception was raised tells which it is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.encoding import force_str
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    ParseError,
    PermissionDenied,
    Throttled,
    ValidationError,
)
from rest_framework.parsers import BaseParser

from kaiko_drf._failures import failures_of
from kaiko_middleware import InvalidRequestError, KaikoError, RateLimitError
from kaiko_middleware.author_text import author_text
from kaiko_middleware.foreign_answer import read_detail
from kaiko_middleware.json_values import is_json_list, is_json_object
from kaiko_middleware.make_error import error_for_code, error_for_status
from kaiko_middleware.validation import Failure, error_from_failures
from kaiko_middleware.validation.failures import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from rest_framework.request import Request

__all__ = ["api_exception", "recursion"]

_LONGEST = 1024
_ERRORS = range(400, 600)
_UNAUTHENTICATED = (AuthenticationFailed, NotAuthenticated)


def api_exception(exc: APIException, request: Request, view: object) -> KaikoError | None:
    """Return the typed error for a DRF exception, or one derived from it."""
    if isinstance(exc, ValidationError) and not _is_own(exc):
        return error_from_failures(failures_of(exc, request, view))
    status = exc.status_code
    headers: list[tuple[str, str]] = []
    if isinstance(exc, _UNAUTHENTICATED):
        # DRF makes it a 403 if the first authenticator has no challenge.
        status = type(exc).status_code
        challenge: object = getattr(exc, "auth_header", None)
        if isinstance(challenge, str):
            headers.append(("WWW-Authenticate", challenge))
    if status not in _ERRORS:
        return None
    raised_in = _innermost(exc)
    if isinstance(exc, ParseError) and raised_in is not None:
        refused = _refused_by(raised_in)
        if refused is not None:
            return refused
    if isinstance(exc, PermissionDenied) and _is_drfs(raised_in, "enforce_csrf"):
        return error_for_code("csrf_failed")
    message, code, param = _said(exc, status, raised_in)
    if status == 429:
        wait: object = getattr(exc, "wait", None)
        seconds = wait if isinstance(wait, int | float) else None
        return RateLimitError(message, code=code, param=param, retry_after=seconds)
    if status >= 500:
        message = param = None
    return error_for_status(status, message, code=code, param=param, headers=headers or None)


def recursion(exc: RecursionError) -> KaikoError | None:
    """Return the error for a body that is nested too deeply; None for a bug."""
    refused = (_refused_by(frame) for frame in _frames(exc))
    return next((each for each in refused if each is not None), None)


def _is_own(exc: ValidationError) -> bool:
    """Whether a class of the service sets its own status or code, like a typed error."""
    return exc.status_code != 400 or not _is_drfs_default(exc, "default_code")


def _is_drfs_default(exc: APIException, attribute: str) -> bool:
    kind: type = type(exc)
    return _is_set_by_drf(kind, attribute)


@lru_cache(maxsize=256)
def _is_set_by_drf(kind: type, attribute: str) -> bool:
    """Whether the attribute of an exception class is set by DRF, and not by a service."""
    declaring = next(cls for cls in kind.__mro__ if attribute in cls.__dict__)
    return declaring.__module__.startswith("rest_framework.")


def _said(
    exc: APIException, status: int, raised_in: FrameType | None
) -> tuple[str | None, str | None, str | None]:
    """Return the message, the code and the param that the author of `exc` wrote."""
    detail: object = exc.detail
    if is_json_list(detail):
        detail = detail[0] if len(detail) == 1 else None
    if is_json_object(detail):  # DRF's own details are texts
        return read_detail(detail, status)[:3]
    if not isinstance(detail, str):
        return None, None, None
    code: object = getattr(detail, "code", None)
    if code == exc.default_code and _is_drfs_default(exc, "default_code"):
        code = None
    text = str(detail)
    if _is_drfs_text(exc, text, raised_in):
        text = ""
    if code is None:
        return author_text(text[:_LONGEST], status), None, None
    return read_detail({"detail": text[:_LONGEST], "code": code}, status)[:3]


def _is_drfs_text(exc: APIException, text: str, raised_in: FrameType | None) -> bool:
    given = exc.args[:1] == (text,)
    if not given and _is_drfs_default(exc, "default_detail"):
        # `Method "{method}" not allowed.`, and the text that DRF adds to a throttle's.
        default, _, inserted = force_str(exc.default_detail).partition("{")
        if text == default or (
            (inserted or isinstance(exc, Throttled)) and text.startswith(default)
        ):
            return True
    # The view passes a permission's own message on.
    return _is_drfs(raised_in) and not _is_drfs(raised_in, "permission_denied")


def _is_drfs(frame: FrameType | None, function: str | None = None) -> bool:
    """Whether `frame` is DRF's own code, and the function `function` if given."""
    if frame is None or function not in {None, frame.f_code.co_name}:
        return False
    return str(frame.f_globals.get("__name__")).startswith("rest_framework.")


def _refused_by(frame: FrameType) -> KaikoError | None:
    """Return the error for a parser that failed in `frame`; None if `frame` is not a parser's."""
    if frame.f_code.co_name != "parse":
        return None
    parser: object = frame.f_locals.get("self")
    if not isinstance(parser, BaseParser):
        return None
    kind = str(parser.media_type)
    if kind.endswith("json"):
        return error_from_failures([Failure("json", "body", None)])
    if kind in FORMS:
        return error_for_code("invalid_form")
    return InvalidRequestError("The request body cannot be read")


def _frames(exc: BaseException) -> Iterator[FrameType]:
    traceback = exc.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _innermost(exc: BaseException) -> FrameType | None:
    """Return the frame that raised `exc`."""
    traceback = exc.__traceback__
    if traceback is None:
        return None
    while (following := traceback.tb_next) is not None:
        traceback = following
    return traceback.tb_frame

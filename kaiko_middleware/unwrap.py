"""Finds the exception that counts behind the one that a framework raised instead."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from .known_exceptions import is_http_exception, is_refusal, path_of
from .make_error import error_for_code, error_for_status
from .safe_exception import cause_of, context_of, root_of, traceback_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .errors import KaikoError

__all__ = ["CHARSETS_RAISE", "READERS_RAISE", "client_fault", "underlying"]

_SERVERS = frozenset({"daphne", "granian", "gunicorn", "hypercorn", "uvicorn"})


_NESTED = 8  # applications mounted in each other; a cycle of causes ends here too
# What frameworks raise, from what they caught, where they find the answer started.
_STARTED = {
    "builtins.RuntimeError": "Caught handled exception, but response already started.",
    "litestar.exceptions.base_exceptions.LitestarException": (
        "Exception caught after response started"
    ),
}


def underlying(exc: BaseException) -> BaseException:
    """Return the exception that counts.

    Starlette hides some. Its StreamingResponse takes every OSError of the body's iterator
    for a client that left and raises ClientDisconnect instead, a timeout or a missing file
    included; only servers know who left, so where the OSError is not one of theirs, it is
    what failed. Where an exception that has a handler comes after the head, a RuntimeError
    is raised from it. And what its form reader refuses becomes an HTTPException.
    Then there are the handlers of Starlette's and FastAPI's own: they echo a detail, or what
    validation refused, and fail where that cannot be sent (NaN, a surrogate, an object).
    Litestar raises an exception of its own from whatever comes after the head.
    """
    for _ in range(_NESTED):
        cause = cause_of(exc)
        if cause is None or not _says_started(exc):
            break
        exc = cause
    context: BaseException | None = context_of(exc)
    if context is None:
        return exc
    kind = path_of(type(exc))
    if kind == "starlette.requests.ClientDisconnect":
        ours = isinstance(context, OSError) and root_of(type(context)) not in _SERVERS
        return context if ours else exc
    if path_of(type(context)) in _UNREADABLE_FORM:
        hidden = is_http_exception(exc) and _raised_in(exc)[0] in _FORM_READERS
        return context if hidden else exc
    if _fails_to_answer(exc):
        for each in islice(_contexts(exc), _NESTED):
            if is_refusal(each) or is_http_exception(each):
                return each
    return exc


def _contexts(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None and (exc := context_of(exc)) is not None:
        yield exc


def _says_started(exc: BaseException) -> bool:
    text = _STARTED.get(path_of(type(exc)))
    return text is not None and (exc.args == (text,) or getattr(exc, "detail", None) == text)


# Older releases of Starlette let the parser's own exception out, and FastAPI hides that.
_UNREADABLE_FORM = frozenset(
    {
        "python_multipart.exceptions.MultipartParseError",
        "starlette.formparsers.MultiPartException",
    }
)
_FORM_READERS = frozenset({"fastapi.routing", "starlette.requests"})


READERS_RAISE = (ValueError, RecursionError)
"""What reading JSON, or a number, raises."""


CHARSETS_RAISE = frozenset({LookupError, DeprecationWarning})
"""What reading text in a charset that is none, or in one that is not served, raises."""

_RAISED_IN: dict[tuple[object, str], int | str] = {
    ("starlette.requests", "json"): "invalid_json",
    # where a number in a path is too long, and where nothing takes a WebSocket
    ("starlette.convertors", "convert"): 404,
    ("django.core.handlers.asgi", "__call__"): 404,
    ("channels.routing", "__call__"): 404,
}
"""What the functions that raise for it say of a request."""
_READ_BY_WEBOB = {"_json_body__get": "invalid_json", "POST": "invalid_form"}
_WEBOBS_HEADERS = ("webob.descriptors", "fget")
_UNDER_READERS = frozenset({"cgi", "codecs", "email", "encodings", "json", "urllib"})


def client_fault(exc: BaseException) -> KaikoError | None:
    """Return the error for what frameworks cannot read of a request, or do not serve; or None.

    Starlette's `request.json()`, the numbers of its paths, WebOb's requests (Pyramid), Django's
    handler and Channels' routers raise what Python raises: only where it was raised tells whose
    fault it is. It is one of `READERS_RAISE` or of `CHARSETS_RAISE`.
    """
    where = _raised_in(exc, without=_UNDER_READERS)
    said = _RAISED_IN.get(where)
    if said is None and str(where[0]).startswith("webob."):
        said = _read_by_webob(exc)
    if said is None:
        return None
    return error_for_status(said) if isinstance(said, int) else error_for_code(said)


def _read_by_webob(exc: BaseException) -> int | str | None:
    said: int | str | None = None
    for module, function in _frames(exc):
        if module == "webob.request" or (module, function) == _WEBOBS_HEADERS:
            said = _READ_BY_WEBOB.get(function) or said or 400
    return said


def _raised_in(exc: BaseException, without: frozenset[str] = frozenset()) -> tuple[object, str]:
    """Return the module and the function that raised `exc`, but for frames of some libraries."""
    where: tuple[object, str] = None, ""
    for module, function in _frames(exc):
        if str(module).partition(".")[0] not in without:
            where = module, function
    return where


def _fails_to_answer(exc: BaseException) -> bool:
    """Whether `exc` comes out of a handler of FastAPI's or of Starlette's own."""
    for module, function in _frames(exc):  # `any` takes a step more for each frame
        if module == "fastapi.exception_handlers":
            return True
        if module == "starlette.middleware.exceptions" and function == "http_exception":
            return True
    return False


def _frames(exc: BaseException) -> Iterator[tuple[object, str]]:
    traceback = traceback_of(exc)
    while traceback is not None:
        frame = traceback.tb_frame
        yield frame.f_globals.get("__name__"), frame.f_code.co_name
        traceback = traceback.tb_next

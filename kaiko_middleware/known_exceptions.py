"""What the toolkit knows of other libraries' exceptions, by module and class name.

One table and the few functions it names. The core imports no framework: an exception
that arrives here has loaded its library, and its class's name says which it is. A handler
returns None where the exception says nothing by itself: it is then unmapped.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from kaiko_middleware.json_values import items

from .author_text import is_phrase
from .foreign_answer import error_from_detail, error_from_reason
from .make_error import error_for_code, error_for_status
from .safe_exception import CLIENTS, class_name, module_name, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .errors import KaikoError

    Handler = Callable[[BaseException], KaikoError | None]

__all__ = [
    "Disconnected",
    "is_http_exception",
    "is_refusal",
    "known_entry",
    "known_handler",
    "path_of",
    "read_status",
    "read_werkzeugs",
]


class Disconnected:
    """Marks a class that says the client went away: never an error, never answered."""

    __slots__ = ()

    def __call__(self, _exc: BaseException) -> None:
        """Return no error."""


def _fixed(said: int | str) -> Handler:
    """Answer with a status or a code alone: what these exceptions say is for developers."""

    def handler(_exc: BaseException) -> KaikoError:
        return error_for_status(said) if isinstance(said, int) else error_for_code(said)

    return handler


def _first_of(exc: BaseException, *names: str) -> object:
    """Return the first attribute that is there and not None."""
    return next((each for name in names if (each := getattr(exc, name, None)) is not None), None)


def _http_exception(exc: BaseException) -> KaikoError | None:
    """Read an exception that names a status: Starlette's HTTPException and those like it."""
    detail = _first_of(exc, "detail", "message", "description", "title", "body")
    headers: object = getattr(exc, "headers", None)
    items = getattr(headers, "items", None)
    return read_status(
        getattr(exc, "status_code", None), detail, None if items is None else items()
    )


_PAGE_HEAD = [("Content-Type", "text/html; charset=utf-8")]
"""What Werkzeug sends with a page of its own, and nothing else."""


def read_werkzeugs(exc: BaseException) -> KaikoError | None:
    """Read the exceptions of Werkzeug, which Flask and Quart use."""
    # The class's own text is no author's.
    detail: object = vars(exc).get("description")
    fields: list[tuple[str, str]] | None = getattr(exc, "get_headers", list)()
    if fields == _PAGE_HEAD:
        fields = None  # nothing of it stays, and rendering looks at each field
    return read_status(getattr(exc, "code", None), detail, fields)


def read_status(
    status: object, detail: object, headers: Iterable[tuple[str, str]] | None
) -> KaikoError | None:
    """Return the error for a status and what was said with it; None if it is no error's."""
    if not isinstance(status, int) or not 400 <= status <= 599:
        # No error answer: the framework turns it into a redirect or an empty answer;
        # where it cannot any more, or the status is none at all, it is a bug.
        return None
    if status >= 500:
        return error_for_status(status, headers=headers)
    if isinstance(detail, str):
        message = None if is_phrase(detail, status) else detail
        return error_for_status(status, message, headers=headers)
    return error_from_detail(detail, status, headers)  # FastAPI and Flask take anything


def _unreadable_form(exc: BaseException) -> KaikoError:
    many = str(getattr(exc, "message", "")).startswith("Too many")
    return error_for_code("too_many_fields" if many else "invalid_form")


def _validation_failure(exc: BaseException) -> KaikoError:
    """Read FastAPI's RequestValidationError where no handler of ours saw it."""
    raw = isinstance(getattr(exc, "body", None), bytes)
    reason = items(cast("object", getattr(exc, "errors", list)()))  # of anything
    return error_from_reason(reason, "application/octet-stream" if raw else None)


def _upstream_failure(exc: BaseException) -> KaikoError | None:
    """Answer a client library's exception that the service did not translate itself."""
    from .upstream import Upstream  # noqa: PLC0415 - only where such a library is loaded

    return Upstream("upstream").find_exception(exc)


def _bug(_exc: BaseException) -> None:
    """Leave an HTTP exception unmapped that a framework raises for a mistake in the service."""


_DJANGO = "django.core.exceptions."
_LITESTAR = "litestar.exceptions.http_exceptions."

KNOWN: dict[str, Handler] = {
    "builtins.TimeoutError": _fixed("timeout"),
    "starlette.exceptions.HTTPException": _http_exception,
    "bottle.HTTPResponse": _http_exception,
    "falcon.http_error.HTTPError": _http_exception,
    "pyramid.exceptions.URLDecodeError": _fixed(400),
    "pyramid.httpexceptions.HTTPException": _http_exception,
    "sanic.exceptions.SanicException": _http_exception,
    "webob.exc.WSGIHTTPException": _http_exception,
    "webob.request.DisconnectionError": Disconnected(),
    "werkzeug.exceptions.BadHost": _fixed("invalid_host"),
    "werkzeug.exceptions.ClientDisconnected": Disconnected(),
    "werkzeug.exceptions.HTTPException": read_werkzeugs,
    "werkzeug.exceptions.SecurityError": _fixed("invalid_host"),
    "python_multipart.exceptions.MultipartParseError": _unreadable_form,
    "starlette.formparsers.MultiPartException": _unreadable_form,
    "starlette.requests.ClientDisconnect": Disconnected(),
    "starlette.websockets.WebSocketDisconnect": Disconnected(),
    "fastapi.exceptions.RequestValidationError": _validation_failure,
    "fastapi.exceptions.WebSocketRequestValidationError": _validation_failure,
    f"{_LITESTAR}HTTPException": _http_exception,
    f"{_LITESTAR}ImproperlyConfiguredException": _bug,
    f"{_LITESTAR}NoRouteMatchFoundException": _bug,
    f"{_LITESTAR}TemplateNotFoundException": _bug,
    "litestar.exceptions.websocket_exceptions.WebSocketDisconnect": Disconnected(),
    "ninja.errors.HttpError": _http_exception,
    "rest_framework.exceptions.APIException": _http_exception,
    "uvicorn.protocols.utils.ClientDisconnected": Disconnected(),
    "django.http.response.Http404": _fixed(404),
    f"{_DJANGO}PermissionDenied": _fixed(403),
    f"{_DJANGO}BadRequest": _fixed(400),
    f"{_DJANGO}SuspiciousOperation": _fixed(400),
    f"{_DJANGO}DisallowedHost": _fixed("invalid_host"),
    f"{_DJANGO}RequestDataTooBig": _fixed(413),
    f"{_DJANGO}TooManyFieldsSent": _fixed("too_many_fields"),
    f"{_DJANGO}TooManyFilesSent": _fixed("too_many_fields"),
    f"{_DJANGO}RequestAborted": Disconnected(),
    "django.http.request.UnreadablePostError": Disconnected(),
    "django.http.multipartparser.MultiPartParserError": _fixed("invalid_form"),
    "django.db.utils.OperationalError": _fixed(503),
    "django.db.utils.InterfaceError": _fixed(503),
}


def path_of(cls: type) -> str:
    """Return `module.Class`, by which the table knows a class."""
    return f"{module_name(cls)}.{class_name(cls)}"


# In an error storm the same few classes are asked about again and again.
@lru_cache(maxsize=256)
def known_entry(cls: type) -> Handler | None:
    """Return what the table says of a class, if anything."""
    return KNOWN.get(path_of(cls))


@lru_cache(maxsize=256)
def known_handler(cls: type) -> Handler | None:
    """Return what the toolkit itself does about a class of another library, if anything."""
    return known_entry(cls) or (_upstream_failure if root_of(cls) in CLIENTS else None)


def is_refusal(exc: BaseException) -> bool:
    """Whether `exc` is a framework's report of what validation refused."""
    return any(KNOWN.get(path_of(cls)) is _validation_failure for cls in type(exc).__mro__)


def is_http_exception(exc: BaseException) -> bool:
    """Whether `exc` is an HTTP exception of a framework's, which names a status itself."""
    known = {_http_exception, read_werkzeugs}
    return any(KNOWN.get(path_of(cls)) in known for cls in type(exc).__mro__)

"""Litestar's own exceptions as typed errors.

Implements sections 7 and 8 of the V2 contract for Litestar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    SerializationException,
)

from kaiko_litestar._body import is_absent, is_form, is_of_wrong_type
from kaiko_litestar._failures import failures_of
from kaiko_middleware.frames import Frames
from kaiko_middleware.known_exceptions import known_handler
from kaiko_middleware.make_error import error_for_code, error_for_status
from kaiko_middleware.safe_exception import cause_of
from kaiko_middleware.validation import Failure, error_from_failures

if TYPE_CHECKING:
    from kaiko_litestar._body import Connection
    from kaiko_middleware import KaikoError
    from kaiko_middleware.map_exception import Known

__all__ = ["known_of", "left_early"]

_ROUTER = "litestar._asgi.routing_trie.traversal"
_REQUEST = "litestar.connection.request"
_KWARGS = "litestar._kwargs.kwargs_model"
# What reads a body, or a message of a socket, as JSON or MessagePack.
_READERS = (
    (_REQUEST, "json", "msgpack"),
    ("litestar.connection.websocket", "receive_json", "receive_msgpack"),
    ("litestar.connection.websocket", "iter_json", "iter_msgpack"),
    ("litestar.handlers.websocket_handlers._utils", "handle_receive"),
    (_KWARGS, "to_kwargs"),
)
# `Accept` with a huge weight; a date that no `datetime` can hold.
_STUMBLES = {"litestar.datastructures.headers", "litestar._signature.model"}
_NO_FIELD = Failure("missing", "body", None)
# What a client's bytes make the readers raise.
_UNREADABLE = (ValueError, LookupError, RuntimeError, SerializationException, ClientException)


def known_of(connection: Connection) -> Known:
    """Return what the toolkit does about Litestar's exceptions.

    Arguments:
        connection: the request or the socket that failed.

    """
    return {
        HTTPException: lambda exc: _http_exception(exc, connection),
        Exception: lambda exc: _of_request(exc) or _of_reading(exc, connection),
    }


def left_early(exc: BaseException) -> bool:
    """Whether `exc` says that the client left before its request was read."""
    return (
        isinstance(exc, InternalServerException)
        and exc.detail == "client disconnected prematurely"
        and Frames(exc).innermost == _REQUEST
    )


def _http_exception(exc: HTTPException, connection: Connection) -> KaikoError | None:
    frames = Frames(exc)
    if frames.root == "litestar":
        if exc.status_code == 500:
            return None  # a mistake in the service: a dependency of another type
        if frames.innermost == "litestar.middleware.csrf":
            return error_for_code("csrf_failed")
        if frames.innermost == _ROUTER and exc.status_code == 400:
            return error_for_status(404)  # a socket where only HTTP is served
        if exc.status_code == 400:
            if frames.innermost == "litestar._asgi.asgi_router":
                return error_for_code("invalid_host")
            # Litestar's own texts repeat the query, and what was sent.
            return _of_reading(exc, connection) or error_for_status(400)
    handler = known_handler(HTTPException)
    return None if handler is None else handler(exc)


def _of_request(exc: Exception) -> KaikoError | None:
    """Return the error for a path, a header or a number that Litestar itself stumbles at."""
    if not isinstance(exc, KeyError | ValueError | ArithmeticError):
        return None
    frames = Frames(exc)
    if isinstance(exc, KeyError):
        # Only HTTP is served where a socket was asked for, as newer releases say.
        return error_for_status(404) if frames.innermost == _ROUTER else None
    if frames.through(_ROUTER, "parse_path_params"):
        return error_for_status(404)  # a number that no decimal or timedelta can hold
    if frames.through("litestar.datastructures.url", "from_components"):
        return error_for_code("invalid_host")
    if frames.innermost in _STUMBLES:
        return error_for_status(400)
    return None


def _of_reading(exc: Exception, connection: Connection) -> KaikoError | None:
    """Return the error for a request that cannot be read, or that validation refused."""
    cause = cause_of(exc)
    if isinstance(exc, ClientException) and isinstance(cause, SerializationException):
        exc = cause  # Litestar's, by another name
    frames = Frames(exc)
    failures = failures_of(exc, connection, frames)
    if failures:
        return _refused(failures, connection)
    if not isinstance(exc, _UNREADABLE):
        return None
    if frames.through("litestar._multipart") or frames.through(_REQUEST, "form"):
        if is_of_wrong_type(connection):
            return error_for_status(415)
        # Litestar's word for too many parts.
        many = isinstance(exc, ClientException) and exc.detail == "Request Entity Too Large"
        return error_for_code("too_many_fields" if many else "invalid_form")
    if any(frames.through(*each) for each in _READERS):
        return _unreadable(connection, frames)
    return None


def _refused(failures: list[Failure], connection: Connection) -> KaikoError:
    if failures[0].where == "body":
        if is_of_wrong_type(connection):
            return error_for_status(415)
        if failures[0].path is None and is_form(connection) and is_absent(connection):
            failures = [_NO_FIELD]
    return error_from_failures(failures)


def _unreadable(connection: Connection, frames: Frames) -> KaikoError:
    if is_form(connection):
        return error_from_failures([_NO_FIELD])  # Litestar takes the first file, of none
    if is_of_wrong_type(connection, unreadable=True):
        return error_for_status(415)
    if frames.through("litestar.serialization.msgspec_hooks", "decode_msgpack"):
        return error_for_status(400)
    return error_from_failures([Failure("json", "body", None)])

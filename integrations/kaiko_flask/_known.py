"""Werkzeug's and Flask's own exceptions as typed errors, where the class alone does not tell.

Implements sections 7 and 8 of the V2 contract for Flask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import request
from werkzeug.exceptions import BadRequestKeyError, HTTPException

from kaiko_flask._refused import refused_by_parser, refused_by_schema
from kaiko_flask._webargs import failures_in, headers_in, is_of_form, text_in
from kaiko_middleware.frames import Frames
from kaiko_middleware.known_exceptions import read_werkzeugs
from kaiko_middleware.make_error import error_for_status, with_headers
from kaiko_middleware.validation import Failure, error_from_failures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaiko_middleware import KaikoError
    from kaiko_middleware.map_exception import Known

__all__ = ["KNOWN", "refusal"]

_READERS = {"flask.wrappers", "werkzeug.wrappers.request"}
_CONVERTERS = "werkzeug.routing.converters"


def _http_exception(exc: HTTPException) -> KaikoError | None:
    if isinstance(exc, BadRequestKeyError) and len(exc.args) == 1 and type(exc.args[0]) is str:
        # `request.form["name"]`: the name is the service's.
        return error_from_failures([Failure("missing", "body", exc.args[0])])
    data: object = vars(exc).get("data")
    if isinstance(data, dict):
        return _with_data(exc, cast("dict[str, object]", data))
    if exc.code in {400, 415}:
        frames = Frames(exc)
        failures = refused_by_parser({}, frames)
        if failures:
            return error_from_failures(failures)
        if frames.innermost in _READERS and frames.through(
            frames.innermost, "on_json_loading_failed"
        ):
            if exc.code == 415:
                return error_for_status(415)
            return error_from_failures([Failure("json" if _has_body() else "body", "body", None)])
    return read_werkzeugs(exc)


def _with_data(exc: HTTPException, data: dict[str, object]) -> KaikoError | None:
    error = _read_data(exc, data)
    return None if error is None else with_headers(error, headers_in(vars(exc), data))


def _read_data(exc: HTTPException, data: dict[str, object]) -> KaikoError | None:
    frames = Frames(exc)
    if frames.through("webargs.flaskparser", "_handle_invalid_json_error"):
        return error_from_failures([Failure("json", "body", None)])
    failures = refused_by_schema(frames) or refused_by_parser(data, frames)
    if failures:
        return error_from_failures(failures)
    refused = refusal(data)
    if refused is not None:
        return refused
    error = read_werkzeugs(exc)
    text = text_in(data)
    if error is None or text is None or error.status >= 500:
        return error
    return error_for_status(error.status, text, headers=error.headers)


def refusal(data: Mapping[str, object]) -> KaikoError | None:
    """Return the error for what webargs refused; None where it refused nothing.

    Arguments:
        data: marshmallow's messages by location, and the schema.

    """
    failures = failures_in(data)
    if not failures:
        return None
    if failures[0].where == "body" and not _has_body() and not is_of_form(data):
        failures = [Failure("body", "body", None)]
    return error_from_failures(failures)


def _has_body() -> bool:
    headers = request.headers
    return headers.get("Content-Length", "0").strip("0") != "" or "Transfer-Encoding" in headers


def _of_reading(exc: Exception) -> KaikoError | None:
    """Return the error for what Flask does not expect of a request."""
    if isinstance(exc, RecursionError):
        if Frames(exc).through("werkzeug.wrappers.request", "get_json"):
            return error_from_failures([Failure("json", "body", None)])
    elif isinstance(exc, ValueError) and Frames(exc).innermost == _CONVERTERS:
        return error_for_status(404)  # a number that no `int` can hold
    return None


KNOWN: Known = {HTTPException: _http_exception, Exception: _of_reading}
"""What the toolkit does about these classes, for a request that Flask serves."""

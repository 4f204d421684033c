"""A small Flask service: bare, with the toolkit, and with error handlers by hand."""

from __future__ import annotations

import logging
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from bench.answers import MISSING, ContextNotFound, check, check_envelope, fail
from bench.wsgi import driven, environ_for
from kaiko_flask import install

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measure import Run

logger = logging.getLogger("bench.service")
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_ENVELOPES = {
    "typed": ("not_found_error", "context_not_found", "context_id"),
    "nowhere": ("not_found_error", "not_found", None),
    "bug": ("server_error", "internal", None),
}


class ServiceError(Exception):
    """What the service by hand raises for its clients."""

    status = 500
    kind = "server_error"
    code = "internal"
    param: str | None = None


class ContextNotFoundByHand(ServiceError):
    """The context does not exist, or it has expired."""

    status = 404
    kind = "not_found_error"
    code = "context_not_found"
    param = "context_id"


def bare() -> Flask:
    """Return the service alone."""
    app = Flask("service")

    @app.get("/v2/success")
    def success() -> Response:
        return jsonify(status="ok")

    @app.get("/v2/typed")
    def typed() -> Response:
        raise ContextNotFound(MISSING)

    @app.get("/v2/typed_by_hand")
    def typed_by_hand() -> Response:
        raise ContextNotFoundByHand(MISSING)

    @app.get("/v2/bug")
    def bug() -> Response:
        return jsonify(fail())

    return app


def ours() -> Flask:
    """Return it with the toolkit."""
    app = bare()
    install(app)
    return app


def by_hand() -> Flask:
    """Return it as a careful team writes it: an id, its header, and handlers that log a line."""
    app = bare()

    @app.before_request
    def begin() -> None:
        _request_id.set(f"req-{secrets.token_hex(5)}")

    @app.after_request
    def mark(response: Response) -> Response:
        response.headers["X-Request-ID"] = _request_id.get()
        return response

    @app.errorhandler(ServiceError)
    def service_error(exc: ServiceError) -> Response:
        return _answer(exc.status, exc.kind, exc.code, str(exc), exc.param)

    @app.errorhandler(HTTPException)
    def http_exception(exc: HTTPException) -> Response:
        if exc.code == 404:
            return _answer(404, "not_found_error", "not_found", "The resource was not found")
        return _answer(
            exc.code or 500, "invalid_request_error", "bad_request", "The request is invalid"
        )

    @app.errorhandler(Exception)
    def unmapped(exc: Exception) -> Response:
        logger.error(
            "%s %s -> 500 internal [%s]",
            request.method,
            request.path,
            _request_id.get(),
            exc_info=exc,
        )
        return _envelope(500, "server_error", "internal", "Unexpected server error", None, "true")

    return app


def served(app: Flask, name: str, status: int, *, enveloped: bool = False) -> Run:
    """Return an endpoint of the service, whose answer is checked once.

    Arguments:
        app: the service.
        name: the endpoint.
        status: what it has to answer.
        enveloped: whether that is the contract's envelope.

    """
    path = f"/v2/{name}"
    heads: list[tuple[str, list[tuple[str, str]]]] = []

    def note(line: str, fields: list[tuple[str, str]], *_rest: object) -> Callable[[bytes], object]:
        heads.append((line, fields))
        return lambda _data: None

    app.logger.setLevel(logging.CRITICAL + 1)  # Flask's own record is on all sides the same
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answered: Any = app(environ_for(path), note)  # it may have a `close`
    body = b"".join(answered)
    if hasattr(answered, "close"):
        answered.close()
    check(name, int(heads[0][0][:3]), status)
    if enveloped:
        fields = [(key.encode(), value.encode()) for key, value in heads[0][1]]
        check_envelope(name, fields, body, _ENVELOPES[name.removesuffix("_by_hand")])
    return driven(app, path)


def _answer(status: int, kind: str, code: str, message: str, param: str | None = None) -> Response:
    request_id = _request_id.get()
    logger.info(
        "%s %s -> %d %s: %s [%s]",
        request.method,
        request.path,
        status,
        code,
        message,
        request_id,
    )
    return _envelope(status, kind, code, message, param, "false")


def _envelope(  # noqa: PLR0917 - the parts of an answer
    status: int, kind: str, code: str, message: str, param: str | None, retry: str
) -> Response:
    error = {
        "type": kind,
        "code": code,
        "message": message,
        "param": param,
        "request_id": _request_id.get(),
    }
    response = jsonify(error=error)
    response.status_code = status
    response.headers["X-Should-Retry"] = retry
    response.headers["Cache-Control"] = "no-store"
    return response

"""Asks a Flask application that has the toolkit installed, and reads the error of its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Flask

from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_middleware import ConflictError, ExceptionMapping
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.asgi.server import Answer
    from kaiko_middleware import Config

JSON = "application/json"
HTML = [("Accept", "text/html")]
INTERNAL = (500, "internal", None, "Unexpected server error")


class SoldOut(ConflictError, code="flask_sold_out", param="sku"):
    """A typed error of the service's."""


class StockError(Exception):
    """An exception of the service's that the configuration maps."""


def mapping() -> ExceptionMapping:
    """Map `StockError`, but not one that says it is unknown."""
    made = ExceptionMapping()
    made.register(StockError, lambda exc: None if exc.args else SoldOut("Mapped"))
    return made


def make_app(config: Config | None = None, **settings: Any) -> Flask:
    """Return an application, installed, that logs nothing by itself."""
    app = Flask("service")
    app.config.update(settings)
    install(app, config)
    return app


def add(app: Flask, path: str, view: Callable[..., Any], **options: Any) -> Flask:
    """Add a view."""
    app.add_url_rule(path, endpoint=path, view_func=view, **options)
    return app


def raising(app: Flask, exc: Callable[[], BaseException] | type[BaseException]) -> Flask:
    """Add a view that raises."""

    def view() -> str:
        raise exc()

    return add(app, "/x", view, methods=["GET", "POST"])


def surround(app: Any, around: Callable[[Any], Any]) -> None:
    """Put WSGI middleware around an application, as Flask's documentation does."""
    app.wsgi_app = around(app.wsgi_app)


def error_of(answer: Answer) -> dict[str, Any]:
    """Return the error of an answer that follows the contract."""
    assert check_answer(answer.status, answer.headers, answer.body) == []
    error: dict[str, Any] = json.loads(answer.body)["error"]
    return error


def ask_error(app: Any, path: str = "/x", **request: Any) -> tuple[int, str, str | None, str]:
    """Return the status, the code, the param and the message of the answer."""
    answer = ask_wsgi(app, path, **request)
    error = error_of(answer)
    return answer.status, error["code"], error["param"], error["message"]


def post(app: Any, path: str, body: bytes, kind: str | None = JSON) -> tuple[Any, ...]:
    """Send a body."""
    headers = [("Content-Type", kind)] if kind else []
    return ask_error(app, path, method="POST", headers=headers, body=body)

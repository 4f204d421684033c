"""Asks an application with the plugin, and reads the error of its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Response

from adapters.asgi.server import ask
from kaiko_litestar import KaikoPlugin
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from litestar.types import ControllerRouterHandler

    from adapters.asgi.server import Answer
    from kaiko_middleware import Config

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def make_app(
    handlers: Iterable[ControllerRouterHandler], config: Config | None = None, **settings: Any
) -> Any:
    """Return an application with the plugin; its types are not those of other ASGI applications."""
    settings.setdefault("logging_config", None)
    return Litestar([*handlers], plugins=[KaikoPlugin(config)], **settings)


def error_of(answer: Answer) -> dict[str, Any]:
    """Return the error of an answer that follows the contract."""
    assert check_answer(answer.status, answer.headers, answer.body) == []
    error: dict[str, Any] = json.loads(answer.body)["error"]
    return error


def ask_error(app: Any, path: str, **request: Any) -> tuple[int, str, str | None, str]:
    """Return the status, the code, the param and the message of the answer."""
    answer = ask(app, path, **request)
    error = error_of(answer)
    return answer.status, error["code"], error["param"], error["message"]


def post(app: Any, path: str, body: bytes, kind: str | None = JSON) -> Answer:
    """Send a body."""
    headers = [("Content-Length", str(len(body))), *([("Content-Type", kind)] if kind else [])]
    return ask(app, path, method="POST", headers=headers, body=[body])


def answering(status: int, text: str) -> Callable[[Any, Any], Response[dict[str, str]]]:
    """Return an exception handler of a service's."""

    def handler(_request: Any, _exc: Any) -> Response[dict[str, str]]:
        return Response({"detail": text}, status_code=status)

    return handler

"""An application that fails in each way that its tools see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, request

from kaiko_flask import install
from kaiko_middleware import NotFoundError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kaiko_middleware import Config

BUGS = ["/bug", "/group", "/handler", "/stream", "/cut", "/teardown"]
NO_BUGS = ["/typed", "/down", "/timeout", "/http", "/http-500", "/after", "/nowhere", "/returned"]
BUGS_WITHOUT_US = ["/typed", "/down", "/timeout", "/after"]
"""What Flask takes for bugs, without the toolkit."""
PATHS = [*BUGS, *NO_BUGS, "/ok"]


class BugError(Exception):
    """It has no mapping."""


def make(config: Config | None = None, *, before: bool = True, **settings: Any) -> Flask:
    """Return an application.

    Arguments:
        config: how the toolkit is installed; None leaves it out.
        before: whether it is installed before the rest is added.
        settings: Flask's.

    """
    app = Flask("observed")
    app.logger.disabled = True
    app.config.update(settings)
    if config is not None and before:
        install(app, config)
    for path, view in VIEWS.items():
        app.add_url_rule(path, endpoint=path, view_func=view)
    app.register_error_handler(ZeroDivisionError, _broken)
    app.after_request(_after)
    app.teardown_request(_teardown)
    if config is not None and not before:
        install(app, config)
    return app


def _raises(make: Callable[[], Exception]) -> Callable[[], str]:
    def view() -> str:
        raise make()

    return view


def _streams(*chunks: str) -> Callable[[], Response]:
    def generate() -> Iterator[str]:
        yield from chunks
        raise BugError

    return lambda: Response(generate(), content_type="text/plain")


VIEWS: dict[str, Callable[[], Any]] = {
    "/bug": _raises(BugError),
    "/group": _raises(lambda: ExceptionGroup("g", [NotFoundError(), BugError()])),
    "/handler": _raises(ZeroDivisionError),
    "/stream": _streams(),
    "/cut": _streams("a"),
    "/teardown": lambda: "torn",
    "/typed": _raises(NotFoundError),
    "/down": _raises(ServiceUnavailableError),
    "/timeout": _raises(TimeoutError),
    "/http": lambda: abort(403),
    "/http-500": lambda: abort(500),
    "/after": lambda: "after",
    "/returned": lambda: ("broken", 500),
    "/ok": lambda: "ok",
}


def _broken(_exc: Exception) -> str:
    raise BugError


def _after(response: Response) -> Response:
    if request.path == "/after" and response.status_code == 200:
        raise NotFoundError
    return response


def _teardown(_exc: object) -> None:
    if request.path == "/teardown":
        raise BugError

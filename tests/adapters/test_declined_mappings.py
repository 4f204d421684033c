"""A mapping that declines, or fails, leaves an exception to whom the framework would ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from fastapi import FastAPI
from flask import Flask
from flask import Response as FlaskResponse
from litestar import Litestar, Response, get
from litestar.testing import TestClient as LitestarClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import kaiko_fastapi
import kaiko_flask
import kaiko_starlette
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import Config, ExceptionMapping, KaikoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.websockets import WebSocket


class ShopError(Exception):
    """What the service has a handler for."""


class StockError(ShopError):
    """What it maps."""


def declining(_exc: StockError) -> KaikoError | None:
    """Say that it is no error for the table."""
    return None


def failing(_exc: StockError) -> NoReturn:
    """Have a bug."""
    raise LookupError


def raising() -> NoReturn:
    """Be the view."""
    raise StockError


def of(app: Starlette, handled: type[Exception]) -> Starlette:
    """Give an application a view that fails, and a handler of this class."""

    def handler(_request: Request, _exc: Exception) -> PlainTextResponse:
        return PlainTextResponse("Sold out", 409)

    handler.__module__ = "fastapi_shop.errors"  # a service's, whatever its name starts with
    app.router.routes.append(Route("/", lambda _request: raising()))
    app.add_exception_handler(handled, handler)
    return app


def ask_starlette(handled: type[Exception], config: Config) -> tuple[int, Any]:
    """Ask an application with a handler of this class."""
    app = of(Starlette(), handled)
    kaiko_starlette.install(app, config)
    answer = TestClient(app, raise_server_exceptions=False).get("/")
    return answer.status_code, answer.json()


def ask_fastapi(handled: type[Exception], config: Config) -> tuple[int, Any]:
    """Ask one of FastAPI's."""
    app = FastAPI()
    of(app, handled)
    kaiko_fastapi.install(app, config)
    answer = TestClient(app, raise_server_exceptions=False).get("/")
    return answer.status_code, answer.json()


def ask_flask(handled: type[Exception], config: Config) -> tuple[int, Any]:
    """Ask one of Flask's."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=raising)
    app.register_error_handler(handled, lambda _: FlaskResponse("Sold out", 409))
    kaiko_flask.install(app, config)
    answer = app.test_client().get("/")
    return answer.status_code, answer.get_json()


def ask_litestar(handled: type[Exception], config: Config) -> tuple[int, Any]:
    """Ask one of Litestar's."""

    @get("/", sync_to_thread=False)
    def view() -> None:
        raising()

    def handler(_request: Any, _exc: Exception) -> Response[str]:
        return Response("Sold out", status_code=409, media_type="text/plain")

    app = Litestar(
        [view],
        exception_handlers={handled: handler},
        plugins=[KaikoPlugin(config)],
        logging_config=None,  # it would set the root logger's level for all other tests
    )
    with LitestarClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/")
    return answer.status_code, answer.json()


FRAMEWORKS = [ask_starlette, ask_fastapi, ask_flask, ask_litestar]


@pytest.mark.parametrize("ask", FRAMEWORKS, ids=lambda ask: ask.__name__[4:])
@pytest.mark.parametrize("mapped_by", [declining, failing])
@pytest.mark.parametrize("handled", [ShopError, Exception])
def test_the_services_next_handler_is_asked(
    ask: Callable[[type[Exception], Config], tuple[int, Any]],
    mapped_by: Callable[[StockError], KaikoError | None],
    handled: type[Exception],
) -> None:
    """That of a base class, or of last resort, as if nothing was mapped."""
    mapping = ExceptionMapping()
    mapping.register(StockError, mapped_by)
    status, body = ask(handled, Config(mapping=mapping))
    assert (status, body["error"]["message"]) == (409, "Sold out")


@pytest.mark.parametrize("ask", FRAMEWORKS, ids=lambda ask: ask.__name__[4:])
def test_without_one_it_is_a_bug(
    ask: Callable[[type[Exception], Config], tuple[int, Any]],
) -> None:
    """Of 500, with the fixed message."""
    mapping = ExceptionMapping()
    mapping.register(StockError, declining)
    status, body = ask(KeyError, Config(mapping=mapping))
    assert (status, body["error"]["code"]) == (500, "internal")


def test_the_next_handler_of_a_socket_is_asked() -> None:
    """It closes the socket in its own way, and returns nothing."""

    async def view(socket: WebSocket) -> None:
        await socket.accept()
        raising()

    async def handler(socket: WebSocket, _exc: Exception) -> None:
        await socket.close(4009, "Sold out")

    app = Starlette(routes=[WebSocketRoute("/", view)])
    given: Any = handler  # a stub knows handlers of requests alone
    app.add_exception_handler(ShopError, given)
    mapping = ExceptionMapping()
    mapping.register(StockError, declining)
    kaiko_starlette.install(app, Config(mapping=mapping))
    with (
        TestClient(app).websocket_connect("/") as socket,
        pytest.raises(WebSocketDisconnect) as end,
    ):
        socket.receive_text()
    assert (end.value.code, end.value.reason) == (4009, "Sold out")

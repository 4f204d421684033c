"""The acts of the shared scenarios on Litestar, adopted as the quick start says, and bare."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn, cast

from litestar import Litestar, MediaType, Request, Response, WebSocket, get, post, route, websocket
from litestar.exceptions import HTTPException, NotFoundException, ValidationException
from litestar.params import FromPath, FromQuery, JSONBody  # noqa: TC002 - read at run time
from litestar.response import Stream

from conformance.asgi_client import AsgiDriver
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import InvalidRequestError, NotFoundError, current_request_id, parse_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar.types import ExceptionHandlersMap

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send


@route("/s/{name:str}", http_method=["GET", "HEAD", "POST"])
async def view(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
    """Do what the scenario says."""
    scenario = BY_NAME.get(name)
    if scenario is None:
        raise NotFoundException
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            return Response(
                act.body,
                status_code=act.status,
                media_type=act.content_type,
                headers=dict(act.headers),
            )
        case Streams():
            return Stream(_chunks(act), status_code=200, media_type=act.content_type)
        case Parses():
            parse_body(Body, await request.body())
            return Response({}, status_code=200, media_type=MediaType.JSON)
        case _:
            raise NotFoundException


async def _chunks(act: Streams) -> AsyncIterator[bytes]:
    for chunk in act.chunks:
        yield chunk
    if act.make is not None:
        raise act.make()


@get("/refuses")
async def refuses() -> None:
    """Take no method but GET."""


@get("/id")
async def ids(request: Request[Any, Any, Any]) -> list[str | None]:
    """Answer with the id, from both places where it stands."""
    return [current_request_id(), request.state.kaiko_request_id]


@post("/validated")
async def validated(data: JSONBody[dict[str, int]], limit: FromQuery[int]) -> dict[str, int]:
    """Let Litestar validate the request."""
    return {**data, "limit": limit}


@websocket("/before")
async def before(socket: WebSocket[Any, Any, Any]) -> None:
    """Fail before `accept`."""
    del socket
    raise NotFoundError


@websocket("/after")
async def after(socket: WebSocket[Any, Any, Any]) -> None:
    """Fail after it."""
    await socket.accept()
    raise NotFoundError


def _answer(_request: object, exc: HTTPException) -> Response[dict[str, str]]:
    return Response({"detail": exc.detail}, status_code=exc.status_code, headers=exc.headers)


def _refuse(_request: object, exc: ValidationException) -> NoReturn:
    raise InvalidRequestError from exc


def _hand_on(_request: object, exc: Exception) -> NoReturn:
    raise exc


HANDLERS: ExceptionHandlersMap = {
    HTTPException: _answer,
    ValidationException: _refuse,
    Exception: _hand_on,
}


def make_app(*, adopted: bool) -> ASGIApp:
    """Return the application under the middleware; whether Litestar lets errors through."""
    litestar = Litestar(
        [view, refuses, ids, validated, before, after],
        exception_handlers=HANDLERS if adopted else {},
        logging_config=None,
        openapi_config=None,
    )
    # Litestar has types of its own for what ASGI calls a scope, a receive and a send.
    return KaikoMiddleware(cast("Any", litestar))


def served(app: ASGIApp) -> ASGIApp:
    """Tell `app` that the request is over once it is, as servers do: Litestar's streams wait."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        asked = False
        over = asyncio.Event()

        async def receiving() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return await receive()
            await over.wait()
            return {"type": "http.disconnect"}

        async def sending(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                over.set()

        await app(scope, receiving, sending)

    return application


ADOPTED = AsgiDriver("litestar", served(make_app(adopted=True)))
ALONE = AsgiDriver("litestar-alone", served(make_app(adopted=False)))

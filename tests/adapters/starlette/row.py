"""A row: one way by which an error answer leaves a Starlette service, and what becomes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from kaiko_middleware.catalog import STATUSES

if TYPE_CHECKING:
    from starlette.endpoints import HTTPEndpoint
    from starlette.middleware import Middleware
    from starlette.websockets import WebSocket

    from kaiko_asgi import ASGIApp, Message

Endpoint = Callable[[Request], Awaitable[Response] | Response]


@dataclass(frozen=True)
class Ask:
    """An HTTP request."""

    path: str = "/x"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: tuple[bytes, ...] = (b"",)
    leaves: bool = False


@dataclass(frozen=True)
class Connect:
    """A WebSocket connection."""

    path: str = "/ws"
    headers: tuple[tuple[str, str], ...] = ()
    incoming: tuple[Message, ...] = ()


# --- what becomes of it --------------------------------------------------------------


@dataclass(frozen=True)
class Envelope:
    """An envelope; on a WebSocket, as the answer that denies it."""

    status: int
    code: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def type(self) -> str:
        """The type that goes with the status."""
        return STATUSES[self.status].type


@dataclass(frozen=True)
class Closed:
    """The open WebSocket is closed with this code, the reason naming the error's code."""

    status: int
    code: str


@dataclass(frozen=True)
class Ended:
    """The stream ends with a last event that holds the envelope."""

    code: str


@dataclass(frozen=True)
class Cut:
    """The head went out before it failed: the client sees that the answer is not whole."""

    before: bytes


@dataclass(frozen=True)
class Alone:
    """Left alone on purpose: what goes out is what went out before, and the id."""

    status: int
    why: str


@dataclass(frozen=True)
class Gone:
    """Nobody waits for an answer: nothing is logged as an error and nothing is raised."""


@dataclass(frozen=True)
class Unreachable:
    """No code of the service runs, so none of ours."""

    why: str


Becomes = Envelope | Closed | Ended | Cut | Alone | Gone | Unreachable


@dataclass(frozen=True)
class Row:
    """One way, how it is gone, and what must become of it."""

    name: str
    app: Callable[[], Starlette]
    ask: Ask | Connect
    becomes: Becomes
    rough: Envelope | None = field(default=None, kw_only=True)
    """What must become of it without `install`, where that knows less."""
    in_process: bool = field(default=True, kw_only=True)
    """False where only a real server shows it."""
    over_http: bool = field(default=True, kw_only=True)
    """False where a client cannot show it."""
    since: tuple[int, int] = field(default=(1, 0), kw_only=True)
    """The Starlette that has it, among the oldest and the newest that are claimed."""

    def as_adopted(self, *, installed: bool) -> Row:
        """Return the row for `install`, or for the middleware alone."""
        return self if installed or self.rough is None else replace(self, becomes=self.rough)


# --- applications of one route -------------------------------------------------------


def view(
    endpoint: Endpoint | ASGIApp | type[HTTPEndpoint],
    *,
    path: str = "/x",
    methods: list[str] | None = None,
    middleware: Sequence[Middleware] = (),
    handlers: dict[Any, Any] | None = None,
    **others: Any,
) -> Callable[[], Starlette]:
    """Return a maker of an application with one route."""

    def make() -> Starlette:
        return Starlette(
            # A Route takes instances that are ASGI applications, though its type does not say.
            routes=[Route(path, cast("Any", endpoint), methods=methods)],  # of any shape
            middleware=middleware,
            exception_handlers=handlers,
            **others,
        )

    return make


def socket(
    endpoint: Callable[[WebSocket], Awaitable[None]],
    *,
    middleware: Sequence[Middleware] = (),
) -> Callable[[], Starlette]:
    """Return a maker of an application with one WebSocket route."""
    return lambda: Starlette(routes=[WebSocketRoute("/ws", endpoint)], middleware=middleware)


def raises(make: Callable[[], BaseException]) -> Endpoint:
    """Return an endpoint that raises what `make` makes."""

    async def endpoint(_request: Request) -> Response:
        raise make()

    return endpoint


def returns(make: Callable[[], Any]) -> Endpoint:
    """Return an endpoint that returns what `make` makes."""

    async def endpoint(_request: Request) -> Response:
        response: Response = make()
        return response

    return endpoint

"""What the application gets as `send`: one look at the head, which says where all events go.

The head of a success of known length gets the id and goes to the server, and its body after
it. So does a reply of ours that nothing was added to. Everything else goes through an
`ExchangeDriver`.

This runs for every answer, so it is optimized for the common case: a call costs as much as
the look at a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.cors import CorsHeaders
from kaiko_asgi.exchange_driver import ExchangeDriver
from kaiko_asgi.scope import BODY_LIMIT
from kaiko_middleware.headers import is_field_name, is_field_value
from kaiko_middleware.layers import LAYERS, Layers

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_asgi._types import ASGIApp, Message, Receive, Scope, Send
    from kaiko_asgi.exchange_driver import LastResort
    from kaiko_middleware.pipeline import Pipeline

__all__ = ["Knowledge", "SendWrapper"]

_NAMES_KEPT = 512
# Nearly every answer has one of these, which need no look for control characters.
_USUAL_TYPES = frozenset(
    {b"application/json", b"text/html; charset=utf-8", b"text/plain; charset=utf-8"}
)
_NONE_USUAL = frozenset[bytes]()
# Marks the header that is to be replaced; recognized by identity.
_OWN = frozenset({b""})
# Puts another byte in place of those that no value may have. Where there is none,
# `translate` returns the very object it was given, or else an equal one.
_VALUE = bytes(byte if is_field_value(chr(byte)) else 32 for byte in range(256))


class Knowledge:
    """What one middleware knows, for all of its responses.

    Arguments:
        pipeline: the core's steps.
        app: what the middleware wraps.
        ours: the class of the middleware.
        last_resort: what a framework has outside of the middleware.

    """

    __slots__ = ("cors", "header", "last_resort", "names", "pipeline")

    def __init__(
        self, pipeline: Pipeline, app: ASGIApp, ours: type, last_resort: LastResort | None
    ) -> None:
        self.pipeline: Pipeline = pipeline
        self.last_resort: LastResort | None = last_resort
        id_header = pipeline.config.request_id_header
        owner = getattr(last_resort, "app", None)
        self.cors: CorsHeaders = CorsHeaders(app, id_header, owner=owner, ours=ours)
        self.header: bytes = id_header.lower().encode("ascii")
        # The names that were found to be names, with their usual values; None: a length.
        self.names: dict[bytes, frozenset[bytes] | None] = {
            b"content-type": _USUAL_TYPES,
            b"content-length": None,
            self.header: _OWN,
        }

    def learn(self, message: Message) -> None:
        """Look at the names of a head that has one that was not seen yet."""
        for name, _ in message.get("headers", ()):
            if (
                name not in self.names
                and len(self.names) < _NAMES_KEPT
                and is_field_name(name.decode("latin-1"))
            ):
                self.names[name] = self.names.get(name.lower(), _NONE_USUAL)


class SendWrapper:
    """The `send` of one response; whoever makes one sets all its attributes."""

    # No __init__, which would cost as much as the look at the head.
    __slots__ = ("client", "driver", "known", "request_id", "scope", "server", "way")

    known: Knowledge
    scope: Scope
    request_id: str
    client: Receive
    """The server's `receive`."""
    server: Send
    """The server's `send`."""
    way: Send | None
    """Where the events go: to the server or to the driver; None before the first."""
    driver: ExchangeDriver | None

    # A plain function, which returns an awaitable of somebody else's: a coroutine of our
    # own for each event would cost as much as all the rest.
    def send(self, message: Message) -> Awaitable[None]:  # noqa: C901 - each call would cost as much as a header
        """Take one event of the application's."""
        way = self.way
        if way is not None:
            return way(message)
        known = self.known
        plain: list[tuple[bytes, bytes]] | None = None
        try:
            status: int = message["status"]  # only the start of a response has one
            headers: list[tuple[bytes, bytes]] = message["headers"]
            # What is no list may be one that can be looked at only once.
            if 200 <= status < 400 and type(headers) is list:
                known_length = False
                names = known.names
                for name, value in headers:
                    usual = names[name]
                    if usual is None:
                        known_length = value.isdigit()
                    elif value in usual:
                        continue
                    elif usual is _OWN or value.translate(_VALUE) is not value:
                        break
                else:
                    if known_length:
                        plain = headers
        except KeyError:
            known.learn(message)
        if plain is not None and BODY_LIMIT not in self.scope:
            # A new list in a new message: a response object may be sent twice.
            message = {**message}
            message["headers"] = [*plain, (known.header, self.request_id.encode())]
            way = self.server
        elif LAYERS in self.scope["state"] and self._is_our_reply(message):
            way = self.server
        else:
            way = self.driven().send
        self.way = way
        return way(message)

    def receive(self) -> Awaitable[Message]:
        """Be the application's `receive`."""
        if self.driver is not None and self.driver.ending:
            return self._receive_after_end(self.driver)
        return self.client()

    async def _receive_after_end(self, driver: ExchangeDriver) -> Message:
        await driver.let_go()  # the application waits for its client, which waits for the end
        return await self.client()

    def _is_our_reply(self, message: Message) -> bool:
        """Whether this is the head of a reply that was made for this request, untouched."""
        layers: object = self.scope["state"].get(LAYERS)
        return (
            isinstance(layers, Layers)
            and layers.request_id == self.request_id
            and layers.sent is not None
            and "headers" in message
            and tuple(message["headers"]) == layers.sent
            and BODY_LIMIT not in self.scope
        )

    def driven(self) -> ExchangeDriver:
        """Return the driver of this response, made when it is first asked for."""
        if self.driver is None:
            known = self.known
            self.driver = ExchangeDriver(
                known.pipeline, self.scope, self.request_id, self.server, cors=known.cors
            )
        return self.driver

"""What the application gets as `send`: one look at the head, which says where all events go.

The head of a success of known length gets the id and goes to the server, and its body after
it. So does a reply of ours that nothing was added to. Everything else goes through an
`ExchangeDriver`.

This runs for every answer, so it is optimized for the common case: a call costs as much as
the look at a header.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

from kaiko_asgi.exchange_driver import ExchangeDriver, request_info
from kaiko_asgi.knowledge import USUAL_TYPES
from kaiko_asgi.scope import BODY_LIMIT
from kaiko_middleware.layers import LAYERS, PASS_THROUGH, Layers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sized

    from kaiko_asgi._types import Message, Receive, Scope, Send
    from kaiko_asgi.knowledge import Knowledge
    from kaiko_asgi.known_answers import KnownAnswer

__all__ = ["SendWrapper"]

_USUAL = tuple((b"content-type", value) for value in USUAL_TYPES)
_OCTETS: tuple[type[Sized], ...] = (bytes, bytearray, memoryview)
# What may come in the middle of a body, and is none.
_ASIDE = frozenset(f"http.response.{event}" for event in ("debug", "early_hint", "push"))


async def _nothing() -> None:
    """Send nothing."""


class SendWrapper:
    """The `send` of one response, and when it is called, the `receive`.

    Whoever makes one sets `known`, `scope`, `request_id`, `client`, `server`, `way` and `whole`: an
    `__init__` would cost as much as the look at a head.
    """

    __slots__ = (
        "client",
        "driver",
        "held",
        "known",
        "left",
        "length",
        "request_id",
        "scope",
        "sent",
        "server",
        "way",
        "whole",
    )

    known: Knowledge
    scope: Scope
    request_id: str
    client: Receive
    """The server's `receive`."""
    server: Send
    """The server's `send`."""
    way: Send | None
    """Where the events go: to the server or to the driver; None before the first."""
    whole: bool
    """Whether an answer that went past the driver has ended."""
    length: bytes | None
    """The announced length of an answer that goes past the driver; not set for any other."""
    sent: int
    """Octets of such an answer, but for the last part; not set before the first."""
    held: Message | None
    """The head of an error answer whose body is not there yet; not set before."""
    left: bool
    """Whether the application was told that its client is gone; not set before."""
    driver: ExchangeDriver
    """Not set before it is needed."""

    # A plain function, which returns an awaitable of somebody else's: a coroutine of our
    # own for each event would cost as much as all the rest.
    def send(self, message: Message) -> Awaitable[None]:  # noqa: C901 - each call would cost as much as a header
        """Take one event of the application's."""
        way, server = self.way, self.server
        if way is server:
            if "more_body" in message and message["more_body"]:  # noqa: RUF019 - `get` takes half as long again
                if self.length is not None:
                    self._count(message)
            elif "body" in message or message["type"] not in _ASIDE:
                self.whole = True
            return server(message)
        if way is not None:
            return way(message)
        known = self.known
        try:
            headers: list[tuple[bytes, bytes]] = message["headers"]
            if message["status"] == 200 and len(headers) == 2:
                # What frameworks send with JSON, and that is most of all that they send.
                first, second = headers
                name, length = first
                if (
                    second in _USUAL
                    and (name is known.length_name or known.is_length(name))
                    and length.isdigit()
                    and BODY_LIMIT not in self.scope
                ):
                    # A new list in a new message: a response object may be sent twice.
                    message = {**message}
                    message["headers"] = [first, second, (known.header, self.request_id.encode())]
                    self.length = length
                    self.way = server
                    return server(message)
            self.length = known.length_of(message)
        except (KeyError, TypeError):  # an application may give anything for a header
            if self.way is not None:
                raise  # the server did
            known.learn(message)
            self.way = way = self._way_of(message)
            return way(message)
        if self.length is None or BODY_LIMIT in self.scope:
            self.way = way = self._way_of(message)
        else:
            message = {**message}
            message["headers"] = [*headers, (known.header, self.request_id.encode())]
            self.way = way = server
        return way(message)

    def _count(self, message: Message) -> None:
        """Count what a part of the body adds to it."""
        part: object = message.get("body")
        if isinstance(part, _OCTETS):
            self.sent = getattr(self, "sent", 0) + len(part)  # as servers count

    def _way_of(self, message: Message) -> Send:
        """Return where an answer goes that is no plain success."""
        scope, state = self.scope, self.scope["state"]
        if LAYERS in state:
            if self._is_our_reply(message):
                self.length = None
                return self.server
            return self._drive
        status = message.get("status", 0)
        if (
            self.known.pipeline.config.rewrite_answers
            and 400 <= status <= 599
            and status != 500  # which is reported once it is known what comes of it
            and type(message.get("headers")) is list
            and scope["method"] != "HEAD"
            and BODY_LIMIT not in scope
            and PASS_THROUGH not in state
            and not getattr(scope.get("app"), "debug", False)
        ):
            return self._hold
        return self._drive

    def _hold(self, head: Message) -> Awaitable[None]:
        """Hold the head of an error answer until its body comes."""
        # As it is now: the application may change it meanwhile.
        self.held = {**head, "headers": [*head["headers"]]}
        self.way = self._after_error_head
        return _nothing()

    def _after_error_head(self, message: Message) -> Awaitable[None]:
        """Take what follows the head of an error answer."""
        head = self.held
        if head is None:
            return _nothing()  # our answer is out
        found = self.known.answers.recall(head, message)
        if found is None:
            return self._drive_error(head, message)
        self.held, self.whole = None, True
        return self._send_known(found)

    async def _drive_error(self, head: Message, message: Message) -> None:
        await self._drive(message)
        self.known.answers.remember(head, message)

    async def _drive(self, message: Message) -> None:
        """Take an event of an answer that needs a look, as long as it needs one."""
        driver = self.driven()
        self.way = self._drive
        await driver.send(message)
        response = driver.response
        if response.passing:
            self.way, self.length = self.server, driver.length
        elif response.endable and response.started:
            self.way = driver.stream

    def driven(self) -> ExchangeDriver:
        """Return the driver of this response, made when it is first asked for."""
        driver: ExchangeDriver | None = getattr(self, "driver", None)
        if driver is None:
            known = self.known
            driver = self.driver = ExchangeDriver(
                known.pipeline, self.scope, self.request_id, self.server, known.cors
            )
            held: Message | None = getattr(self, "held", None)
            if held is not None:
                driver.start(held)
                self.held = None
            elif self.whole or self.way is self.server:
                driver.response.pass_on(whole=self.whole)
        elif self.whole:
            driver.response.whole = True
        length: bytes | None = getattr(self, "length", None)
        if length is not None and not self.whole:
            driver.response.all_sent = length == b"%d" % getattr(self, "sent", 0)
        return driver

    def abandon(self) -> None:
        """Take note that the application was stopped."""
        if hasattr(self, "driver"):
            self.driver.abandon()

    async def end(self) -> None:
        """Take note that the application returned before its answer was whole."""
        await self.driven().end(self.client, client_left=getattr(self, "left", False))

    async def _send_known(self, found: KnownAnswer) -> None:
        """Send what such an error answer became before."""
        known, request_id = self.known, self.request_id
        known.pipeline.report(found.error, None, request_info(self.scope, request_id))
        for event in found.events(known.header, request_id.encode()):
            await self.server(event)

    # One callable less for each request, since few applications call this one.
    async def __call__(self) -> Message:
        """Be the application's `receive`."""
        if hasattr(self, "driver") and self.driver.ending:
            # The application waits for its client, which waits for the end.
            await self.driver.let_go()
        message = await self.client()
        if message["type"] == "http.disconnect":
            self.left = True
        return message

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


# asgiref's bridge from WSGI warns of a `send` that is not known to be awaited.
if sys.version_info >= (3, 12):
    inspect.markcoroutinefunction(SendWrapper.send)
else:
    import asyncio.coroutines

    vars(SendWrapper.send)["_is_coroutine"] = vars(asyncio.coroutines)["_is_coroutine"]

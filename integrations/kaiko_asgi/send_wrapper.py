"""What the application gets as `send`: one look at the head, which says where all events go.

The head of a success of known length gets the id and goes to the server, and its body after
it. So does a reply of ours that nothing was added to. All else goes by a `Flow`.

This runs for every answer, so that its shape is what costs least: a call of our own costs as
much as the look at a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.exchange_driver import Flow
from kaiko_asgi.scope import BODY_LIMIT, STATE_HEAD, is_answerable, request_info
from kaiko_middleware.headers import is_field_name, is_field_value

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_asgi._types import Message, Scope, Send
    from kaiko_middleware.pipeline import Pipeline

__all__ = ["Heads", "Outgoing"]

_NAMES_KEPT = 512
# Nearly every answer has one of these, which need no look for control characters.
_USUAL_TYPES = frozenset(
    {b"application/json", b"text/html; charset=utf-8", b"text/plain; charset=utf-8"}
)
_NONE_USUAL = frozenset[bytes]()
# What stands for the header that is to be replaced; known by being this very object.
_OWN = frozenset({b""})
# Puts another byte in place of those that no value may have. Where there is none,
# `translate` returns the very object it was given, or else an equal one.
_VALUE = bytes(byte if is_field_value(chr(byte)) else 32 for byte in range(256))


class Heads:
    """What one middleware knows of heads.

    Arguments:
        pipeline: the core's steps.

    """

    __slots__ = ("header", "names", "pipeline")

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline: Pipeline = pipeline
        self.header: bytes = pipeline.config.request_id_header.lower().encode("ascii")
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


class Outgoing:
    """One response on its way out; whoever makes one sets all its attributes."""

    # No __init__, which would cost as much as the look at the head.
    __slots__ = ("flow", "heads", "request_id", "scope", "server", "way")

    heads: Heads
    scope: Scope
    request_id: str
    server: Send
    """The server's `send`."""
    way: Send | None
    """Where the events go: to the server or to the flow; None before the first."""
    flow: Flow | None

    # A plain function, which returns an awaitable of somebody else's: a coroutine of our
    # own for each event would cost as much as all the rest.
    def send(self, message: Message) -> Awaitable[None]:  # noqa: C901 - each call would cost as much as a header
        """Take one event of the application's."""
        way = self.way
        if way is not None:
            return way(message)
        heads = self.heads
        plain: list[tuple[bytes, bytes]] | None = None
        try:
            status: int = message["status"]  # only the start of a response has one
            headers: list[tuple[bytes, bytes]] = message["headers"]
            # What is no list may be one that can be looked at only once.
            if 200 <= status < 400 and type(headers) is list:
                known_length = False
                names = heads.names
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
            heads.learn(message)
        if plain is not None and BODY_LIMIT not in self.scope:
            # A new list in a new message: a response object may be sent twice.
            message = {**message}
            message["headers"] = [*plain, (heads.header, self.request_id.encode())]
            way = self.server
        elif self._is_our_reply(message):
            way = self.server
        else:
            way = self.as_flow().send
        self.way = way
        return way(message)

    def _is_our_reply(self, message: Message) -> bool:
        """Whether this is the head of a reply that was made for this request, untouched."""
        ours: tuple[tuple[bytes, bytes], ...] | None = self.scope["state"].get(STATE_HEAD)
        return (
            ours is not None
            and "headers" in message
            and tuple(message["headers"]) == ours
            and (self.heads.header, self.request_id.encode()) in ours
            and BODY_LIMIT not in self.scope
        )

    def as_flow(self) -> Flow:
        """Return the flow of this response, made when it is first asked for."""
        if self.flow is None:
            request = request_info(self.scope, self.request_id, typed=True)
            self.flow = Flow(self.heads.pipeline, request, self.scope, self.server)
        return self.flow

    async def fail(self, exc: BaseException) -> bool:
        """Answer an exception; return whether it is to be raised again."""
        if not is_answerable(exc):
            if self.flow is not None:
                self.flow.abandon()
            return True
        started = self.way is not None and self.flow is None
        return await self.as_flow().fail(exc, started=started)

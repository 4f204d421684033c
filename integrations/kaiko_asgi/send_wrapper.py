"""What the application gets as `send`: one look at the head, which says where all events go.

The head of a success of known length gets the id and goes to the server, and its body after
it. So does a reply of ours that nothing was added to. Everything else goes through an
`ExchangeDriver`.

This runs for every answer, so it is optimized for the common case: a call costs as much as
the look at a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.exchange_driver import Exchange, request_info
from kaiko_asgi.known_answers import KnownAnswers
from kaiko_asgi.scope import BODY_LIMIT, PASS_THROUGH
from kaiko_middleware.headers import is_field_name, is_field_value
from kaiko_middleware.layers import LAYERS, Layers

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_asgi._types import Message, Send
    from kaiko_asgi.cors import CorsHeaders
    from kaiko_asgi.known_answers import KnownAnswer
    from kaiko_middleware.pipeline import Pipeline

__all__ = ["Knowledge", "SendWrapper"]

_NAMES_KEPT = 512
# Nearly every answer has one of these, which need no look. A short tuple is searched in half
# the time of a set, for which a new value has to be hashed.
_TYPES = (b"application/json", b"text/html; charset=utf-8", b"text/plain; charset=utf-8")
_USUAL = tuple((b"content-type", value) for value in _TYPES)
_LENGTH = b"content-length"
# What may come in the middle of a body, and is none.
_ASIDE = frozenset(f"http.response.{event}" for event in ("debug", "early_hint", "push"))
# Puts another byte in place of those that no value may have. Where there is none,
# `translate` returns the very object it was given, or else an equal one.
_VALUE = bytes(byte if is_field_value(chr(byte)) else 32 for byte in range(256))


class Knowledge:
    """What one middleware knows, for all of its responses.

    Arguments:
        pipeline: the core's steps.
        cors: the CORS middleware inside.

    """

    __slots__ = ("answers", "cors", "header", "names", "pipeline")

    def __init__(self, pipeline: Pipeline, cors: CorsHeaders) -> None:
        self.pipeline: Pipeline = pipeline
        self.cors: CorsHeaders = cors
        self.header: bytes = pipeline.config.request_id_header.lower().encode("ascii")
        self.answers: KnownAnswers = KnownAnswers(pipeline)
        # The names that were found to be names; None: a length; False: to be replaced.
        self.names: dict[bytes, bool | None] = {self.header: False}

    def learn(self, message: Message) -> None:
        """Look at the names of a head that has one that was not seen yet.

        Frameworks have constants for most: the very object is found again the fastest.
        """
        headers: list[tuple[object, object]] = message.get("headers", [])
        # What is no list may be one that can be looked at only once.
        for name, _ in headers if type(headers) is list else ():
            if (
                isinstance(name, bytes)
                and name not in self.names
                and len(self.names) < _NAMES_KEPT
                and is_field_name(name.decode("latin-1"))
            ):
                lowered = name.lower()
                self.names[name] = None if lowered == b"content-length" else lowered != self.header


async def _nothing() -> None:
    """Send nothing."""


class SendWrapper(Exchange):
    """The `send` of one response, and when it is called, the `receive`.

    Whoever makes one sets all its attributes.
    """

    __slots__ = ()

    fields: list[tuple[bytes, bytes]]
    held: Message | None
    sent: int
    way: Send | None
    whole: bool

    # A plain function, which returns an awaitable of somebody else's: a coroutine of our
    # own for each event would cost as much as all the rest.
    def send(self, message: Message) -> Awaitable[None]:  # noqa: C901, PLR0912 - each call would cost as much as a header
        """Take one event of the application's."""
        way = self.way
        if way is not None:
            if way is self.server:
                if "more_body" not in message or not message["more_body"]:
                    if "body" in message or message["type"] not in _ASIDE:
                        self.whole = True
                else:
                    part: object = message.get("body")
                    if type(part) is bytes:
                        self.sent = getattr(self, "sent", 0) + len(part)
            return way(message)
        known = self.known
        fields: list[tuple[bytes, bytes]] | None = None
        try:
            status: int = message["status"]  # only the start of a response has one
            headers: list[tuple[bytes, bytes]] = message["headers"]
            if status == 200 and len(headers) == 2:
                # What frameworks send with JSON, and that is most of all that they send.
                first, second = headers
                name, value = first
                if second in _USUAL and name == _LENGTH and value.isdigit():
                    fields = [first, second, (known.header, self.request_id.encode())]
            if fields is None and 200 <= status < 400 and type(headers) is list:
                known_length = False
                names = known.names
                for name, value in headers:
                    kind = names[name]
                    if kind is None:
                        known_length = value.isdigit()
                    elif kind is False or (
                        value not in _TYPES and value.translate(_VALUE) is not value
                    ):
                        break
                else:
                    if known_length:
                        fields = [*headers, (known.header, self.request_id.encode())]
        except (KeyError, TypeError):  # an application may give anything for a header
            known.learn(message)
        if fields is not None and BODY_LIMIT not in self.scope:
            # A new list in a new message: a response object may be sent twice.
            message = {**message}
            message["headers"] = self.fields = fields
            way = self.server
        else:
            way = self._way_of(message)
        self.way = way
        return way(message)

    def _way_of(self, message: Message) -> Send:
        """Return where an answer goes that is no plain success."""
        scope, state = self.scope, self.scope["state"]
        if LAYERS in state:
            return self.server if self._is_our_reply(message) else self._drive
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
            self.way = self.server
        elif response.endable and response.started:
            self.way = driver.stream

    async def _send_known(self, found: KnownAnswer) -> None:
        """Send what such an error answer became before."""
        known, request_id = self.known, self.request_id
        known.pipeline.report(found.error, None, request_info(self.scope, request_id))
        for event in found.events(known.header, request_id.encode()):
            await self.server(event)

    # One callable less for each request, since few applications call this one.
    async def __call__(self) -> Message:
        """Be the application's `receive`."""
        driver = self.driver
        if driver is not None and driver.ending:
            await driver.let_go()  # the application waits for its client, which waits for the end
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

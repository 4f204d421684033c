"""A strict ASGI server in process: what it refuses, the real ones refuse too.

It plays a server's part for one connection and keeps what a client would have seen, with
no socket between. It runs on asyncio and on trio alike.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kaiko_asgi import ASGIApp, Message, Scope

Pairs = list[tuple[str, str]]

_BODIES = frozenset({"body", "pathsend", "zerocopysend"})
_ASIDE = frozenset({"early_hint", "debug", "push"})


class RefusedError(RuntimeError):
    """The server does not take this event, as a real one would not."""


@dataclass
class Answer:
    """What a client saw of one HTTP request, and what the server saw of the application."""

    status: int = 0
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    whole: bool = False
    events: list[Message] = field(default_factory=list)
    raised: BaseException | None = None

    def all(self, name: str) -> list[str]:
        """Return all values of a header field."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str:
        """Return the value of a header field that stands exactly once."""
        (value,) = self.all(name)
        return value

    @property
    def id(self) -> str:
        """The request id in the header."""
        return self.one("x-request-id")

    def without_id(self) -> tuple[int, Pairs, bytes, bool]:
        """Return what is compared with an application that has no middleware."""
        headers = [pair for pair in self.headers if pair[0] != "x-request-id"]
        return self.status, headers, self.body, self.whole

    def take(self, message: Message) -> None:
        """Take one event as a server does, or refuse it."""
        event = message["type"].rpartition(".")[2]
        if event in _ASIDE:
            if self.status and event != "push":  # hypercorn takes one while a body is sent
                raise RefusedError(f"{event} after the head")
        elif event == "start":
            self._take_head(message)
        elif event in _BODIES:
            if not self.status or self.whole:
                raise RefusedError(
                    f"{event} {'after the end' if self.status else 'before the head'}"
                )
            self.body += message.get("body", b"")
            self.whole = event != "body" or not message.get("more_body", False)
        elif event == "trailers":
            if not self.whole:
                raise RefusedError("trailers before the end of the body")
        else:
            raise RefusedError(message["type"])
        self.events.append(message)

    def _take_head(self, message: Message) -> None:
        if self.status:
            raise RefusedError("a second head")
        status: object = message["status"]
        if not isinstance(status, int) or not 100 <= status <= 599:
            raise RefusedError(f"status {status!r}")
        headers: Pairs = []
        for name, value in message.get("headers", ()):
            if not isinstance(name, bytes) or not isinstance(value, bytes):
                raise RefusedError(f"header {name!r}")
            if name != name.lower() or not name or name.strip(b"\r\n\0 :") != name:
                raise RefusedError(f"header {name!r}")
            if any(byte in value for byte in b"\r\n\0"):
                raise RefusedError(f"header {name!r}: {value!r}")
            headers.append((name.decode("latin-1"), value.decode("latin-1")))
        self.status, self.headers = status, headers


def http_scope(
    path: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    spec: str = "2.4",
    **others: Any,
) -> Scope:
    """Return the scope of an HTTP request, as uvicorn makes it."""
    path, _, query = path.partition("?")
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in fields):
        fields.insert(0, (b"host", b"testserver"))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": fields,
        "client": ("127.0.0.1", 50000),
        "server": ("testserver", 80),
        "state": {},
        **others,
    }


async def call(
    app: ASGIApp,
    scope: Scope,
    body: Sequence[bytes] = (b"",),
    *,
    leaves: bool = False,
    on_send: Callable[[Message], None] | None = None,
) -> Answer:
    """Serve one request; what the application raises is kept in the answer.

    Arguments:
        app: the application.
        scope: the request.
        body: its body, in the parts that arrive.
        leaves: whether the client is gone once these parts have arrived.
        on_send: called with each event before it is taken; what it raises, `send` raises.

    """
    answer = Answer()
    last = len(body) - (0 if leaves else 1)
    incoming: list[Message] = [
        {"type": "http.request", "body": part, "more_body": number < last}
        for number, part in enumerate(body)
    ]
    over = anyio.Event()

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        if not leaves:
            await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if on_send is not None:
            on_send(message)
        answer.take(message)
        if answer.whole:
            over.set()

    try:
        await app(scope, receive, send)
    except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as exc:  # noqa: BLE001 - a server sees all of these
        answer.raised = exc
    if scope["method"] == "HEAD":
        answer.body = b""
    return answer


def ask(
    app: ASGIApp,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: Sequence[bytes] = (b"",),
    leaves: bool = False,
    spec: str = "2.4",
    **others: Any,
) -> Answer:
    """Serve one request on an event loop of its own."""
    scope = http_scope(path, method=method, headers=headers, spec=spec, **others)
    return asyncio.run(call(app, scope, body, leaves=leaves))


@dataclass
class Socket:
    """What a client saw of one WebSocket connection."""

    accepted: bool = False
    headers: Pairs = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    closed: tuple[int, str] | None = None
    denial: Answer | None = None
    raised: BaseException | None = None

    def take(self, message: Message) -> None:  # noqa: C901 - a table of what follows what
        """Take one event as a server does, or refuse it."""
        kind: str = message["type"]
        if self.closed is not None:
            raise RefusedError(f"{kind} after the close")
        if kind.startswith("websocket.http.response."):
            if self.accepted:
                raise RefusedError(f"{kind} after accept")
            if self.denial is None:
                self.denial = Answer()
            self.denial.take(message)
        elif self.denial is not None:
            raise RefusedError(f"{kind} after a denial")
        elif kind == "websocket.accept":
            if self.accepted:
                raise RefusedError("a second accept")
            self.accepted = True
            self.headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
        elif kind == "websocket.close":
            self.closed = message.get("code", 1000), message.get("reason") or ""
        elif kind == "websocket.send":
            if not self.accepted:
                raise RefusedError("send before accept")
            self.sent.append(message)
        else:
            raise RefusedError(kind)


def socket_scope(
    path: str = "/",
    *,
    headers: Iterable[tuple[str, str]] = (),
    denial: bool = True,
    **others: Any,
) -> Scope:
    """Return the scope of a WebSocket connection; `denial` is the server's extension."""
    scope = http_scope(path, headers=headers)
    del scope["method"]
    extensions: dict[str, object] = {"websocket.http.response": {}} if denial else {}
    return {
        **scope,
        "type": "websocket",
        "scheme": "ws",
        "subprotocols": [],
        "extensions": extensions,
        **others,
    }


async def open_socket(
    app: ASGIApp,
    scope: Scope,
    incoming: Sequence[Message] = (),
    *,
    on_send: Callable[[Message], None] | None = None,
) -> Socket:
    """Serve one WebSocket connection whose client sends `incoming` and then leaves."""
    socket = Socket()
    pending: list[Message] = [
        {"type": "websocket.connect"},
        *incoming,
    ]

    async def receive() -> Message:
        if pending:
            return pending.pop(0)
        return {"type": "websocket.disconnect", "code": 1001, "reason": ""}

    async def send(message: Message) -> None:
        if on_send is not None:
            on_send(message)
        socket.take(message)

    try:
        await app(scope, receive, send)
    except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as exc:  # noqa: BLE001 - a server sees all of these
        socket.raised = exc
    return socket


def connect(
    app: ASGIApp,
    path: str = "/",
    *,
    headers: Iterable[tuple[str, str]] = (),
    denial: bool = True,
    incoming: Sequence[Message] = (),
    **others: Any,
) -> Socket:
    """Serve one WebSocket connection on an event loop of its own."""
    scope = socket_scope(path, headers=headers, denial=denial, **others)
    return asyncio.run(open_socket(app, scope, incoming))

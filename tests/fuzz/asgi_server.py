"""A strict ASGI server, and an application that does what a program says."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from fuzz.outcome import Outcome
from fuzz.raising import make

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fuzz.programs import Op, Program

    Scope = dict[str, Any]
    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_SECONDS = 5.0
_DENY = "websocket.http.response"


class Refused(RuntimeError):
    """The server refuses an event."""


def application(ops: list[Op]) -> App:
    """Return an application that does what the program says."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        catching = False
        for op in ops:
            verb = op[0]
            if verb == "catch":
                catching = True
            elif verb == "receive":
                await receive()
            elif verb == "later":
                await asyncio.sleep(0)
            elif verb == "raise":
                raise make(op[1])
            else:
                try:
                    await send(_event(op))
                except Exception:
                    if not catching:
                        raise

    return app


def _event(op: Op) -> Message:  # noqa: C901, PLR0912 - one branch an event
    verb = op[0]
    if verb == "start":
        return {"type": "http.response.start", "status": op[1], "headers": _octets(op[2])}
    if verb == "body":
        body = op[1].encode("latin-1", "replace")
        return {"type": "http.response.body", "body": body, "more_body": op[2]}
    if verb == "odd_body":
        odd = {
            "str": "text",
            "none": None,
            "int": 7,
            "bytearray": bytearray(b"ab"),
            "memoryview": memoryview(b"ab"),
        }
        return {"type": "http.response.body", "body": odd[op[1]], "more_body": False}
    if verb == "odd_start":
        status: Any = {"str": "200", "none": None, "float": 200.0}.get(op[1], 200)
        headers: Any = [(b"content-type", b"text/plain")]
        if op[1] == "text_fields":
            headers = [("content-type", "text/plain")]
        message = {"type": "http.response.start", "status": status, "headers": headers}
        if op[1] == "no_fields":
            del message["headers"]
        if op[1] == "iter":
            message["headers"] = iter(headers)
        return message
    if verb == "event":
        return {"type": op[1]}
    if verb == "accept":
        return {"type": "websocket.accept", "headers": _octets(op[1])}
    if verb in ("text", "bytes"):
        data = op[1] if verb == "text" else op[1].encode()
        return {"type": "websocket.send", verb: data}
    if verb == "close":
        message = {"type": "websocket.close"}
        if op[1] is not None:
            message["code"] = op[1]
        if op[2] is not None:
            message["reason"] = op[2]
        return message
    if verb == "deny":
        return {"type": f"{_DENY}.start", "status": op[1], "headers": _octets(op[2])}
    body = op[1].encode("latin-1", "replace")
    return {"type": f"{_DENY}.body", "body": body, "more_body": op[2]}


def _octets(fields: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


async def serve(app: App, program: Program) -> Outcome:
    """Serve one exchange, and return what came of it."""
    server = _Server(program)
    socket = program["kind"] == "websocket"
    scope: Scope = {
        "type": program["kind"],
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws" if socket else "http",
        "path": program["path"],
        "raw_path": program["path"].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in program["headers"]],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
        "extensions": {},
    }
    if socket:
        scope["subprotocols"] = []
        if program["deniable"]:
            scope["extensions"] = {_DENY: {}}
    else:
        scope["method"] = program["method"]
    outcome = server.outcome
    limit = asyncio.timeout(_SECONDS)
    try:
        async with limit:
            await app(scope, server.receive, server.send)
    except TimeoutError as exc:
        outcome.hung = limit.expired()
        outcome.raised = None if outcome.hung else exc
    except BaseException as exc:  # noqa: BLE001 - an application raises anything
        outcome.raised = exc
    server.finish()
    return outcome


class _Server:
    """One connection of a server that takes nothing but what the protocol allows."""

    def __init__(self, program: Program) -> None:
        self.outcome = Outcome()
        self._program = program
        self._socket = program["kind"] == "websocket"
        self._length: int | None = None
        self._left: int = program["leaves"]
        self._sent = 0
        self._over = asyncio.Event()
        self._asked = False
        self._accepted = False
        self._closed = False

    async def receive(self) -> Message:
        """Return an event of the client's."""
        if not self._asked:
            self._asked = True
            if self._socket:
                return {"type": "websocket.connect"}
            return {"type": "http.request", "body": b"", "more_body": False}
        if self._left >= 0:
            self.outcome.gone = True
        else:
            # Of an answer that never ends, a client tires.
            try:
                await asyncio.wait_for(self._over.wait(), 0.15)
            except TimeoutError:
                self.outcome.gone = True
        kind = "websocket.disconnect" if self._socket else "http.disconnect"
        return {"type": kind, "code": 1005} if self._socket else {"type": kind}

    async def send(self, message: Message) -> None:
        """Take an event of the application's."""
        if 0 <= self._left <= self._sent:
            self.outcome.gone = True
            if self._program["gone"] == "raise":
                raise OSError("the client is gone")
            return
        self._sent += 1
        kind = message.get("type")
        if self._socket and not str(kind).startswith(_DENY):
            self._take_socket(message)
        elif kind in ("http.response.start", f"{_DENY}.start"):
            self._take_start(message)
        elif kind in ("http.response.body", f"{_DENY}.body"):
            self._take_body(message)
        elif kind != "http.response.debug":
            self._refuse(f"event {kind!r}")

    def _refuse(self, why: str) -> None:
        self.outcome.refused.append(why)
        self.outcome.refused_after_head = self.outcome.status is not None or self._accepted
        raise Refused(why)

    def _take_socket(self, message: Message) -> None:
        kind = message.get("type")
        if self._closed or self.outcome.ended:
            self._refuse(f"{kind} after the end")
        elif kind == "websocket.accept":
            if self._accepted or self.outcome.status is not None:
                self._refuse("a second accept")
            _check_fields(message.get("headers", []), self._refuse)
            self._accepted = True
            self.outcome.headers = _fields(message.get("headers", []))
        elif kind == "websocket.send":
            if not self._accepted:
                self._refuse("send before accept")
        elif kind == "websocket.close":
            code, reason = message.get("code", 1000), message.get("reason") or ""
            legal = type(code) is int and (code in (1000, 1001, 1008, 1011) or 3000 <= code < 5000)
            if not legal or not isinstance(reason, str) or len(reason.encode()) > 123:
                self._refuse(f"close {code!r} {reason!r}")
            self.outcome.body = f"close {code} {reason}".encode()
            self._closed = True
            self.outcome.ended = True
            self.outcome.refused_socket = not self._accepted
            self._over.set()
        else:
            self._refuse(f"event {kind!r}")

    def _take_start(self, message: Message) -> None:
        if self.outcome.status is not None or self._accepted or self._closed:
            self._refuse("a second start")
        if self._socket and not self._program["deniable"]:
            self._refuse("a denial that was not offered")
        status: object = message.get("status")
        if type(status) is not int or not 100 <= status <= 999:
            self._refuse(f"status {status!r}")
            return
        headers: Any = message.get("headers", [])
        headers = list(headers)
        _check_fields(headers, self._refuse)
        lengths = {v for k, v in headers if k.lower() == b"content-length"}
        if len(lengths) > 1 or not all(v.isdigit() for v in lengths):
            self._refuse(f"lengths {lengths}")
        self._length = int(lengths.pop()) if lengths else None
        self.outcome.status = status
        self.outcome.headers = _fields(headers)

    def _take_body(self, message: Message) -> None:
        outcome = self.outcome
        if outcome.status is None:
            self._refuse("a body before a start")
        if outcome.ended:
            self._refuse("a body after the end")
        body = message.get("body", b"")
        if type(body) is not bytes:
            self._refuse(f"a body of {type(body).__name__}")
        if self._program["method"] != "HEAD" and outcome.status not in (204, 304):
            outcome.body += body
            if self._length is not None and len(outcome.body) > self._length:
                self._refuse("a body that is too long")
        if not message.get("more_body", False):
            bodiless = self._program["method"] == "HEAD" or outcome.status in (204, 304)
            if not bodiless and self._length is not None and len(outcome.body) < self._length:
                self._refuse("a body that is too short")
            outcome.ended = True
            self._over.set()

    def finish(self) -> None:
        """Take note that the application is done."""
        if self._socket and self._accepted:
            self.outcome.ended = True  # the server closes what the application left open


def _check_fields(headers: Any, refuse: Callable[[str], None]) -> None:
    for field in headers:
        name, value = field
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            refuse(f"a header of text: {name!r}")
        elif not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            refuse(f"header {name!r}: {value!r}")


def _fields(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]

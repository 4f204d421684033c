"""A bare ASGI client: sends one request, sees what a server would have sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.driver import Result

if TYPE_CHECKING:
    from conformance.driver import Sent
    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send


class AsgiDriver:
    """Drives any ASGI application in process; checks that its events are in order."""

    def __init__(self, name: str, app: ASGIApp, lacks: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.lacks = lacks
        self.app = app

    def send(self, sent: Sent) -> Result:
        """Send a request."""
        return asyncio.run(call(self.app, sent))


async def call(app: ASGIApp, sent: Sent) -> Result:
    """Send one request to `app` and return what a client saw."""
    status = 0
    headers: tuple[tuple[str, str], ...] = ()
    body = b""
    complete = False
    disconnected = asyncio.Event()
    last = max(len(sent.parts) - 1, 0)
    incoming: list[Message] = [
        {"type": "http.request", "body": part, "more_body": number < last}
        for number, part in enumerate(sent.parts or (b"",))
    ]

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        await disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, headers, body, complete
        if message["type"] == "http.response.start":
            assert status == 0, "a second head"
            status = message["status"]
            for name, value in message["headers"]:
                assert isinstance(name, bytes)
                assert isinstance(value, bytes)
                headers += ((name.decode("latin-1"), value.decode("latin-1")),)
        else:
            assert status, "a body before the head"
            assert not complete, "a body after the end"
            if sent.method != "HEAD":
                body += message.get("body", b"")
            complete = not message.get("more_body", False)

    length = sent.parts and sent.says_length
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": sent.path,
        "raw_path": sent.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"testserver"),
            *((n.lower().encode(), v.encode()) for n, v in sent.headers),
            *([(b"content-length", str(len(sent.body)).encode())] if length else []),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    try:
        await app(scope, receive, send)
    except Exception:  # noqa: BLE001, S110 - a server logs it; the client sees what was sent
        pass
    return Result(status, headers, body, cut=not complete)


def disconnecting(app: ASGIApp) -> ASGIApp:
    """Tell `app` that the request is over once it is, as servers do: some frameworks wait."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        whole = False
        over = asyncio.Event()

        async def receiving() -> Message:
            nonlocal whole
            if not whole:
                message = await receive()
                whole = not message["more_body"]
                return message
            await over.wait()
            return {"type": "http.disconnect"}

        async def sending(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                over.set()

        await app(scope, receiving, sending)

    return application

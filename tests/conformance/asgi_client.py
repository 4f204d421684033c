"""A bare ASGI client: sends one request, sees what a server would have sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.driver import Result, path_of

if TYPE_CHECKING:
    from conformance.scenarios import Scenario
    from kaiko_asgi import ASGIApp, Message, Scope


class AsgiDriver:
    """Drives any ASGI application in process; checks that its events are in order."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self.name = name
        self.app = app

    def run(self, scenario: Scenario) -> Result:
        """Send the scenario's request."""
        return asyncio.run(call(self.app, scenario))


async def call(app: ASGIApp, scenario: Scenario) -> Result:
    """Send one request to `app` and return what a client saw."""
    status = 0
    headers: tuple[tuple[str, str], ...] = ()
    body = b""
    complete = False
    disconnected = asyncio.Event()
    incoming: list[Message] = [{"type": "http.request", "body": scenario.body, "more_body": False}]

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
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
            if scenario.method != "HEAD":
                body += message.get("body", b"")
            complete = not message.get("more_body", False)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": scenario.method,
        "scheme": "http",
        "path": path_of(scenario),
        "raw_path": path_of(scenario).encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"testserver"),
            *((n.lower().encode(), v.encode()) for n, v in scenario.request_headers),
            *([(b"content-length", str(len(scenario.body)).encode())] if scenario.body else []),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    try:
        await app(scope, receive, send)
    except Exception:  # noqa: BLE001, S110 - a server logs it; the client sees what was sent
        pass
    return Result(status, headers, body, cut=not complete)

"""Small ASGI applications and what their tests ask of log records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kaiko_asgi import KaikoMiddleware
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Iterable

    import pytest

    from adapters.asgi.server import Answer
    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send
    from kaiko_middleware import Config


def sends(*messages: Message) -> ASGIApp:
    """Return an application that sends these events."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(status: int = 200, headers: object = ()) -> Message:
    """Return a head's event."""
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(data: bytes = b"", *, more: bool = False) -> Message:
    """Return a body's event."""
    return {"type": "http.response.body", "body": data, "more_body": more}


def answers(
    status: int = 200, data: bytes = b"ok", headers: Iterable[tuple[bytes, bytes]] = ()
) -> ASGIApp:
    """Return an application that gives one answer of known length."""
    length = (b"content-length", str(len(data)).encode())
    return sends(start(status, [length, *headers]), body(data))


def raises(make: Callable[[], BaseException]) -> ASGIApp:
    """Return an application that raises what `make` makes."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise make()

    return app


def calls(function: Callable[[], object]) -> ASGIApp:
    """Return an application that calls `function` and answers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        function()
        await answers()(scope, receive, send)

    return app


def streams(*steps: bytes | Callable[[], Awaitable[object]], kind: bytes | None = None) -> ASGIApp:
    """Return an application that streams: a chunk for each bytes, else it awaits the step."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200, [(b"content-type", kind)] if kind else []))
        for step in steps:
            if isinstance(step, bytes):
                await send(body(step, more=True))
            else:
                await step()
        await send(body())

    return app


async def fail() -> None:
    """Fail as code with a bug does."""
    raise ValueError("secret")


def kaiko(app: ASGIApp, config: Config | None = None) -> KaikoMiddleware:
    """Wrap an application."""
    return KaikoMiddleware(app, config)


def error_of(answer: Answer, method: str = "GET") -> dict[str, object]:
    """Return the error of an answer that conforms; its id is the header's."""
    violations = check_answer(answer.status, answer.headers, answer.body, method=method)
    assert violations == []
    assert answer.whole
    error: dict[str, object] = json.loads(answer.body)["error"]
    assert error["request_id"] == answer.id
    return error


def records_of(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return our records of requests: what is said of an application has no method."""
    return [
        record
        for record in caplog.records
        if record.name.partition(".")[0] == "kaiko" and "method" in record.__dict__
    ]


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return level and text of our records of requests."""
    return [(record.levelname, record.getMessage()) for record in records_of(caplog)]

"""What is read from a scope when something fails, and what its layers tell each other there.

The layers of one request (the middleware, a framework's handlers, a mounted application's
middleware) share the scope's `state`. The id stands there for whatever stands outside.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kaiko_middleware.engine import prefers_html
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi._types import Scope, Send
    from kaiko_middleware import Reply

__all__ = [
    "STATE_ID",
    "STATE_PASS",
    "STATE_REPLY",
    "STATE_SEEN",
    "header_values",
    "is_answerable",
    "leave_reply",
    "raised_by_send",
    "request_info",
    "shows_debug_page",
]

STATE_ID = "kaiko_request_id"
"""The key of the scope's state under which the request id stands."""
STATE_REPLY = "kaiko_reply"
"""The key under which an inner layer says what it answered, so that outer ones know it."""
STATE_SEEN = "kaiko_seen"
"""The key under which it leaves the `id()` of the exception that it reported."""
STATE_PASS = "kaiko_passthrough"
"""The key under which a service lets one answer through as it is, by a true value."""


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Return all values of a request header; `name` is lower-case, as ASGI's names are."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def leave_reply(scope: Scope, reply: Reply, exc: BaseException | None = None) -> None:
    """Tell outer layers what is answered here, and which exception was reported for it."""
    state = scope.setdefault("state", {})
    state[STATE_REPLY] = reply
    if exc is not None:
        state[STATE_SEEN] = id(exc)


def request_info(scope: Scope, request_id: str, *, typed: bool = False) -> RequestInfo:
    """Return what the core wants to know of a request.

    Arguments:
        scope: the request's.
        request_id: its id.
        typed: whether its Content-Type is looked for, which only answers that inner code
            returned are read by.

    """
    method = scope.get("method", "WEBSOCKET" if scope["type"] == "websocket" else "-")
    kind = ",".join(header_values(scope, b"content-type")) if typed else None
    return RequestInfo(request_id, method, scope.get("path", "-"), kind)


def shows_debug_page(scope: Scope) -> bool:
    """Whether the framework runs in debug and the client prefers its HTML page."""
    app = scope.get("app")
    return bool(getattr(app, "debug", False)) and prefers_html(
        ",".join(header_values(scope, b"accept"))
    )


def is_answerable(exc: BaseException) -> bool:
    """Whether an answer goes out before `exc` is handed on.

    Not for a cancellation that somebody asked for, a closed generator, or another
    framework's control flow: these propagate at once.
    """
    if isinstance(exc, Exception | SystemExit | KeyboardInterrupt):
        return True
    if isinstance(exc, BaseExceptionGroup):
        return all(is_answerable(member) for member in exc.exceptions)
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and isinstance(exc, asyncio.CancelledError):
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no asyncio loop runs here
            return False
        return task is not None and task.cancelling() == 0
    return False


def raised_by_send(exc: BaseException, send: Send) -> bool:
    """Whether `exc` is the OSError by which a server's `send` says that the client left.

    Starlette hides it behind a ClientDisconnect, as it does every OSError of a body's own
    iterator; the frames that the OSError came through tell them apart.
    """
    source: BaseException | None = exc if isinstance(exc, OSError) else exc.__context__
    if not isinstance(source, OSError):
        return False
    code: object = _code_of(send)
    traceback = source.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(function: Callable[..., object]) -> object:
    return getattr(getattr(function, "__func__", function), "__code__", None)

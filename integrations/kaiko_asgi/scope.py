"""What is read from a scope when something fails."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from kaiko_middleware.headers import prefers_html
from kaiko_middleware.layers import COVERED, ENVIRON_ID, LAYERS, REQUEST_ID, layers_of
from kaiko_middleware.safe_exception import context_of, leaves, traceback_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kaiko_asgi._types import Scope, Send, State
    from kaiko_middleware import Config

__all__ = [
    "BODY_LIMIT",
    "REQUEST_PATH",
    "WSGI_ENVIRON",
    "came_through",
    "find_coverage",
    "header_values",
    "is_answerable",
    "lift_body_limit",
    "raised_by_send",
    "shows_debug_page",
    "state_around",
    "was_covered",
]

BODY_LIMIT = "starlette._body_limit_responder"
"""The key of the scope under which Starlette keeps its body limit."""
REQUEST_PATH = "kaiko_request_path"
"""The key of the scope for the path that was asked for, where a framework changes the scope's."""

WSGI_ENVIRON = "wsgi_environ"
"""The key of the scope under which a2wsgi keeps the environ that it made the scope from."""


def state_around(scope: Scope) -> State:
    """Return the state of a scope that a2wsgi made, with what our WSGI layer outside knows."""
    environ: dict[str, Any] = scope[WSGI_ENVIRON]
    request_id: object = environ.get(ENVIRON_ID)
    if not isinstance(request_id, str):
        return {}
    return {REQUEST_ID: request_id, LAYERS: layers_of(environ, request_id)}


def find_coverage(config: Config, scope: Scope) -> bool:
    """Whether answers are ours, by the path below the root path; found before the call.

    Routers change the root path in the scope itself: `was_covered` has what was found.
    """
    found = config.covers(scope["path"], scope.get("root_path") or "")
    scope.setdefault(COVERED, {})[config] = found
    return found


def was_covered(config: Config, scope: Scope) -> bool:
    """Whether answers are ours, once the call has failed."""
    if config.covers_everything:
        return True
    found: bool | None = scope.get(COVERED, {}).get(config)
    return find_coverage(config, scope) if found is None else found


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Return all values of a request header; `name` is lower-case, as ASGI's names are."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def shows_debug_page(scope: Scope) -> bool:
    """Whether the framework runs in debug and the client prefers its HTML page."""
    return bool(getattr(scope.get("app"), "debug", False)) and prefers_html(
        ",".join(header_values(scope, b"accept"))
    )


def is_answerable(exc: BaseException) -> bool:
    """Whether an answer goes out before `exc` is handed on.

    Not for a cancellation that somebody asked for, a closed generator, or another
    framework's control flow: these propagate at once.
    """
    # Not by isinstance, which asks the exception for its class where the type is another one.
    cls = type(exc)
    if issubclass(cls, Exception) and not issubclass(cls, BaseExceptionGroup):
        return True
    return all(_is_answerable(leaf) for leaf in leaves(exc))


def _is_answerable(exc: BaseException) -> bool:
    if issubclass(type(exc), Exception | SystemExit | KeyboardInterrupt):
        return True
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and issubclass(type(exc), asyncio.CancelledError):
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
    source = exc if issubclass(type(exc), OSError) else context_of(exc)
    return source is not None and issubclass(type(source), OSError) and came_through(source, send)


def came_through(exc: BaseException, send: Send) -> bool:
    """Whether `exc` was raised by, or below, a server's `send`."""
    code: object = _code_of(send)
    traceback = traceback_of(exc)
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(function: Callable[..., object]) -> object:
    """Return the code that runs when `function` is called; None where it is not Python's."""
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)
    called: object = type(function).__call__
    return getattr(function, "__code__", None) or getattr(called, "__code__", None)


def lift_body_limit(scope: Scope) -> bool:
    """Whether Starlette's body limit refuses this request; its own answer is then held off.

    The limit is outside of all middleware and puts a text in place of whatever is
    answered to a request whose Content-Length is over it. What it asks for is sent here.
    """
    responder: object = scope.get(BODY_LIMIT)
    length: object = getattr(responder, "content_length", None)
    limit: object = getattr(responder, "max_body_size", None)
    if isinstance(length, int) and isinstance(limit, int) and length > limit:
        vars(responder)["content_length"] = None
        return True
    return False

"""What is read from a scope when something fails."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from kaiko_middleware.headers import prefers_html
from kaiko_middleware.layers import layers_of
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.safe_exception import leaves, own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kaiko_asgi._types import Scope, Send
    from kaiko_middleware.layers import Layers

__all__ = [
    "BODY_LIMIT",
    "PASS_THROUGH",
    "header_values",
    "is_answerable",
    "layers_in",
    "lift_body_limit",
    "raised_by_send",
    "request_info",
    "runs_in_debug",
    "shows_debug_page",
    "wire_fields",
]

BODY_LIMIT = "starlette._body_limit_responder"
"""The key of the scope under which Starlette keeps its body limit."""
PASS_THROUGH = "kaiko_passthrough"  # noqa: S105 - no password
"""The key of the state by which a service lets one error answer through as it is."""


# What is on nearly every envelope, encoded once.
_ON_THE_WIRE = {
    ("Content-Type", "application/json"): (b"content-type", b"application/json"),
    ("X-Should-Retry", "false"): (b"x-should-retry", b"false"),
    ("X-Should-Retry", "true"): (b"x-should-retry", b"true"),
    ("Cache-Control", "no-store"): (b"cache-control", b"no-store"),
}


def wire_fields(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return the header fields of a reply as ASGI has them."""
    return [
        _ON_THE_WIRE.get(field) or (field[0].lower().encode("latin-1"), field[1].encode("latin-1"))
        for field in headers
    ]


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Return all values of a request header; `name` is lower-case, as ASGI's names are."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def layers_in(scope: Scope, request_id: str) -> Layers:
    """Return what the layers of this request tell each other."""
    return layers_of(scope.setdefault("state", {}), request_id)


def request_info(scope: Scope, request_id: str, *, typed: bool = False) -> RequestInfo:
    """Return what the core wants to know of a request.

    Arguments:
        scope: the request's.
        request_id: its id.
        typed: whether its Content-Type is looked for, which only answers that inner code
            returned are read by.

    """
    try:
        method: str = scope["method"]
    except KeyError:
        method = "WEBSOCKET" if scope["type"] == "websocket" else "-"
    kind = ",".join(header_values(scope, b"content-type")) if typed else None
    return RequestInfo(request_id, method, scope.get("path", "-"), kind)


def runs_in_debug(scope: Scope) -> bool:
    """Whether the framework that serves this scope runs in debug."""
    return bool(getattr(scope.get("app"), "debug", False))


def shows_debug_page(scope: Scope) -> bool:
    """Whether the framework runs in debug and the client prefers its HTML page."""
    return runs_in_debug(scope) and prefers_html(",".join(header_values(scope, b"accept")))


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
    source: BaseException = exc if issubclass(type(exc), OSError) else own(exc, "__context__")
    if not issubclass(type(source), OSError):
        return False
    code: object = _code_of(send)
    traceback = own(source, "__traceback__")
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

    The limit stands outside of all middleware and puts a text in place of whatever is
    answered to a request whose Content-Length is over it. What it asks for is sent here.
    """
    responder: object = scope.get(BODY_LIMIT)
    length: object = getattr(responder, "content_length", None)
    limit: object = getattr(responder, "max_body_size", None)
    if isinstance(length, int) and isinstance(limit, int) and length > limit:
        vars(responder)["content_length"] = None
        return True
    return False

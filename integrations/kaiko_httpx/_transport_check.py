"""Refuses a wrong transport when a client is made, not when it first calls."""

from __future__ import annotations

import sys

from kaiko_httpx._policy import RetryPolicy
from kaiko_middleware.arguments import wrong_argument

__all__ = ["require_transport"]

_LIBRARIES = ("httpx", "httpx2")
_METHODS = ("handle_request", "handle_async_request")


class _Nothing:
    """The class of a library that is not loaded."""


def require_transport(transport: object, library: str, base: str, method: str) -> None:
    """Refuse what is no transport, or one for the requests of another library.

    Arguments:
        transport: what was given.
        library: the name of the library whose requests will be sent.
        base: the name of its class of transports.
        method: the method by which they send.

    Raises:
        TypeError: it has no such method, or is a transport of another library.

    """
    # Not by `__module__`: SDKs that export a library's classes change it.
    loaded = {name: getattr(sys.modules.get(name), base, _Nothing) for name in _LIBRARIES}
    if isinstance(transport, loaded[library]):
        return
    foreign = isinstance(transport, tuple(loaded.values()))
    if callable(getattr(transport, method, None)) and not foreign:
        if not isinstance(transport, type):
            return
        hint = None
    elif foreign:
        hint = "kaiko_httpx wraps transports of httpx2, kaiko_httpx.httpx0 those of httpx"
    elif any(hasattr(transport, name) for name in _METHODS):
        hint = "a Client takes synchronous transports, an AsyncClient asynchronous ones"
    elif hasattr(transport, "build_request"):
        hint = "pass this transport to the client instead: Client(transport=…)"
    else:
        hint = "write policy=…" if isinstance(transport, RetryPolicy) else None
    raise wrong_argument(f"transport takes an {library}.{base}", transport, hint)

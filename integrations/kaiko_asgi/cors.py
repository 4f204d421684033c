"""CORS headers for answers that are made outside of the CORS middleware.

An unmapped exception passes Starlette's `CORSMiddleware` before it is answered. The browser
needs its headers all the same, so the head of the answer goes through the `send` of each
`CORSMiddleware` that the exception passed, the inner one first. No other method is called: a
preflight is not answered here, and a subclass that counts requests is not called twice.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from kaiko_middleware.headers import merge_expose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kaiko_asgi._types import Message, Scope

__all__ = ["CorsHeaders"]

_CORS = ("starlette.middleware.cors", "CORSMiddleware")
_MOST = 1000
"""How many layers are looked at: an `app` may lead to itself."""


class CorsHeaders:
    """The CORS middleware inside of one application or middleware.

    Arguments:
        app: where the search begins; it goes on over each `app` attribute.
        id_header: the name of the request id's header.
        owner: the application whose `user_middleware` names what `app` hides, if any.
        ours: the class of our middleware: entries before it are outside of ours.

    """

    __slots__ = ("_app", "_built", "_id_header", "_ours", "_owner")

    def __init__(
        self, app: object, id_header: str, *, owner: object = None, ours: object = None
    ) -> None:
        self._app = app
        self._built: dict[object, object] = {}
        self._id_header = id_header
        self._ours = ours
        self._owner = owner

    async def put_on(self, start: Message, scope: Scope, inner: Iterable[CorsHeaders]) -> Message:
        """Return the head of an answer to a request with an `Origin`, with the headers it needs.

        Arguments:
            start: the event that starts the answer.
            scope: the request's.
            inner: those of mounted applications that the exception passed before.

        """
        if _allows(start):
            return start
        try:
            decorated = start
            for each in [*inner, self]:
                decorated = await each._through(decorated, scope)  # noqa: SLF001 - of this class
        except Exception:  # noqa: BLE001 - a subclass may raise anything: the answer goes without
            return start
        if not _allows(decorated) or start["status"] < 400:
            return decorated
        fields: Iterable[tuple[bytes, bytes]] = decorated["headers"]
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
        exposed = merge_expose(pairs, self._id_header)
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in exposed
        ]
        return {**decorated, "headers": headers}

    async def _through(self, start: Message, scope: Scope) -> Message:
        passed = self._middleware()
        if not passed:
            return start
        headers = sys.modules["starlette.datastructures"].Headers(scope=scope)
        kept = [start]

        async def keep(message: Message) -> None:
            kept.append(message)

        for middleware in passed:
            # The list is copied: middleware may change it in place.
            message = {**kept[-1], "headers": list(kept[-1]["headers"])}
            cors = cast("Any", middleware)  # known by its shape
            await cors.send(message, send=keep, request_headers=headers)
        return kept[-1]

    def _middleware(self) -> list[object]:
        """Return the CORS middleware, the inner ones first."""
        live = _live(self._app)
        hidden = _entries(self._owner, self._ours)
        for each in live:
            found = next((entry for entry in hidden if entry.cls is type(each)), None)
            if found is not None:
                hidden.remove(found)
        # A function hides what it wraps, and all that is inside: what cannot be found is built.
        return [*live, *(self._build(entry) for entry in hidden)][::-1]

    def _build(self, entry: Any) -> object:
        if entry not in self._built:
            self._built[entry] = entry.cls(None, *entry.args, **entry.kwargs)
        return self._built[entry]


def _allows(start: Message) -> bool:
    return any(name.lower() == b"access-control-allow-origin" for name, _ in start["headers"])


def _is_cors(cls: object) -> bool:
    # By name: whoever has no Starlette has none of these.
    return isinstance(cls, type) and any(
        (base.__module__, base.__qualname__) == _CORS for base in cls.__mro__
    )


def _live(app: object) -> list[object]:
    found: list[object] = []
    for _ in range(_MOST):
        if app is None:
            break
        if _is_cors(type(app)):
            found.append(app)
        inner: object = getattr(app, "app", None) or getattr(app, "middleware_stack", None)
        # A router's `app` is a method.
        app = None if getattr(inner, "__self__", None) is app else inner
    return found


def _entries(owner: object, ours: object) -> list[Any]:
    listed: Sequence[Any] = getattr(owner, "user_middleware", ())
    inside = [entry.cls for entry in listed]
    first = inside.index(ours) if ours in inside else 0
    return [entry for entry in listed[first:] if _is_cors(entry.cls)]

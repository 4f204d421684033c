"""Finds what would hide the failure of a stream: a `BaseHTTPMiddleware` inside of ours.

Starlette's class, and `@app.middleware("http")` is one, ends a stream that fails as if it
were whole, and raises only then: too late for a last event or a cut. What stands inside is
looked at once, when the first connection comes: middleware may be added until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kaiko_middleware.report import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["warn_of_swallowed_streams"]

_SWALLOWS = ("starlette.middleware.base", "BaseHTTPMiddleware")
_TEXT = (
    "A BaseHTTPMiddleware inside of KaikoMiddleware ends a stream that fails as if it were "
    "whole, so that no client is told: %s. Add it outside of ours (after install(app) or "
    "add_middleware(KaikoMiddleware)), or write it as pure ASGI middleware."
)
_MOST = 10_000
"""How many objects are looked at: an `app` may have another one without end."""


def warn_of_swallowed_streams(app: object, ours: type) -> None:
    """Log one warning that names each such middleware between `app` and an endpoint.

    Arguments:
        app: what our middleware wraps.
        ours: our middleware's class: what stands inside of another one of it is left to that.

    """
    names = _swallowing(app, ours)
    if names:
        try:
            logger.warning(_TEXT, ", ".join(names))
        except Exception:  # noqa: BLE001, S110 - a broken log filter is no reason not to serve
            pass


def _swallowing(app: object, ours: type) -> list[str]:
    found: dict[str, None] = {}
    seen: dict[int, object] = {}  # the objects, too: an id may be another's once they are gone
    pending: list[tuple[object, tuple[str, ...]]] = [(app, ())]
    while pending and len(seen) < _MOST:
        node, around = pending.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        entries = [(type(node), _get(node, "dispatch_func")), *_listed(node)]
        if any(issubclass(cls, ours) for cls, _ in entries):
            continue  # it stands inside of them, and tells of what is inside of itself
        around += tuple(_name(cls, by) for cls, by in entries if _is_swallowing(cls))
        inner = _get(node, "app")
        if inner is None or _get(inner, "__self__") is node:  # a router's `app` is a method
            children = _items(_get(node, "routes"))
        else:
            children = [inner]
        pending.extend((child, around) for child in children)
        if not children:
            found |= dict.fromkeys(around)
    return list(found)


def _listed(node: object) -> list[tuple[type, object]]:
    """Return the middleware that a Starlette application has been given, outermost first."""
    listed: list[tuple[type, object]] = []
    for entry in _items(_get(node, "user_middleware")):
        cls, options = _get(entry, "cls"), _get(entry, "kwargs")
        if isinstance(cls, type):
            given = cast("dict[str, object]", options) if isinstance(options, dict) else {}
            listed.append((cls, given.get("dispatch")))
    return listed


def _is_swallowing(cls: type) -> bool:
    # By name: whoever has no Starlette has none of these.
    return any((base.__module__, base.__qualname__) == _SWALLOWS for base in cls.__mro__)


def _name(cls: type, dispatch: object) -> str:
    name = f"{cls.__module__}.{cls.__qualname__}"
    if (cls.__module__, cls.__qualname__) == _SWALLOWS:  # it is told by its function
        by = f"{_get(dispatch, '__module__')}.{_get(dispatch, '__qualname__')}"
        return f"{name} with {by}"
    return name


def _get(node: object, name: str) -> object:
    try:
        return getattr(node, name, None)
    except Exception:  # noqa: BLE001 - whatever an application's attribute does: it must start
        return None


def _items(value: object) -> list[object]:
    if not isinstance(value, (list, tuple)):  # anything else may have no end
        return []
    return list(cast("Iterable[object]", value))

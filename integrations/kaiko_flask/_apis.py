"""The `Api` of Flask-RESTX and of Flask-RESTful, which answers what its resources raise.

It takes the place of two methods of the application, and asks none of Flask's error handlers. So it
is looked for whenever Flask asks for these methods, also where it came after `install`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    Handler = Callable[[Exception], Any]

__all__ = ["METHODS", "ApiMethod", "asked_for_request", "package_of", "takes"]

METHODS = ("handle_exception", "handle_user_exception")
"""The methods of the application that an `Api` takes the place of."""
_PACKAGES = {"flask_restx", "flask_restful"}


class ApiMethod:
    """One of these methods, on the class of an application.

    Arguments:
        name: its name.
        base: the application's own class.
        ask: called in place of an `Api`, with what the application has for the method.

    """

    def __init__(
        self, name: str, base: type[Flask], ask: Callable[[Handler, Exception], Any]
    ) -> None:
        self._name = name
        self._base: Any = base
        self._ask = ask

    def __get__(self, app: Flask | None, owner: type[Flask]) -> Any:
        method = getattr(self._base, self._name)
        if app is None:
            return method
        handler: Handler = vars(app).get(self._name) or method.__get__(app, owner)
        return handler if _asked(handler) is None else partial(self._ask, handler)

    def __set__(self, app: Flask, handler: Handler) -> None:
        vars(app)[self._name] = handler

    def __delete__(self, app: Flask) -> None:
        del vars(app)[self._name]


def package_of(function: object) -> str:
    """Return the name of the package that a function is from."""
    return str(getattr(function, "__module__", "")).partition(".")[0]


class Asked(NamedTuple):
    """What an `Api` puts in place of a method: it answers, or hands on to that method."""

    api: Any
    ask: Callable[[Handler, Exception], Any]
    """Called with what it hands on to, and with what was raised."""
    following: Handler
    """What it hands on to."""


def _asked(handler: Handler) -> Asked | None:
    if not isinstance(handler, partial) or len(handler.args) != 1:
        return None
    api: Any = getattr(handler.func, "__self__", None)
    if not any(package_of(cls) in _PACKAGES for cls in type(api).__mro__):
        return None
    return Asked(api, handler.func, handler.args[0])


def asked_for_request(handler: Handler) -> Asked | None:
    """Return the `Api` whose resource the request is for; None if there is none.

    Arguments:
        handler: what the application has for one of the methods.

    """
    asked = _asked(handler)
    # It asks itself by this method, and no public name tells.
    while asked is not None and not asked.api._has_fr_route():  # noqa: SLF001 - see above
        asked = _asked(asked.following)
    return asked


def takes(api: Any, exc: Exception, *, mapped: bool) -> bool:
    """Whether the service told an `Api` what to answer to `exc`.

    Arguments:
        api: the `Api`.
        exc: the exception.
        mapped: whether a handler of everything is not asked about it.

    """
    if package_of(api.handle_error) not in _PACKAGES:
        return True
    if type(exc).__name__ in getattr(api, "errors", ()):  # Flask-RESTful's
        return True
    classes = getattr(api, "_own_and_child_error_handlers", ())  # Flask-RESTX's, and the next
    if any(isinstance(exc, cls) and not (mapped and cls is Exception) for cls in classes):
        return True
    default = getattr(api, "_default_error_handler", None)
    return default is not None and not mapped and not isinstance(exc, HTTPException)

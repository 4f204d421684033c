"""Turning what the user named into a target: an address, `module:app`, or Django's settings."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from ._asgi import AsgiTarget
from ._target import TargetError
from ._wsgi import WsgiTarget

if TYPE_CHECKING:
    from ._target import Target

__all__ = ["load_app", "load_django", "load_target"]

_MODULES = {
    "starlette": "starlette",
    "fastapi": "fastapi",
    "litestar": "litestar",
    "flask": "flask",
    "django": "django",
}


def load_target(name: str, *, host: str | None = None) -> Target:
    """Return the target that a user named.

    Arguments:
        name: an address of HTTP, or `module:app`.
        host: the `Host` that an application is called with; `localhost` by default.

    Raises:
        TargetError: there is no such target; the message says why.

    """
    if "://" in name:
        from ._url import UrlTarget  # noqa: PLC0415 - only an address needs a client

        return UrlTarget(name)
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise TargetError(
            f"{name} is no target: name an address (http://127.0.0.1:8000), an application "
            "(module:app), or --django with settings"
        )
    return load_app(_find(name, module, attribute), name, host=host)


def load_app(app: object, name: str, *, host: str | None = None) -> Target:
    """Return the target of an ASGI or a WSGI application.

    Arguments:
        app: the application.
        name: its name in reports.
        host: the `Host` that it is called with; `localhost` by default.

    Raises:
        TargetError: it is neither, or does not start.

    """
    kind = _kind(app)
    framework = _framework(app)
    if kind == "asgi":
        asgi = cast("Any", app)  # of that shape, as was asked
        return AsgiTarget(asgi, name, host=host or "localhost", framework=framework)
    if kind == "wsgi":
        wsgi = cast("Any", app)  # likewise
        return WsgiTarget(wsgi, name, host=host or "localhost", framework=framework)
    raise TargetError(f"{name} is no ASGI and no WSGI application, but a {type(app).__name__}")


def load_django(settings: str, *, host: str | None = None) -> Target:
    """Return the target of a Django project: the application of its `WSGI_APPLICATION`.

    Arguments:
        settings: the module of its settings.
        host: the `Host` that it is called with; by default one of `ALLOWED_HOSTS`.

    Raises:
        TargetError: Django or the settings cannot be imported.

    """
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    sys.path.insert(0, "")
    try:
        from django.conf import settings as loaded  # noqa: PLC0415 - Django is an extra
        from django.core.servers.basehttp import (  # noqa: PLC0415 - likewise
            get_internal_wsgi_application,
        )

        if loaded.configured and settings != loaded.SETTINGS_MODULE:
            raise RuntimeError("Django is set up in this process with other settings")  # noqa: TRY301 - one line
        app = get_internal_wsgi_application()
        allowed: list[str] = [*loaded.ALLOWED_HOSTS]
    except Exception as exc:  # settings are code, and raise anything
        raise TargetError(f"The settings {settings} do not load: {_said(exc)}") from exc
    named = (name.removeprefix(".") for name in allowed if name != "*")
    return WsgiTarget(
        app,
        f"Django with {settings}",
        host=host or next(named, "localhost"),
        framework="django",
    )


def _find(name: str, module: str, attribute: str) -> object:
    # Like `python -m`: find a service's modules in the current directory.
    sys.path.insert(0, "")
    try:
        found: object = importlib.import_module(module)
    except Exception as exc:  # a module is code, and raises anything
        raise TargetError(f"{module} cannot be imported: {_said(exc)}") from exc
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError as exc:
        raise TargetError(f"{name} does not exist: {exc}") from exc
    return found


def _said(exc: Exception) -> str:
    return f"{type(exc).__name__}: {exc}"[:300]


def _kind(app: object) -> str | None:
    """Tell ASGI from WSGI: by the coroutine, else by the number of arguments."""
    if not callable(app) or inspect.isclass(app):
        return None
    call: object = getattr(type(app), "__call__", None)  # noqa: B004 - the function itself
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call):
        return "asgi"
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return None
    needed = [each for each in parameters if each.default is each.empty]
    return {2: "wsgi", 3: "asgi"}.get(len(needed))


def _framework(app: object) -> str | None:
    """Name the framework of an application, also where middleware is wrapped around it."""
    for _ in range(20):
        for kind in type(app).__mro__:
            found = _MODULES.get(kind.__module__.partition(".")[0])
            if found is not None:
                return found
        app = getattr(app, "app", None) or getattr(app, "application", None)
        if app is None:
            return None
    return None

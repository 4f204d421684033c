"""Refuses a wrong argument where it is given, and says what was given and what is due.

This is for what is no setting: an application, a configuration, a client. Only what cannot work
is refused. Whatever cannot be told from its type or its code is accepted.
"""

from __future__ import annotations

from math import inf
from types import FunctionType, MethodType, ModuleType

from .settings_check import is_plain_callable, shown

__all__ = ["require_asgi_app", "require_wsgi_app", "takes", "wrong_argument"]

_CO_VARARGS = 0x04  # inspect's flag; importing inspect takes 10 ms
_IN_DJANGO = "in Django's MIDDLEWARE, write kaiko_django.KaikoMiddleware"


def wrong_argument(due: str, given: object, hint: str | None = None) -> TypeError:
    """Return the error to raise.

    Arguments:
        due: who takes what, such as `kaiko_fastapi.install takes a FastAPI application`.
        given: what was given instead.
        hint: what to do; by default what usually helps with a thing of this kind.

    """
    said, usual = _described(given)
    hint = usual if hint is None else hint
    return TypeError(f"{due}, not {said}" + (f": {hint}" if hint else ""))


def _described(given: object) -> tuple[str, str]:
    """Return what was given, in words, and what usually helps."""
    if given is None:
        return "None", ""
    if isinstance(given, type):
        return f"the class {given.__name__}", "make an instance of it first"
    if isinstance(given, ModuleType):
        return f"the module {given.__name__}", "name the object in it"
    if isinstance(given, str):
        return f"the string {shown(given)}", ""
    if isinstance(given, FunctionType | MethodType):
        usual = "call it, and pass what it returns" if takes(given, 0) else ""
        return f"the function {given.__name__}", usual
    library = type(given).__module__.partition(".")[0]
    name = type(given).__name__
    return name if library == "builtins" else f"{library}.{name}", ""


def require_asgi_app(caller: str, app: object) -> None:
    """Refuse what cannot be an ASGI application.

    Arguments:
        caller: who takes it, for the message.
        app: what was given.

    Raises:
        TypeError: it cannot be called with a scope and two functions, or not be awaited then.

    """
    if _may_be(app, 3, "__await__"):
        return
    hint = _IN_DJANGO if _may_be(app, 1) else None
    if _may_be(app, 2) and is_plain_callable(app):
        hint = "for a WSGI application, use kaiko_wsgi.KaikoMiddleware"
    due = f"{caller} takes an ASGI application, called with (scope, receive, send)"
    raise wrong_argument(due, app, hint)


def require_wsgi_app(caller: str, app: object) -> None:
    """Refuse what cannot be a WSGI application.

    Arguments:
        caller: who takes it, for the message.
        app: what was given.

    Raises:
        TypeError: it cannot be called with an environment and a function, or not be iterated then.

    """
    if _may_be(app, 2, "__iter__", "__getitem__") and is_plain_callable(app):
        return
    hint = _IN_DJANGO if _may_be(app, 1) else None
    if _may_be(app, 2):
        hint = "write def, not async def"
    elif _may_be(app, 3):
        hint = "for an ASGI application, use kaiko_asgi.KaikoMiddleware"
    due = f"{caller} takes a WSGI application, called with (environ, start_response)"
    raise wrong_argument(due, app, hint)


def _may_be(app: object, count: int, *methods: str) -> bool:
    """Whether `app` may be an application that takes `count` arguments.

    A class counts if its instances have one of `methods`, as Starlette's endpoints do.
    """
    if not isinstance(app, type):
        return callable(app) and takes(app, count)
    call: object = type(app).__call__
    new: object = app.__new__
    if call is not type.__call__ or new is not object.__new__:
        return True  # a call may return anything
    return any(hasattr(app, name) for name in methods)


def takes(function: object, count: int) -> bool:
    """Whether a callable takes `count` positional arguments; also if that cannot be told."""
    bound = 0
    if isinstance(function, MethodType):
        function, bound = function.__func__, 1
    elif not isinstance(function, FunctionType):
        # Not by getattr: a static method is not bound.
        methods = (vars(cls).get("__call__") for cls in type(function).__mro__)
        function, bound = next(filter(None, methods), None), 1
    if not isinstance(function, FunctionType):
        return True
    code = function.__code__
    most = inf if code.co_flags & _CO_VARARGS else code.co_argcount
    least = code.co_argcount - len(function.__defaults__ or ())
    return least <= count + bound <= most

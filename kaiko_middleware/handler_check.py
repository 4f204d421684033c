"""What a service may register for an exception: a plain function, or the class of a typed error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import KaikoError
from .settings_check import is_async, is_plain_callable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["checked_handler"]


def checked_handler(
    exc_type: type[BaseException], handler: Callable[[Any], Any]
) -> Callable[[Any], KaikoError | None]:
    """Return the function that a handler means.

    Arguments:
        exc_type: the class of exceptions that it is for.
        handler: the function; or the class, which then makes an error with its default message.

    Raises:
        TypeError: it is no plain function, is a class of something else, or is a class of errors
            that needs arguments. A class that says nothing of its arguments is called without any.

    """
    if not isinstance(handler, type):
        if not is_plain_callable(handler):
            due = "it must be a plain function that returns a typed error, or the class of one"
            if is_async(handler):
                due = "it must be a plain function: "
                due += "write def, since an async def would not be awaited"
            raise TypeError(f"the handler of {exc_type.__name__} is {handler!a}: {due}")
        return handler
    if not issubclass(handler, KaikoError):
        msg = f"the handler of {exc_type.__name__} is {handler!a}, which is no typed error"
        raise TypeError(msg)
    needed = _needed_argument(handler)
    if needed is not None:
        msg = (
            f"the handler of {exc_type.__name__} is {handler.__name__}, which needs {needed!r}:"
            " it must be a function that makes one"
        )
        raise TypeError(msg)
    made = handler
    return lambda _exc: made()


def _needed_argument(cls: type[KaikoError]) -> str | None:
    """Return the name of an argument that the class cannot be called without, if there is one."""
    from inspect import Parameter, signature  # noqa: PLC0415 - it takes 10 ms

    try:
        parameters = signature(cls).parameters.values()
    except (TypeError, ValueError):
        return None  # it says nothing of its arguments
    optional = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return next(
        (
            parameter.name
            for parameter in parameters
            if parameter.default is Parameter.empty and parameter.kind not in optional
        ),
        None,
    )

"""Finds the exception that counts behind the one that a framework raised instead."""

from __future__ import annotations

from .known_exceptions import is_http_exception, is_refusal, path_of
from .safe_exception import context_of, root_of, traceback_of

__all__ = ["underlying"]

_SERVERS = frozenset({"daphne", "granian", "gunicorn", "hypercorn", "uvicorn"})


_NESTED = 8  # applications mounted in each other; a cycle of causes ends here too
_STARTED = "Caught handled exception, but response already started."


def underlying(exc: BaseException) -> BaseException:
    """Return the exception that counts.

    Starlette hides two. Its StreamingResponse takes every OSError of the body's iterator
    for a client that left and raises ClientDisconnect instead, a timeout or a missing file
    included; only servers know who left, so where the OSError is not one of theirs, it is
    what failed. And where an exception that has a handler comes after the head, a
    RuntimeError is raised from it. FastAPI hides a third: its own handlers echo what
    validation refused, or a detail, and fail where that is no JSON (NaN, a surrogate).
    And Starlette's own handler of HTTPException fails over a detail that is no text.
    """
    for _ in range(_NESTED):
        if type(exc) is not RuntimeError or exc.args != (_STARTED,) or exc.__cause__ is None:
            break
        exc = exc.__cause__
    cls = type(exc)
    if path_of(cls) == "starlette.requests.ClientDisconnect":
        context = exc.__context__
        if isinstance(context, OSError) and root_of(type(context)) not in _SERVERS:
            return context
    refused: BaseException | None = context_of(exc)
    if refused is None:
        return exc
    if (is_refusal(refused) or is_http_exception(refused)) and _comes_through(exc, _ECHO):
        return refused
    if (
        issubclass(cls, AttributeError)
        and is_http_exception(refused)
        and not isinstance(getattr(refused, "detail", None), str)
        and _comes_through(exc, _RENDERER)
    ):
        return refused
    return exc


_ECHO = "fastapi.exception_handlers"
_RENDERER = "starlette.responses"


def _comes_through(exc: BaseException, module: str) -> bool:
    """Whether `exc` was raised by, or below, code of `module`."""
    traceback = traceback_of(exc)
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == module:
            return True
        traceback = traceback.tb_next
    return False

"""From an exception to a typed error, found by class, most specific first.

The search goes along the exception's MRO, never the order of registration: at each class
a handler of the service's own `ExceptionMapping` comes before what the toolkit knows of
the class itself. Exceptions of libraries are known by module and name, so that nothing
is imported here. Implements the table of section 8 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._known import KNOWN, Disconnected, underlying
from ._traceback import leaves
from .errors import KaikoError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ExceptionMapping", "is_disconnect", "leaves"]

_E = TypeVar("_E", bound=BaseException)


class ExceptionMapping:
    """A service's own handlers, by exception class.

    >>> from kaiko_middleware import ConflictError
    >>> mapping = ExceptionMapping()
    >>> @mapping.register(FileExistsError)
    ... def _(exc: FileExistsError) -> KaikoError:
    ...     return ConflictError("The file exists already")
    >>> mapping.resolve(FileExistsError("/srv/secret")).message
    'The file exists already'
    """

    __slots__ = ("_frozen", "_handlers")

    def __init__(self) -> None:
        self._handlers: dict[type[BaseException], Callable[[Any], KaikoError]] = {}
        self._frozen = False

    @overload
    def register(
        self, exc_type: type[_E], handler: Callable[[_E], KaikoError], /
    ) -> Callable[[_E], KaikoError]: ...
    @overload
    def register(
        self, exc_type: type[_E], /
    ) -> Callable[[Callable[[_E], KaikoError]], Callable[[_E], KaikoError]]: ...
    def register(
        self, exc_type: type[_E], handler: Callable[[_E], KaikoError] | None = None, /
    ) -> (
        Callable[[_E], KaikoError]
        | Callable[[Callable[[_E], KaikoError]], Callable[[_E], KaikoError]]
    ):
        """Answer exceptions of `exc_type` with what `handler(exc)` returns.

        Arguments:
            exc_type: the class; its subclasses count too, unless they have their own.
            handler: makes the typed error; without it, `register` is a decorator.
                One that raises counts as not there: the answer is a 500 and the
                failure is logged.

        Raises:
            RuntimeError: a middleware with this mapping was installed already.
            TypeError: `exc_type` is no exception class, or a typed error's.

        """
        if handler is None:

            def decorate(function: Callable[[_E], KaikoError]) -> Callable[[_E], KaikoError]:
                return self.register(exc_type, function)

            return decorate
        if self._frozen:
            msg = f"{exc_type.__name__} is registered too late: the mapping is installed"
            raise RuntimeError(msg)
        if not isinstance(exc_type, type) or not issubclass(exc_type, BaseException):
            msg = f"{exc_type!r} is no exception class"
            raise TypeError(msg)
        if issubclass(exc_type, KaikoError):
            msg = f"{exc_type.__name__} is a typed error: it always answers for itself"
            raise TypeError(msg)
        self._handlers[exc_type] = handler
        return handler

    def freeze(self) -> None:
        """Refuse registrations from now on; installing a middleware does this."""
        self._frozen = True

    def find(self, exc: BaseException) -> KaikoError | None:
        """Return the typed error for `exc`, or None where nobody mapped it.

        An exception group is answered by its leaves: an unmapped one makes the group
        unmapped, else the first mapped to a 5xx counts, else the first of all.
        """
        if isinstance(exc, BaseExceptionGroup):
            return self._find_in_group(exc)
        return self._find_one(exc)

    def resolve(self, exc: BaseException) -> KaikoError:
        """Return the typed error for `exc`: 500 `internal` where nobody mapped it."""
        return self.find(exc) or ServerError()

    def _find_one(self, exc: BaseException) -> KaikoError | None:
        exc = underlying(exc)
        if isinstance(exc, KaikoError):
            return exc
        for cls in type(exc).__mro__:
            handler = self._handlers.get(cls) or KNOWN.get(f"{cls.__module__}.{cls.__qualname__}")
            if handler is not None:
                found: object = handler(exc)
                if isinstance(found, KaikoError):
                    return found
                if found is not None:
                    msg = f"the handler of {cls.__qualname__} returned no KaikoError"
                    raise TypeError(msg)
                # None is the word of the table of known classes: not an error of its own.
                return None
        return None

    def _find_in_group(self, group: BaseExceptionGroup[BaseException]) -> KaikoError | None:
        found: KaikoError | None = None
        for leaf in leaves(group):
            if is_disconnect(leaf):
                continue
            error = self._find_one(leaf)
            if error is None:
                return None
            if found is None or (found.status < 500 <= error.status):
                found = error
        return found


def is_disconnect(exc: BaseException) -> bool:
    """Whether `exc` says that the client went away, so that nobody waits for an answer."""
    if isinstance(exc, BaseExceptionGroup):
        return all(is_disconnect(leaf) for leaf in leaves(exc))
    exc = underlying(exc)
    for cls in type(exc).__mro__:
        known = KNOWN.get(f"{cls.__module__}.{cls.__qualname__}")
        if known is not None:
            return isinstance(known, Disconnected)
    return False

"""From an exception to a typed error, found by class, most specific first.

The search goes along the exception's MRO, never the order of registration: at each class
a handler of the service's own `ExceptionMapping` comes before what the toolkit knows of
the class itself. Exceptions of libraries are known by module and name, so that nothing
is imported here. Implements the table of section 8 of the V2 contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, TypeVar, cast, overload

from .errors import KaikoError, ServerError
from .handler_check import checked_handler
from .known_exceptions import Disconnected, is_http_exception, known_entry, known_handler
from .safe_exception import cause_of, context_of, is_group, leaves
from .unwrap import CHARSETS_RAISE, READERS_RAISE, client_fault, underlying

__all__ = ["ExceptionMapping", "Known", "is_disconnect"]

Known: TypeAlias = Mapping[type[BaseException], Callable[[Any], KaikoError | None]]
"""An adapter's mapping: for each class, a function that returns the typed error, or None."""

_E = TypeVar("_E", bound=BaseException)
_K = TypeVar("_K", bound=KaikoError)
_R = TypeVar("_R", bound=KaikoError | None)
_REMEMBERED = 256


class _Decorator(Protocol[_E]):
    @overload
    def __call__(self, handler: type[_K], /) -> type[_K]: ...
    @overload
    def __call__(self, handler: Callable[[_E], _R], /) -> Callable[[_E], _R]: ...


class ExceptionMapping:
    """A service's own handlers, by exception class.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> mapping = ExceptionMapping()
    >>> @mapping.register(FileExistsError)
    ... def _(exc: FileExistsError) -> KaikoError:
    ...     return ConflictError("The file exists already")
    >>> mapping.resolve(FileExistsError("/srv/secret")).message
    'The file exists already'
    >>> _ = mapping.register(FileNotFoundError, NotFoundError)
    >>> mapping.resolve(FileNotFoundError("/srv/secret")).message
    'The resource was not found'
    """

    __slots__ = ("_chosen", "_frozen", "_given", "_handlers")

    def __init__(self) -> None:
        self._handlers: dict[type[BaseException], Callable[[Any], KaikoError | None]] = {}
        self._given: dict[type[BaseException], Callable[[Any], KaikoError | None]] = {}
        # In an error storm the same few classes are asked about again and again.
        self._chosen: dict[type[BaseException], Callable[[Any], KaikoError | None] | None] = {}
        self._frozen = False

    @overload
    def register(self, exc_type: type[BaseException], handler: type[_K], /) -> type[_K]: ...
    @overload
    def register(
        self, exc_type: type[_E], handler: Callable[[_E], _R], /
    ) -> Callable[[_E], _R]: ...
    @overload
    def register(self, exc_type: type[_E], /) -> _Decorator[_E]: ...
    def register(
        self, exc_type: type[BaseException], handler: Callable[[Any], object] | None = None, /
    ) -> object:
        """Answer exceptions of `exc_type` with what `handler(exc)` returns.

        Arguments:
            exc_type: the class; its subclasses count too, unless they have their own.
            handler: makes the typed error, or returns None to leave this exception unmapped; or
                is the class of an error, whose default message is then sent, never the exception's
                text. Without it, `register` is a decorator. A handler that raises counts as not
                there: the answer is a 500 and the failure is logged.

        Raises:
            RuntimeError: a middleware with this mapping was installed already.
            TypeError: `exc_type` is no exception class, or a typed error's; or the
                handler cannot be called, is an `async def`, which nobody would await, is a class
                of something else, or is a class of errors that needs arguments.

        """
        given = cast("object", exc_type)  # callers may give anything
        if not isinstance(given, type) or not issubclass(given, BaseException):
            msg = f"register takes one exception class, not {given!a}"
            raise TypeError(msg)
        if issubclass(exc_type, KaikoError):
            msg = f"{exc_type.__name__} is a typed error: it always answers for itself"
            raise TypeError(msg)
        if self._frozen:
            msg = f"{exc_type.__name__} is registered too late: the mapping is installed"
            raise RuntimeError(msg)
        if handler is None:
            return partial(self.register, exc_type)
        self._handlers[exc_type] = checked_handler(exc_type, handler)
        self._given[exc_type] = cast("Callable[[Any], KaikoError | None]", handler)  # checked above
        self._chosen.clear()
        return handler

    @property
    def classes(self) -> tuple[type[BaseException], ...]:
        """The classes that have a handler, in the order of their registration."""
        return tuple(self._handlers)

    @property
    def handlers(self) -> Mapping[type[BaseException], Callable[[Any], KaikoError | None]]:
        """What was registered, by the class: a function, or the class of a typed error."""
        return MappingProxyType(self._given)

    def handles(self, exc: BaseException) -> bool:
        """Whether `exc` has a handler, other than one for every `Exception`."""
        everything = {Exception, BaseException}
        return any(cls in self._handlers for cls in type(exc).__mro__ if cls not in everything)

    def freeze(self) -> None:
        """Refuse registrations from now on; installing a middleware does this."""
        self._frozen = True

    def find(self, exc: BaseException, known: Known | None = None) -> KaikoError | None:
        """Return the typed error for `exc`, or None where nobody mapped it.

        An exception group is answered by its leaves, unless its class has a handler: an
        unmapped leaf makes the group unmapped, else the first that is mapped to a 5xx and
        no HTTP exception of a framework's counts, else the first of all.

        Arguments:
            exc: what was raised.
            known: what an adapter knows of its framework's classes, which may depend on the
                request: at each class it counts after the service's own handler, and before
                what the toolkit itself knows.

        """
        found = self.look_up(exc, known)
        return None if isinstance(found, Disconnected) else found

    def look_up(
        self, exc: BaseException, known: Known | None = None
    ) -> KaikoError | Disconnected | None:
        """Do what `find` does; say `Disconnected` where the client went away."""
        # Nothing is hidden behind an exception without a context or a cause.
        if context_of(exc) is not None or cause_of(exc) is not None:
            exc = underlying(exc)
        if issubclass(type(exc), BaseExceptionGroup) and not self._knows_group(exc):
            return self._look_up_group(exc, known)
        return self._look_up(exc, known)

    def resolve(self, exc: BaseException) -> KaikoError:
        """Return the typed error for `exc`: 500 `internal` where nobody mapped it."""
        return self.find(exc) or ServerError()

    def _look_up(self, exc: BaseException, known: Known | None) -> KaikoError | Disconnected | None:
        # Not by isinstance, which asks the exception for its class where the type is another one.
        if issubclass(type(exc), KaikoError):
            typed: Any = exc  # a cast would cost a call
            error: KaikoError = typed
            return error
        raised = type(exc)
        if known is not None:
            handler = self._choose(raised, known)
        elif raised in self._chosen:
            handler = self._chosen[raised]
        else:
            if len(self._chosen) >= _REMEMBERED:
                self._chosen.clear()
            handler = self._chosen[raised] = self._choose(raised, {})
        if handler is None:
            maybe = issubclass(raised, READERS_RAISE) or raised in CHARSETS_RAISE
            return client_fault(exc) if maybe else None
        if isinstance(handler, Disconnected):
            return handler
        found: object = handler(exc)
        if isinstance(found, KaikoError) or found is None:
            return found  # `None` means that the exception is no error for the table
        msg = f"the handler of {raised.__qualname__} returned no KaikoError"
        raise TypeError(msg)

    def _choose(
        self, raised: type[BaseException], known: Known
    ) -> Callable[[Any], KaikoError | None] | None:
        """Return what answers exceptions of a class, if anything does."""
        for cls in raised.__mro__:
            entry = known_handler(cls)
            if isinstance(entry, Disconnected):
                return entry
            handler = self._handlers.get(cls) or known.get(cls) or entry
            if handler is not None:
                return handler
        return None

    def _knows_group(self, group: BaseException) -> bool:
        # A handler of Exception means the leaves, and finds each of them.
        return any(
            issubclass(cls, BaseExceptionGroup) and cls in self._handlers
            for cls in type(group).__mro__
        )

    def _look_up_group(
        self, group: BaseException, known: Known | None
    ) -> KaikoError | Disconnected | None:
        first: KaikoError | None = None
        first_5xx: KaikoError | None = None
        for leaf in leaves(group):
            error = self._look_up(underlying(leaf), known)
            if isinstance(error, Disconnected):
                continue
            if error is None:
                return None
            if first is None:
                first = error
            if first_5xx is None and error.status >= 500 and not is_http_exception(leaf):
                first_5xx = error
        if first is None:
            return Disconnected()  # every leaf says so
        return first if first_5xx is None else first_5xx


def is_disconnect(exc: BaseException) -> bool:
    """Whether `exc` says that the client went away, so that nobody waits for an answer."""
    exc = underlying(exc)
    if is_group(exc):
        return all(is_disconnect(leaf) for leaf in leaves(exc))
    for cls in type(exc).__mro__:
        known = known_entry(cls)
        if known is not None:
            return isinstance(known, Disconnected)
    return False

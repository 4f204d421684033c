"""Handlers are typed by the exception class that they are registered for."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from kaiko_middleware import (
    Config,
    ConflictError,
    ExceptionMapping,
    ForbiddenError,
    KaikoError,
    NotFoundError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class OutOfStock(Exception):
    """An exception of the domain, which knows nothing of HTTP."""

    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


def out_of_stock(exc: OutOfStock) -> ConflictError:
    """A handler may promise a narrower error."""
    return ConflictError(f"{exc.item} is out of stock", code="out_of_stock")


def any_error(exc: Exception) -> KaikoError:
    """A handler for a base takes every subclass."""
    return ServiceUnavailableError(str(type(exc)))


mapping = ExceptionMapping()
mapping.register(OutOfStock, out_of_stock)
mapping.register(ConnectionError, any_error)
mapping.register(KeyError, lambda exc: NotFoundError(f"No {exc.args[0]}"))


@mapping.register(FileNotFoundError)
def missing(exc: FileNotFoundError) -> KaikoError:
    """As a decorator, it leaves a function that can be called."""
    return NotFoundError(f"No {exc.filename}")


@mapping.register(OSError)
def busy(exc: OSError) -> KaikoError | None:
    """Some of a class stay unmapped."""
    return ServiceUnavailableError() if exc.errno == 16 else None


mapping.register(ValueError, lambda exc: NotFoundError() if exc.args else None)

mapping.register(LookupError, NotFoundError)
assert_type(mapping.register(OutOfStock, ConflictError), type[ConflictError])


@mapping.register(PermissionError)
class NotYours(ForbiddenError, code="not_yours", message="It is not yours"):
    """The class that the decorator leaves is the class."""


assert_type(NotYours(), NotYours)
same: Callable[[FileNotFoundError], KaikoError] = missing
assert_type(mapping.resolve(OutOfStock("tea")), KaikoError)
config = Config(mapping=mapping)

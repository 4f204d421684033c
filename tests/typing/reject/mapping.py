"""A handler that does not fit its exception class is found where it is registered."""

from __future__ import annotations

from kaiko_middleware import Config, ConflictError, ExceptionMapping, KaikoError

mapping = ExceptionMapping()


class OutOfStock(Exception):
    """An exception of the domain."""


def for_lookup(exc: LookupError) -> KaikoError:
    """Take lookups only."""
    return ConflictError(str(exc))


def gives_text(exc: OutOfStock) -> str:
    """Return no typed error."""
    return str(exc)


async def gives_later(exc: OutOfStock) -> KaikoError:
    """Handlers are not awaited."""
    return ConflictError(str(exc))


def takes_two(exc: OutOfStock, request: object) -> KaikoError:
    """Handlers take the exception alone."""
    return ConflictError(f"{exc} {request}")


mapping.register(OutOfStock, for_lookup)  # error
mapping.register(OutOfStock, gives_text)  # error
mapping.register(OutOfStock, gives_later)  # error
mapping.register(OutOfStock, takes_two)  # error
mapping.register(OutOfStock(), for_lookup)  # error
mapping.register(int, for_lookup)  # error
mapping.register("OutOfStock", for_lookup)  # error
mapping.register(OutOfStock, KeyError)  # error
mapping.register(OutOfStock, str)  # error
mapping.register(OutOfStock, ConflictError())  # error
mapping.register(int, ConflictError)  # error
mapping.resolve(OutOfStock)  # error


@mapping.register(OutOfStock)  # error
def decorated(exc: LookupError) -> KaikoError:
    """The decorator knows the class as well."""
    return ConflictError(str(exc))


Config(mapping={OutOfStock: ConflictError})  # error

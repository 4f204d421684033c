"""pydantic's `ValidationError` as a typed error, and bodies parsed by a model."""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from kaiko_middleware.make_error import error_for_code

from .declared_path import schema_behind, schema_of
from .failures import Failure, error_from_records, failure, on_wire

if TYPE_CHECKING:
    from pydantic import BaseModel, TypeAdapter, ValidationError
    from pydantic_core import ErrorDetails

    from kaiko_middleware.errors import KaikoError

    from .failures import Where

__all__ = ["parse_body", "validation_error"]

_M = TypeVar("_M", bound="BaseModel")
_T = TypeVar("_T")


def validation_error(
    exc: ValidationError, *, where: Where = "body", model: object = None
) -> KaikoError:
    """Return the typed error for pydantic's exception, to raise instead of it.

    Arguments:
        exc: pydantic's exception.
        where: the part of the request that was validated.
        model: the model class or TypeAdapter; by default it is found in the traceback.

    Only the first 200 of pydantic's records are read. Each of the others counts as one failure.

    """
    schema = schema_of(model) if model is not None else schema_behind(exc)
    details = exc.errors(include_url=False, include_context=False, include_input=False)

    def read(item: ErrorDetails) -> Failure:
        return on_wire(failure(item["type"], item["loc"], where=where, schema=schema))

    return error_from_records(details, read)


@overload
def parse_body(model: type[_M], data: object) -> _M: ...
@overload
def parse_body(model: TypeAdapter[_T], data: object) -> _T: ...
def parse_body(model: type[BaseModel] | TypeAdapter[Any], data: object) -> object:
    """Return `data` validated by `model`.

    Arguments:
        model: a pydantic model class, or a `TypeAdapter` for anything else.
        data: the raw JSON body (`bytes` or `str`), or data that was already parsed.

    Raises:
        KaikoError: the body is missing, not JSON, or not valid: see section 7 of the contract.
        TypeError: `data` is a coroutine, as `request.body()` without `await` is on Starlette.

    >>> from pydantic import BaseModel
    >>> class Message(BaseModel):
    ...     role: str
    >>> parse_body(Message, b'{"role": "user"}')
    Message(role='user')
    >>> parse_body(Message, b'{}')
    Traceback (most recent call last):
    kaiko_middleware.errors.MissingFieldError: The 'role' field is required
    """
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - 150 ms, so only when used

    if isinstance(data, CoroutineType):
        data.close()
        # A typed error would blame the client for it.
        raise TypeError("parse_body takes a body, not a coroutine: await it first")
    raw = _raw(data)
    if data is None or (raw is not None and not raw.strip()):
        raise error_for_code("missing_body")
    if raw is not None and not _has_finite_numbers(raw):
        raise error_for_code("invalid_json")
    try:
        if isinstance(model, TypeAdapter):
            return model.validate_python(data) if raw is None else model.validate_json(raw)
        return model.model_validate(data) if raw is None else model.model_validate_json(raw)
    except ValidationError as exc:
        error = validation_error(exc, model=model)
    # Raised outside of the `except` block: pydantic's exception contains the rejected input.
    raise error


def _has_finite_numbers(raw: bytes) -> bool:
    """Whether pydantic's parser, which takes NaN and Infinity by default, finds none of them."""
    if b"NaN" not in raw and b"Infinity" not in raw:
        return True
    from pydantic_core import from_json  # noqa: PLC0415 - as above

    try:
        from_json(raw, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def _raw(data: object) -> bytes | None:
    """Return a raw body as bytes, or None for data that was already parsed."""
    if isinstance(data, str):
        # A lone surrogate becomes bytes that no JSON parser accepts.
        return data.encode("utf-8", "surrogatepass")
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    return data.tobytes() if isinstance(data, memoryview) else None

"""What PyMongo raises, as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    WTimeoutError,
)

from kaiko_middleware import ConflictError, ServiceUnavailableError

if TYPE_CHECKING:
    from kaiko_middleware import ExceptionMapping, KaikoError

DUPLICATE_KEY = 11000


def taken(_exc: DuplicateKeyError) -> KaikoError:
    return ConflictError("This already exists", code="already_exists")


def bulk(exc: BulkWriteError) -> KaikoError | None:
    failed: list[dict[str, object]] = (exc.details or {}).get("writeErrors", [])
    if failed and all(error["code"] == DUPLICATE_KEY for error in failed):
        return ConflictError("Some of these already exist", code="already_exists")
    return None


def down(_exc: Exception) -> KaikoError:
    return ServiceUnavailableError(retry_after=5)


def register_pymongo(mapping: ExceptionMapping) -> None:
    mapping.register(DuplicateKeyError, taken)
    mapping.register(BulkWriteError, bulk)
    mapping.register(ConnectionFailure, down)  # also an empty pool
    mapping.register(ExecutionTimeout, down)
    mapping.register(WTimeoutError, down)

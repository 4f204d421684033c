"""What psycopg raises, as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import OperationalError, errors

from kaiko_middleware import ConflictError, ServiceUnavailableError

if TYPE_CHECKING:
    from kaiko_middleware import ExceptionMapping, KaikoError


def taken(_exc: errors.UniqueViolation) -> KaikoError:
    return ConflictError("This already exists", code="already_exists")


def in_use(_exc: errors.ForeignKeyViolation) -> KaikoError:
    return ConflictError("Something else refers to this, or it refers to nothing")


def again(_exc: OperationalError) -> KaikoError:
    return ServiceUnavailableError(retry_after=1)  # the transaction lost a race


def operational(exc: OperationalError) -> KaikoError | None:
    if (exc.sqlstate or "").startswith("28"):
        return None  # it refuses our login
    return ServiceUnavailableError(retry_after=5)


def read_only(_exc: errors.ReadOnlySqlTransaction) -> KaikoError:
    return ServiceUnavailableError(retry_after=5)  # after a failover


def register_psycopg(mapping: ExceptionMapping) -> None:
    mapping.register(errors.UniqueViolation, taken)
    mapping.register(errors.ForeignKeyViolation, in_use)
    mapping.register(errors.SerializationFailure, again)
    mapping.register(errors.DeadlockDetected, again)
    mapping.register(errors.ReadOnlySqlTransaction, read_only)
    mapping.register(OperationalError, operational)

"""What SQLAlchemy raises, as answers. Tried with PostgreSQL's errors (psycopg) and SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from kaiko_middleware import ConflictError, ServiceUnavailableError

if TYPE_CHECKING:
    from kaiko_middleware import ExceptionMapping, KaikoError

TAKEN = {"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}
IN_USE = {"23001", "23503", "SQLITE_CONSTRAINT_FOREIGNKEY"}
OURS = {"SQLITE_ERROR"}  # SQLite says "operational" of a missing table, too


def driver_code(exc: DBAPIError) -> str | None:
    """The driver's own code: PostgreSQL's SQLSTATE, or the name that SQLite has."""
    for name in ("sqlstate", "sqlite_errorname"):
        code = getattr(exc.orig, name, None)
        if isinstance(code, str):
            return code
    return None


def integrity(exc: IntegrityError) -> KaikoError | None:
    code = driver_code(exc)
    if code in TAKEN:
        return ConflictError("This already exists", code="already_exists")
    if code in IN_USE:
        return ConflictError("Something else refers to this, or it refers to nothing")
    return None  # NOT NULL and CHECK: validation should have found it, so it is a bug


def operational(exc: OperationalError) -> KaikoError | None:
    code = driver_code(exc) or ""
    if code in OURS or code.startswith("28"):
        return None  # 28: it refuses our login
    return ServiceUnavailableError(retry_after=5)


def lost(exc: DBAPIError) -> KaikoError | None:
    if exc.connection_invalidated:
        return ServiceUnavailableError(retry_after=5)
    return None


def pool_is_empty(_exc: PoolTimeoutError) -> KaikoError:
    return ServiceUnavailableError(retry_after=1)


def stale(_exc: StaleDataError) -> KaikoError:
    return ConflictError("Somebody else changed it", code="version_mismatch")


def register_sqlalchemy(mapping: ExceptionMapping) -> None:
    mapping.register(IntegrityError, integrity)
    mapping.register(OperationalError, operational)
    mapping.register(DBAPIError, lost)
    mapping.register(PoolTimeoutError, pool_is_empty)
    mapping.register(StaleDataError, stale)

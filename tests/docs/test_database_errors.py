"""The mappings of docs/databases.md: real failures where no server is needed, else the classes."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
import pymongo
import pymongo.errors
import pytest
import redis
import redis.exceptions
from psycopg import errors as pg
from psycopg_pool import PoolTimeout
from pymongo import errors as mongo
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy import exc as sql
from sqlalchemy.orm import Session, registry
from sqlalchemy.pool import QueuePool

from kaiko_middleware import ExceptionMapping

sys.path.insert(0, str(Path(__file__).parents[2] / "docs/examples"))

from psycopg_errors import register_psycopg
from pymongo_errors import register_pymongo
from redis_errors import register_redis
from sqlalchemy_errors import register_sqlalchemy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

Becomes: TypeAlias = tuple[int, str, float | None] | None

MAPPING = ExceptionMapping()
for register in (register_sqlalchemy, register_psycopg, register_redis, register_pymongo):
    register(MAPPING)

UNMAPPED = None
TAKEN = (409, "already_exists", None)
IN_USE = (409, "conflict", None)
CHANGED = (409, "version_mismatch", None)
DOWN = (503, "service_unavailable", 5)
SOON = (503, "service_unavailable", 1)


def answer(exc: BaseException) -> Becomes:
    """Map an exception; nothing of its text may be in the message."""
    error = MAPPING.find(exc)
    if error is None:
        return UNMAPPED
    assert str(exc) not in error.message
    return error.status, error.code, error.retry_after


def raised(call: Callable[[], object]) -> Exception:
    """Return what a call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the mapping is asked what it is
        call()
    return caught.value


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A loopback port that refuses connections for as long as the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port


# --- SQLAlchemy ------------------------------------------------------------------------

METADATA = MetaData()
PARENTS = Table("parents", METADATA, Column("id", Integer, primary_key=True))
CHILDREN = Table(
    "children",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("parent", ForeignKey(PARENTS.c.id), nullable=False),
    Column("name", Integer, unique=True),
    Column("version", Integer, nullable=False),
    CheckConstraint("name > 0"),
)


class Child:
    """A row with a version."""

    id: int
    name: int


registry().map_imperatively(Child, CHILDREN, version_id_col=CHILDREN.c.version)


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A database in memory that checks foreign keys, with one parent and one child."""
    engine = create_engine("sqlite://")

    @event.listens_for(engine, "connect")
    def _(raw: Any, _record: object) -> None:
        raw.execute("PRAGMA foreign_keys = ON")

    METADATA.create_all(engine)
    with engine.connect() as opened:
        opened.execute(text("INSERT INTO parents VALUES (1)"))
        opened.execute(text("INSERT INTO children VALUES (1, 1, 1, 1)"))
        yield opened
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "becomes"),
    [
        ("INSERT INTO parents VALUES (1)", TAKEN),
        ("INSERT INTO children VALUES (2, 1, 1, 1)", TAKEN),
        ("INSERT INTO children VALUES (2, 9, 2, 1)", IN_USE),
        ("DELETE FROM parents", IN_USE),
        ("INSERT INTO children VALUES (2, NULL, 2, 1)", UNMAPPED),
        ("INSERT INTO children VALUES (2, 1, 0, 1)", UNMAPPED),
        ("SELECT * FROM nowhere", UNMAPPED),
        ("SELEKT", UNMAPPED),
    ],
)
def test_sqlite_behind_sqlalchemy(connection: Connection, statement: str, becomes: Becomes) -> None:
    """A conflict is the caller's, a wrong statement ours."""
    exc = raised(lambda: connection.execute(text(statement)))
    assert isinstance(exc, sql.DBAPIError)
    assert answer(exc) == becomes


def test_a_stale_version_behind_sqlalchemy(connection: Connection) -> None:
    """Optimistic locking is a conflict."""
    with Session(connection) as session:
        child = session.get_one(Child, 1)
        session.execute(text("UPDATE children SET version = 7"))
        child.name = 2
        assert answer(raised(session.flush)) == CHANGED


def test_an_empty_pool_of_sqlalchemy() -> None:
    """The caller may come back soon."""
    engine = create_engine(
        "sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01
    )
    with engine.connect():
        assert answer(raised(engine.connect)) == SOON
    engine.dispose()


def test_a_locked_sqlite_behind_sqlalchemy(tmp_path: Path) -> None:
    """What SQLite cannot do now is unavailable, though it has the class of a missing table."""
    engine = create_engine(f"sqlite:///{tmp_path}/db", connect_args={"timeout": 0})
    with engine.connect() as first, engine.connect() as second:
        first.execute(text("CREATE TABLE t (id INTEGER)"))
        first.commit()
        first.execute(text("INSERT INTO t VALUES (1)"))
        exc = raised(lambda: second.execute(text("INSERT INTO t VALUES (2)")))
    engine.dispose()
    assert answer(exc) == DOWN


def test_postgres_refuses_sqlalchemys_connection(closed_port: int) -> None:
    """Nobody listens: unavailable."""
    engine = create_engine(f"postgresql+psycopg://u:secret@127.0.0.1:{closed_port}/d")
    assert answer(raised(engine.connect)) == DOWN


@pytest.mark.parametrize(
    ("cls", "orig", "becomes"),
    [
        (sql.IntegrityError, pg.UniqueViolation(), TAKEN),
        (sql.IntegrityError, pg.ForeignKeyViolation(), IN_USE),
        (sql.IntegrityError, pg.RestrictViolation(), IN_USE),
        (sql.IntegrityError, pg.NotNullViolation(), UNMAPPED),
        (sql.OperationalError, pg.DeadlockDetected(), DOWN),
        (sql.OperationalError, pg.QueryCanceled(), DOWN),
        (sql.OperationalError, pg.AdminShutdown(), DOWN),
        (sql.OperationalError, pg.InvalidPassword(), UNMAPPED),
        (sql.ProgrammingError, pg.UndefinedTable(), UNMAPPED),
        (sql.DataError, pg.NumericValueOutOfRange(), UNMAPPED),
    ],
    ids=lambda value: getattr(type(value), "__name__", None),
)
def test_postgres_behind_sqlalchemy(
    cls: type[sql.DBAPIError], orig: psycopg.Error, becomes: Becomes
) -> None:
    """It is the driver's code that tells them apart."""
    assert answer(cls("INSERT ...", {}, orig)) == becomes


def test_a_connection_that_sqlalchemy_found_lost() -> None:
    """Whatever class the driver chose."""
    orig = psycopg.InterfaceError("the connection is closed")
    lost = sql.InterfaceError("SELECT 1", {}, orig, connection_invalidated=True)
    assert answer(lost) == DOWN
    assert answer(sql.InterfaceError("SELECT 1", {}, orig)) == UNMAPPED


# --- psycopg ---------------------------------------------------------------------------


def test_postgres_refuses_the_connection(closed_port: int) -> None:
    """Nobody listens: unavailable. A wrong option is ours."""
    at = f"host=127.0.0.1 port={closed_port} user=u password=secret dbname=d"
    assert answer(raised(lambda: psycopg.connect(at))) == DOWN
    assert answer(raised(lambda: psycopg.connect(f"{at} nonsense=1"))) == UNMAPPED


@pytest.mark.parametrize(
    ("exc", "becomes"),
    [
        (pg.UniqueViolation, TAKEN),
        (pg.ForeignKeyViolation, IN_USE),
        (pg.NotNullViolation, UNMAPPED),
        (pg.CheckViolation, UNMAPPED),
        (pg.SerializationFailure, SOON),
        (pg.DeadlockDetected, SOON),
        (pg.QueryCanceled, DOWN),
        (pg.LockNotAvailable, DOWN),
        (pg.TooManyConnections, DOWN),
        (pg.AdminShutdown, DOWN),
        (pg.ConnectionTimeout, DOWN),
        (pg.ReadOnlySqlTransaction, DOWN),
        (pg.InvalidPassword, UNMAPPED),
        (pg.UndefinedTable, UNMAPPED),
        (pg.InsufficientPrivilege, UNMAPPED),
        (pg.SyntaxError, UNMAPPED),
        (PoolTimeout, DOWN),
        (psycopg.InterfaceError, UNMAPPED),
    ],
)
def test_psycopg(exc: type[psycopg.Error], becomes: Becomes) -> None:
    """Each class as the page says."""
    assert answer(exc("it says the value")) == becomes


# --- redis-py --------------------------------------------------------------------------


def test_redis_refuses_the_connection(closed_port: int) -> None:
    """Nobody listens: unavailable."""
    client = redis.Redis(host="127.0.0.1", port=closed_port, retry=Retry(NoBackoff(), 0))
    assert answer(raised(client.ping)) == DOWN


@pytest.mark.parametrize(
    ("exc", "becomes"),
    [
        (redis.exceptions.ConnectionError, DOWN),
        (redis.exceptions.BusyLoadingError, DOWN),
        (redis.exceptions.MaxConnectionsError, DOWN),
        (redis.exceptions.TimeoutError, DOWN),
        (redis.exceptions.ReadOnlyError, DOWN),
        (redis.exceptions.ClusterDownError, DOWN),
        (redis.exceptions.WatchError, CHANGED),
        (redis.exceptions.AuthenticationError, UNMAPPED),
        (redis.exceptions.AuthorizationError, UNMAPPED),
        (redis.exceptions.ResponseError, UNMAPPED),
        (redis.exceptions.NoPermissionError, UNMAPPED),
        (redis.exceptions.DataError, UNMAPPED),
    ],
)
def test_redis(exc: Any, becomes: Becomes) -> None:
    """Each class as the page says."""
    assert answer(exc("it says the key")) == becomes


# --- PyMongo ---------------------------------------------------------------------------


def test_mongo_refuses_the_connection(closed_port: int) -> None:
    """Nobody listens: unavailable."""
    with pymongo.MongoClient[Any]("127.0.0.1", closed_port, serverSelectionTimeoutMS=1) as client:
        assert answer(raised(lambda: client.a.b.insert_one({}))) == DOWN


def _bulk(*codes: int) -> mongo.BulkWriteError:
    return mongo.BulkWriteError({"writeErrors": [{"code": code} for code in codes]})


@pytest.mark.parametrize(
    ("exc", "becomes"),
    [
        (mongo.DuplicateKeyError("E11000 {email: 1}"), TAKEN),
        (_bulk(11000, 11000), TAKEN),
        (_bulk(11000, 121), UNMAPPED),
        (_bulk(), UNMAPPED),
        (mongo.AutoReconnect("it says the host"), DOWN),
        (mongo.NetworkTimeout("it says the host"), DOWN),
        (mongo.NotPrimaryError("it says the host"), DOWN),
        (mongo.WaitQueueTimeoutError("it says the host"), DOWN),
        (mongo.ExecutionTimeout("it says the host"), DOWN),
        (mongo.WTimeoutError("it says the host"), DOWN),
        (mongo.OperationFailure("Authentication failed", 18), UNMAPPED),
        (mongo.WriteError("Document failed validation", 121), UNMAPPED),
        (mongo.InvalidName("a$b"), UNMAPPED),
    ],
    ids=repr,
)
def test_mongo(exc: mongo.PyMongoError, becomes: Becomes) -> None:
    """Each class as the page says."""
    assert answer(exc) == becomes

"""What redis-py raises, as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis import exceptions as redis

from kaiko_middleware import ConflictError, ServiceUnavailableError

if TYPE_CHECKING:
    from kaiko_middleware import ExceptionMapping, KaikoError


def down(_exc: Exception) -> KaikoError:
    return ServiceUnavailableError(retry_after=5)


def refuses_us(_exc: Exception) -> None:
    """A wrong password is ours to correct; in redis-py it is a `ConnectionError`."""


def changed(_exc: redis.WatchError) -> KaikoError:
    return ConflictError("Somebody else changed it", code="version_mismatch")


def register_redis(mapping: ExceptionMapping) -> None:
    mapping.register(redis.ConnectionError, down)  # also an empty pool
    mapping.register(redis.TimeoutError, down)
    mapping.register(redis.ReadOnlyError, down)  # after a failover
    mapping.register(redis.ClusterDownError, down)
    mapping.register(redis.AuthenticationError, refuses_us)
    mapping.register(redis.AuthorizationError, refuses_us)
    mapping.register(redis.WatchError, changed)

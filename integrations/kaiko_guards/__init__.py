"""kaiko-middleware's guards: API keys, rate limits, body sizes and deadlines.

>>> from kaiko_guards import BodyLimit, Deadline, RateLimit
>>> guards = [Deadline(30), BodyLimit(1_000_000), RateLimit("100/minute;5/second", by="address")]

Each answers in the contract: 401 and 403, 429, 413, 503 `timeout`. What runs them is one middleware
for each kind of application, such as `kaiko_guards.asgi.GuardMiddleware`.
"""

from __future__ import annotations

from kaiko_guards.deadlines import Deadline
from kaiko_guards.keys import ApiKeys
from kaiko_guards.limits import RateLimit
from kaiko_guards.request import GuardedRequest
from kaiko_guards.sizes import BodyLimit
from kaiko_guards.stored_keys import NewKey, new_key
from kaiko_guards.verdicts import AsyncKeyVerifier, KeyAnswer, KeyVerifier, ValidKey
from kaiko_guards.verifiers import AsyncCachedKeys, CachedKeys, FileKeys, HashedKeys
from kaiko_middleware.deadline import deadline

__all__ = [
    "ApiKeys",
    "AsyncCachedKeys",
    "AsyncKeyVerifier",
    "BodyLimit",
    "CachedKeys",
    "Deadline",
    "FileKeys",
    "GuardedRequest",
    "HashedKeys",
    "KeyAnswer",
    "KeyVerifier",
    "NewKey",
    "RateLimit",
    "ValidKey",
    "deadline",
    "new_key",
]

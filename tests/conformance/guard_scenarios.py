"""What the guards must answer on every stack, as data, and the guards that answer it.

All stacks have the same guards. Each request is counted for the caller that it names, so that no
test uses up another one's limit; the clock of the limit stands still.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import get_ident
from typing import TYPE_CHECKING, NamedTuple

from conformance.driver import Sent
from kaiko_guards import ApiKeys, BodyLimit, Deadline, RateLimit, ValidKey

if TYPE_CHECKING:
    from conformance.driver import Driver
    from kaiko_guards import GuardedRequest, KeyAnswer

KEY = "kaiko_live_" + "a1" * 20
UNKNOWN = "kaiko_live_" + "b2" * 20
REVOKED = "kaiko_live_" + "c3" * 20
DOWN = "kaiko_live_" + "d4" * 20
_ANSWERS: dict[str, KeyAnswer] = {
    KEY: ValidKey("billing", "billing", frozenset({"read"})),
    REVOKED: "revoked",
}
THREADS: list[int] = []
"""The threads that a guard was asked in."""


class Keys:
    """Knows a few keys, and fails at one."""

    def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of a key."""
        THREADS.append(get_ident())
        if key == DOWN:
            raise OSError("the database is gone")
        return _ANSWERS.get(key, "unknown")


def caller(request: GuardedRequest) -> str | None:
    """Return whom a request is counted for."""
    THREADS.append(get_ident())
    return request.read_header("x-caller")


GUARDS = (
    RateLimit("2/minute", by=caller, clock=lambda: 0.0),
    ApiKeys(Keys(), scopes={"/s/detail": "write"}),
    BodyLimit(64),
    Deadline(30, paths={"/waits": 0.01}),
)
"""In no order of their own: the middleware has one."""


@dataclass(frozen=True)
class GuardScenario:
    """Requests to a stack with these guards, and the answer to the last of them."""

    name: str
    sent: Sent
    status: int
    type: str = ""
    code: str = ""
    message: str = ""
    param: str | None = None
    times: int = 1
    """How often it is sent."""
    headers: dict[str, str] = field(default_factory=dict)
    """Header fields that the answer must have, by lower-case name."""
    absent: tuple[str, ...] = ("retry-after",)
    """Header fields that it must not have."""
    in_envelope: bool = False
    """Whether it is the envelope middleware's to answer."""


class Guarded(NamedTuple):
    """A driver whose application has the guards."""

    driver: Driver
    enveloped: bool = True
    """Whether the envelope middleware is there as well."""
    lacks: frozenset[str] = frozenset()
    """The scenarios that it cannot do."""

    def can(self, scenario: GuardScenario) -> bool:
        """Whether the scenario is one for this stack."""
        return (self.enveloped or not scenario.in_envelope) and scenario.name not in self.lacks


# A thread cannot be stopped.
NO_AWAIT = frozenset({"too-slow"})
# Django REST framework takes a body of unknown length for none.
NO_CHUNKS = frozenset({"small-body-in-chunks"})
# So does Django under WSGI, and so does Bottle, which read nothing of it: nothing is counted.
NO_COUNT = NO_CHUNKS | {"large-body-in-chunks"}
# Litestar calls no middleware where no route matches.
ROUTED_ONLY = frozenset({"no-route"})


_OK = Sent("/s/ok", headers=(("X-Api-Key", KEY),))
_LIMITS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
_UNCOUNTED = ("retry-after", *_LIMITS)
_UNAUTHORIZED = ("authentication_error", "invalid_api_key", "Missing or invalid API key")
_TOO_LARGE = ("invalid_request_error", "payload_too_large", "The request body is too large")
_LATE = ("server_error", "timeout", "The operation timed out")
_LONG = b'{"messages":[{"role":"user","text":"' + b"x" * 64 + b'"}],"model":"m"}'
_SHORT = b'{"messages":[{"role":"user"}],"model":"m"}'


def _left(remaining: int, reset: int) -> dict[str, str]:
    return dict(zip(_LIMITS, ("2", str(remaining), str(reset)), strict=True))


def _refuses(name: str, key: str | None) -> GuardScenario:
    headers = () if key is None else (("X-Api-Key", key),)
    sent = replace(_OK, headers=headers)
    told = {"www-authenticate": "ApiKey", "x-should-retry": "false", "cache-control": "no-store"}
    return GuardScenario(name, sent, 401, *_UNAUTHORIZED, headers=told, absent=_UNCOUNTED)


GUARD_SCENARIOS = (
    GuardScenario("first-request", _OK, 200, headers=_left(1, 30)),
    GuardScenario("last-request", _OK, 200, times=2, headers=_left(0, 60)),
    GuardScenario(
        "too-many-requests",
        _OK,
        429,
        "rate_limit_error",
        "too_many_requests",
        "Too many requests",
        times=3,
        headers={**_left(0, 60), "retry-after": "30", "x-should-retry": "true"},
        absent=(),
    ),
    GuardScenario(
        "error-of-a-view",
        replace(_OK, path="/s/typed-404"),
        404,
        "not_found_error",
        "scenario_context_not_found",
        "Context 'ctx_1' has expired",
        "context_id",
        headers=_left(1, 30),
        in_envelope=True,
    ),
    GuardScenario(
        "bug-of-a-view",
        replace(_OK, path="/s/unmapped"),
        500,
        "server_error",
        "internal",
        "Unexpected server error",
        headers=_left(1, 30),
        in_envelope=True,
    ),
    GuardScenario(
        "no-route",
        replace(_OK, path="/nowhere"),
        404,
        "not_found_error",
        "not_found",
        "The resource was not found",
        headers=_left(1, 30),
        in_envelope=True,
    ),
    _refuses("no-key", None),
    _refuses("empty-key", ""),
    _refuses("malformed-key", "let-me-in"),
    _refuses("key-of-another-environment", "kaiko_test_" + "a1" * 20),
    _refuses("unknown-key", UNKNOWN),
    GuardScenario(
        "revoked-key",
        replace(_OK, headers=(("X-Api-Key", REVOKED),)),
        403,
        "forbidden_error",
        "key_revoked",
        "The API key was revoked",
        absent=_UNCOUNTED,
    ),
    GuardScenario(
        "missing-scope",
        replace(_OK, path="/s/detail"),
        403,
        "forbidden_error",
        "permission_denied",
        "The API key does not permit this",
        absent=_UNCOUNTED,
    ),
    GuardScenario(
        "verifier-down",
        replace(_OK, headers=(("X-Api-Key", DOWN),)),
        503,
        "server_error",
        "service_unavailable",
        "API keys cannot be checked at the moment",
        headers={"x-should-retry": "true"},
        absent=_UNCOUNTED,
    ),
    GuardScenario(
        "small-body",
        replace(_OK, path="/s/parsed", method="POST", parts=(_SHORT,)),
        200,
        headers=_left(1, 30),
    ),
    GuardScenario(
        "small-body-in-chunks",
        replace(
            _OK, path="/s/parsed", method="POST", parts=(_SHORT[:9], _SHORT[9:]), says_length=False
        ),
        200,
        headers=_left(1, 30),
    ),
    GuardScenario(
        "large-body",
        replace(_OK, path="/s/parsed", method="POST", parts=(_LONG,)),
        413,
        *_TOO_LARGE,
        absent=_UNCOUNTED,
    ),
    GuardScenario(
        "large-body-that-no-view-reads",
        replace(_OK, method="POST", parts=(_LONG,)),
        413,
        *_TOO_LARGE,
        absent=_UNCOUNTED,
    ),
    GuardScenario(
        "large-body-without-a-key",
        replace(_OK, method="POST", parts=(_LONG,), headers=()),
        413,
        *_TOO_LARGE,
        absent=_UNCOUNTED,
    ),
    GuardScenario(
        "large-body-in-chunks",
        replace(
            _OK, path="/s/parsed", method="POST", parts=(_LONG[:50], _LONG[50:]), says_length=False
        ),
        413,
        *_TOO_LARGE,
    ),
    GuardScenario(
        "caller-without-time",
        replace(_OK, headers=(*_OK.headers, ("X-Request-Deadline", "0"))),
        503,
        *_LATE,
        headers={"x-should-retry": "true"},
        absent=_UNCOUNTED,
    ),
    GuardScenario(
        "too-slow",
        replace(_OK, path="/waits"),
        503,
        *_LATE,
        headers={"x-should-retry": "true", **_left(1, 30)},
    ),
)

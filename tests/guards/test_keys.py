"""API keys: what is refused before a look-up, what after, and that no digest tells of its key."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2s, sha256
from typing import TYPE_CHECKING, Any, cast

import pytest

from guards.requests import request
from kaiko_guards import ApiKeys, HashedKeys, ValidKey, _verifiers, new_key
from kaiko_guards._chain import ask_plain_verifier, ask_verifier
from kaiko_guards._stored_keys import StoredKey, answer_for, digest_of, first_allowed, lookup_of
from kaiko_middleware import (
    AuthenticationError,
    ForbiddenError,
    KaikoError,
    ServiceUnavailableError,
)
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from kaiko_guards import KeyAnswer

KEY = "kaiko_live_" + "a1" * 20
BILLING = ValidKey("billing", "billing", frozenset({"contexts:read"}))


class Fixed:
    """A verifier that says the same of every key."""

    def __init__(self, answer: KeyAnswer = BILLING) -> None:
        self.answer: KeyAnswer = answer

    def verify(self, _key: str, /) -> KeyAnswer:
        return self.answer


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "secret",
        "kaiko_live_",
        "kaiko_live_short",
        "kaiko_test_" + "a1" * 20,
        "Bearer " + KEY,
        KEY + " ",
        f"{KEY},{KEY}",
        KEY + "é",
        "kaiko_live_" + "a" * 97,
    ],
)
def test_what_is_no_key_of_this_environment_is_not_looked_up(value: str | None) -> None:
    """401, and the client is not told which of these it was."""
    with pytest.raises(AuthenticationError) as caught:
        ApiKeys(Fixed()).key_in(value)
    assert caught.value.code == "invalid_api_key"
    assert caught.value.message == AuthenticationError().message


def test_prefixes_say_which_environments_keys_are_taken() -> None:
    """Staging may take both."""
    keys = ApiKeys(Fixed(), prefixes=("kaiko_live_", "kaiko_test_"))
    assert keys.key_in(KEY) == KEY
    assert keys.key_in("kaiko_test_" + "a1" * 20).startswith("kaiko_test_")


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ("unknown", 401, "invalid_api_key"),
        ("expired", 401, "invalid_api_key"),
        ("revoked", 403, "key_revoked"),
        (ValidKey("billing", "billing"), 403, "permission_denied"),
    ],
)
def test_a_verifiers_answer_becomes_the_contracts(
    answer: KeyAnswer, status: int, code: str
) -> None:
    """And the request goes no further."""
    keys = ApiKeys(Fixed(), scopes={"/v2": "contexts:read"})
    asked = request("/v2/contexts")
    with pytest.raises(KaikoError) as caught:
        keys.admit(asked, KEY, keys.accept(answer))
    assert (caught.value.status, caught.value.code) == (status, code)
    assert asked.key is None


def test_a_valid_key_is_known_to_what_follows() -> None:
    """To the limits that count by it, and to the service."""
    asked = request("/v2/contexts")
    ApiKeys(Fixed(), scopes={"/v2": "contexts:read"}).admit(asked, KEY, BILLING)
    assert (asked.key, asked.principal) == (KEY, "billing")


def test_the_longest_prefix_says_which_scope_is_needed() -> None:
    """A part of the service may need another one than the rest."""
    keys = ApiKeys(Fixed(), scopes={"/v2": "contexts:read", "/v2/admin": "admin"})
    keys.admit(request("/v2/administrators"), KEY, BILLING)
    keys.admit(request("/elsewhere"), KEY, ValidKey("a", "a"))
    with pytest.raises(ForbiddenError):
        keys.admit(request("/v2/admin/users"), KEY, BILLING)


def test_public_paths_need_no_key() -> None:
    """By whole segments."""
    keys = ApiKeys(Fixed(), public=("/health",))
    paths = ("/health", "/health/db", "/healthy", "/")
    assert [keys.needs_key(request(path)) for path in paths] == [False, False, True, True]


@pytest.mark.parametrize(
    ("method", "headers", "needed"),
    [
        ("OPTIONS", {"origin": "https://a.example", "access-control-request-method": "GET"}, False),
        ("GET", {"origin": "https://a.example", "access-control-request-method": "GET"}, True),
        ("OPTIONS", {"origin": "https://a.example"}, True),
        ("OPTIONS", {"access-control-request-method": "GET"}, True),
        ("OPTIONS", {}, True),
    ],
)
def test_a_preflight_needs_no_key(method: str, headers: dict[str, str], *, needed: bool) -> None:
    """Browsers send it without; nothing else goes by that name."""
    asked = request("/v2/models", method=method, headers=headers)
    assert ApiKeys(Fixed()).needs_key(asked) is needed


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"verifier": object()}, "verifier"),
        ({"prefixes": "kaiko_live_"}, "prefixes"),
        ({"prefixes": ()}, "prefixes"),
        ({"prefixes": ("Live_",)}, "prefixes"),
        ({"public": "/health"}, "public"),
        ({"scopes": {"/v2": "two words"}}, "scopes"),
        ({"scopes": {"v2": "read"}}, "scopes"),
        ({"header": "X-API-Key"}, "header"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], named: str) -> None:
    """When the guard is made, in one line."""
    settings: dict[str, Any] = {"verifier": Fixed(), **given}
    with pytest.raises(ConfigError, match=f"^{named}: "):
        ApiKeys(**settings)


# --- how keys are made and stored -----------------------------------------------------


def test_a_new_key_is_random_and_found_by_its_start() -> None:
    """160 bits that nobody stores, and eight characters to find the digest by."""
    made = {new_key().key for _ in range(100)}
    assert len(made) == 100
    key, lookup, digest = new_key("kaiko_test_")
    assert key.startswith(lookup)
    assert (len(lookup), len(key)) == (len("kaiko_test_") + 8, len("kaiko_test_") + 40)
    assert (lookup_of(key), digest_of(key)) == (lookup, digest)
    assert ApiKeys(Fixed(), prefixes=("kaiko_test_",)).key_in(key) == key


def test_a_stored_key_is_what_its_digest_says() -> None:
    """A key with the same start and another end is unknown, revoked or not."""
    now = datetime.now(UTC)
    made = new_key()
    stored = StoredKey(made.lookup, made.digest, BILLING)
    other = made.lookup + new_key().key[-32:]
    assert answer_for(made.key, stored, lambda: now) is BILLING
    assert answer_for(other, stored, lambda: now) == "unknown"
    assert answer_for(other, stored._replace(revoked=True), lambda: now) == "unknown"
    assert answer_for(made.key, stored._replace(revoked=True), lambda: now) == "revoked"
    assert answer_for(made.key, stored._replace(expires_at=now), lambda: now) == "expired"
    later = now + timedelta(seconds=1)
    assert answer_for(made.key, stored._replace(expires_at=later), lambda: now) is BILLING
    assert answer_for(made.key, None, lambda: now) == "unknown"


def test_keys_from_the_settings() -> None:
    """Each as its digest, with what it is good for."""
    good, old, gone = new_key(), new_key(), new_key()
    keys = HashedKeys(
        [
            {"lookup": good.lookup, "sha256": good.digest, "name": "billing", "scopes": ["read"]},
            {
                "lookup": old.lookup,
                "sha256": old.digest,
                "name": "old",
                "expires_at": "2020-01-01T00:00:00Z",
            },
            {"lookup": gone.lookup, "sha256": gone.digest, "name": "gone", "revoked": True},
        ]
    )
    assert keys.verify(good.key) == ValidKey("billing", "billing", frozenset({"read"}))
    assert [keys.verify(each.key) for each in (old, gone, new_key())] == [
        "expired",
        "revoked",
        "unknown",
    ]


def test_a_key_that_was_seen_before_expires_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found more quickly, without being kept; and no longer than it is valid."""
    made = new_key()
    now = datetime.now(UTC)
    until = (now + timedelta(hours=1)).isoformat()
    keys = HashedKeys(
        [{"lookup": made.lookup, "sha256": made.digest, "name": "a", "expires_at": until}]
    )
    assert [keys.verify(made.key) for _ in range(2)] == [ValidKey("a", "a")] * 2
    assert made.key[-32:] not in repr(vars(keys))
    later = now + timedelta(hours=1, seconds=1)
    monkeypatch.setattr("time.time", later.timestamp)
    monkeypatch.setattr(_verifiers, "_now", lambda: later)
    assert keys.verify(made.key) == "expired"


def test_a_build_that_refuses_a_digest_takes_another_one() -> None:
    """In FIPS mode BLAKE2 raises, and each request would be answered 503."""

    def refused(_data: bytes) -> Any:
        raise ValueError

    assert first_allowed(refused, sha256) is sha256
    assert first_allowed(blake2s, sha256) is blake2s


_ENTRY: dict[str, Any] = {"lookup": "kaiko_live_aaaaaaaa", "sha256": "0" * 64, "name": "billing"}


@pytest.mark.parametrize(
    "entries",
    [
        "a text",
        ["an entry"],
        [{"name": "billing"}],
        [{**_ENTRY, "sha256": "abc"}],
        [{**_ENTRY, "key": "kaiko_live_" + "a1" * 20}],
        [{**_ENTRY, "scopes": "read"}],
        [{**_ENTRY, "revoked": "no"}],
        [{**_ENTRY, "expires_at": "tomorrow"}],
        [{**_ENTRY, "expires_at": "2027-01-01"}],
        [_ENTRY, _ENTRY],
    ],
)
def test_a_wrong_entry_is_named(entries: Any) -> None:
    """And no key is shown."""
    with pytest.raises(ConfigError, match=r"^entries") as caught:
        HashedKeys(entries)
    assert "a1" * 10 not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [None, True, "valid", object()], ids=["none", "true", "text", "object"]
)
def test_a_verifier_that_gives_no_answer_has_failed(answer: Any) -> None:
    """It says nothing of the key, so its owner is not told that it is wrong."""
    keys = ApiKeys(Fixed(answer))
    with pytest.raises(ServiceUnavailableError):
        ask_plain_verifier(keys, KEY)
    with pytest.raises(ServiceUnavailableError):
        asyncio.run(ask_verifier(keys, KEY))


def test_why_a_verifier_fails_is_logged_once_and_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The answers say only that keys cannot be checked; neither names a key."""
    answers: list[Any] = [ConnectionError(KEY), None, "unknown", None, BILLING, BILLING]

    class Unsteady:
        def verify(self, _key: str, /) -> KeyAnswer:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return cast("KeyAnswer", answer)  # wrong on purpose

    guard = ApiKeys(Unsteady())
    while answers:
        with suppress(KaikoError):
            ask_plain_verifier(guard, KEY)
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("kaiko.guards", f"the key verifier {what}")
        for what in (
            "fails, and requests are refused: ConnectionError",
            "works again",
            "fails, and requests are refused: it returned NoneType",
            "works again",
        )
    ]

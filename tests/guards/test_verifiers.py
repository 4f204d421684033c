"""Verifiers that come with the toolkit: a file that changes, and answers that are kept."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from guards.test_memory import Clock
from kaiko_guards import AsyncCachedKeys, CachedKeys, FileKeys, ValidKey, new_key
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kaiko_guards import KeyAnswer, NewKey

VALID = ValidKey("billing", "billing")


def _write(path: Path, *keys: NewKey, **others: object) -> None:
    """Write a file of keys, and have it look changed whatever the file system's clock does."""
    entries = [
        {"lookup": key.lookup, "sha256": key.digest, "name": "billing", **others} for key in keys
    ]
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(json.dumps(entries))
    os.utime(path, ns=(before + 10**9, before + 10**9))


# --- a file ---------------------------------------------------------------------------


def test_a_file_of_keys_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """Within the time that is configured, and not before."""
    path, clock = tmp_path / "keys.json", Clock()
    old, new = new_key(), new_key()
    _write(path, old)
    keys = FileKeys(path, every=5, clock=clock)
    assert (keys.verify(old.key), keys.verify(new.key)) == (VALID, "unknown")
    _write(path, old, revoked=True)
    clock.now += 4.9
    assert keys.verify(old.key) == VALID
    clock.now += 0.1
    assert keys.verify(old.key) == "revoked"
    _write(path, new)
    clock.now += 5
    assert (keys.verify(old.key), keys.verify(new.key)) == ("unknown", VALID)


def test_a_file_that_is_the_same_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at its state is enough."""
    path, clock = tmp_path / "keys.json", Clock()
    key = new_key()
    _write(path, key)
    keys = FileKeys(path, every=1, clock=clock)
    monkeypatch.setattr("json.loads", lambda _text: pytest.fail("read"))
    clock.now += 10
    assert keys.verify(key.key) == VALID


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.unlink(), lambda path: path.write_text("{")],
    ids=["gone", "broken"],
)
def test_a_file_that_cannot_be_read_changes_nothing(
    tmp_path: Path, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    """The keys that were read before count, with one warning, until it can be read again."""
    path, clock = tmp_path / "keys.json", Clock()
    key, other = new_key(), new_key()
    _write(path, key)
    keys = FileKeys(path, every=1, clock=clock)
    spoil(path)
    for _ in range(3):
        clock.now += 1
        assert keys.verify(key.key) == VALID
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    _write(path, other)
    clock.now += 1
    assert keys.verify(other.key) == VALID
    spoil(path)
    clock.now += 1
    assert keys.verify(other.key) == VALID
    assert len(caplog.records) == 2


@pytest.mark.parametrize("text", [None, "{", '{"keys": []}', '[{"name": "billing"}]', "\xff"])
def test_a_service_does_not_start_without_its_keys(tmp_path: Path, text: str | None) -> None:
    """The message names the file."""
    path = tmp_path / "keys.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"keys\.json"):
        FileKeys(path)


# --- a cache --------------------------------------------------------------------------


class _Asked:
    """A verifier that counts."""

    def __init__(self, answer: KeyAnswer = VALID) -> None:
        self.answer: KeyAnswer = answer
        self.times = 0

    def verify(self, _key: str, /) -> KeyAnswer:
        self.times += 1
        return self.answer


class _AsyncAsked:
    """The same, awaited."""

    def __init__(self, inner: _Asked) -> None:
        self._inner = inner

    async def verify(self, key: str, /) -> KeyAnswer:
        return self._inner.verify(key)


def _sync(asked: _Asked, **how: Any) -> Callable[[str], KeyAnswer]:
    return CachedKeys(asked, **how).verify


def _async(asked: _Asked, **how: Any) -> Callable[[str], KeyAnswer]:
    keys = AsyncCachedKeys(_AsyncAsked(asked), **how)
    return lambda key: asyncio.run(_awaited(keys, key))


async def _awaited(keys: AsyncCachedKeys, key: str) -> KeyAnswer:
    return await keys.verify(key)


each = pytest.mark.parametrize("cached", [_sync, _async], ids=["sync", "async"])


@each
@pytest.mark.parametrize(
    ("answer", "lasts"), [(VALID, 30.0), ("unknown", 5.0), ("revoked", 5.0), ("expired", 5.0)]
)
def test_an_answer_is_kept_for_a_while(cached: Any, answer: KeyAnswer, lasts: float) -> None:
    """A valid key's for longer than any other."""
    asked, clock = _Asked(answer), Clock()
    verify = cached(asked, clock=clock)
    assert [verify("a"), verify("a"), verify("b")] == [answer] * 3
    assert asked.times == 2
    clock.now += lasts - 0.1
    verify("a")
    assert asked.times == 2
    clock.now += 0.1
    verify("a")
    assert asked.times == 3


@each
def test_nothing_is_kept_where_that_is_wanted(cached: Any) -> None:
    """A key that was just made is then known at once."""
    asked = _Asked("unknown")
    verify = cached(asked, misses=0)
    assert [verify("a"), verify("a")] == ["unknown"] * 2
    assert asked.times == 2


def test_a_cache_has_its_bound() -> None:
    """What is dropped is looked up again: the oldest answers."""
    asked = _Asked()
    keys = CachedKeys(asked, max_keys=10)
    for number in range(1000):
        keys.verify(f"key {number}")
    assert len(keys._cache._answers) <= 10
    assert asked.times == 1000
    keys.verify("key 999")
    assert asked.times == 1000


def test_no_key_stays_in_the_cache() -> None:
    """Its digest does."""
    keys = CachedKeys(_Asked())
    keys.verify("kaiko_live_" + "a1" * 20)
    assert "a1" * 10 not in repr(keys._cache._answers)


@pytest.mark.parametrize(
    "given", [{"hits": -1}, {"misses": 1e9}, {"max_keys": 0}], ids=["hits", "misses", "max_keys"]
)
def test_a_wrong_setting_is_named(given: dict[str, Any]) -> None:
    """When the cache is made."""
    with pytest.raises(ConfigError, match=f"^{next(iter(given))}: "):
        CachedKeys(_Asked(), **given)

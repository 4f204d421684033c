"""What a look-up costs, counted, and how soon every worker sees that a key was revoked."""

from __future__ import annotations

import gc
import hmac
import sys
from typing import TYPE_CHECKING, Any

import pytest

from guards.test_memory import Clock
from guards.test_verifiers import VALID, _write
from kaiko_guards import CachedKeys, FileKeys, HashedKeys, new_key
from kaiko_guards._stored_keys import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MADE = [new_key() for _ in range(10_000)]


def _entries(number: int) -> list[dict[str, object]]:
    return [
        {"lookup": made.lookup, "sha256": made.digest, "name": "billing"} for made in MADE[:number]
    ]


ONE, MANY = HashedKeys(_entries(1)), HashedKeys(_entries(10_000))
RIGHT = MADE[0].key
WRONG = [
    RIGHT[:-1] + ("a" if RIGHT[-1] != "a" else "b"),  # in its last character
    RIGHT[:19] + ("a" if RIGHT[19] != "a" else "b") + RIGHT[20:],  # in the secret's first one
    MADE[0].lookup + "a" * 32,  # in all of the secret
    RIGHT[:11] + "zz" + RIGHT[13:],  # in what it is looked up by
    new_key().key,
    MADE[1].lookup + RIGHT[19:],  # another key's secret
]


def _operations(call: Callable[[], object]) -> list[str]:
    """Return the functions that were called, ours and C's alike.

    The collector is off: what others put in `gc.callbacks`, as Hypothesis does, is no call of ours.
    """
    names: list[str] = []

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            names.append(frame.f_code.co_qualname)
        elif event == "c_call":
            names.append(argument.__qualname__)

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return names[:-1]  # the last one is `sys.setprofile`


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_a_wrong_key_costs_the_same_however_wrong_it_is(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same calls, and digests of one length are compared in constant time."""
    told: list[object] = []
    wanted = _operations(lambda: MANY.verify(WRONG[0]))
    assert _operations(lambda: told.append(MANY.verify(wrong)))[:-1] == wanted
    assert told == ["unknown"]
    compared: list[tuple[str, str]] = []
    compare = hmac.compare_digest

    def spy(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    MANY.verify(wrong)
    assert [(len(one), len(other)) for one, other in compared] == [(64, 64)]
    assert compared[0][0] == digest_of(wrong)


@pytest.mark.parametrize("key", [RIGHT, *WRONG[:5]], ids=range(6))
def test_a_look_up_costs_the_same_however_many_keys_there_are(key: str) -> None:
    """One and ten thousand."""
    assert ONE.verify(key) == MANY.verify(key)
    one, many = _operations(lambda: ONE.verify(key)), _operations(lambda: MANY.verify(key))
    assert one == many
    assert len(many) < 30


def test_a_known_key_costs_nothing_behind_a_cache() -> None:
    """Neither does one that is known to be none."""
    asked: list[str] = []

    class Asked:
        def verify(self, key: str, /) -> Any:
            asked.append(key)
            return MANY.verify(key)

    keys = CachedKeys(Asked())
    for _ in range(3):
        for made in MADE[:100]:
            assert keys.verify(made.key) == VALID
        assert keys.verify(WRONG[0]) == "unknown"
    assert len(asked) == 101


def test_every_worker_sees_a_revocation_in_time(tmp_path: Path) -> None:
    """Four workers, each with its file and its cache: after both of their times."""
    path, clock = tmp_path / "keys.json", Clock()
    key = MADE[0]
    _write(path, key)
    workers: list[Any] = []
    for number in range(4):
        clock.now += 0.3 * number
        workers.append(FileKeys(path, every=2, clock=clock))
        workers.append(CachedKeys(FileKeys(path, every=2, clock=clock), hits=10, clock=clock))
    assert [worker.verify(key.key) for worker in workers] == [VALID] * 8
    _write(path, key, revoked=True)
    clock.now += 2
    assert [worker.verify(key.key) for worker in workers[::2]] == ["revoked"] * 4
    clock.now += 10
    assert [worker.verify(key.key) for worker in workers] == ["revoked"] * 8


def test_a_cache_sees_a_revocation_within_its_time() -> None:
    """Each in its own process, whenever it asked."""
    clock = Clock()
    answer: list[Any] = [VALID]

    class Asked:
        def verify(self, _key: str, /) -> Any:
            return answer[0]

    workers = [CachedKeys(Asked(), hits=30, clock=clock) for _ in range(4)]
    for worker in workers:
        worker.verify(RIGHT)
        clock.now += 5
    answer[0] = "revoked"
    clock.now += 30
    assert [worker.verify(RIGHT) for worker in workers] == ["revoked"] * 4

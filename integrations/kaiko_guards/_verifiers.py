"""Verifiers that come with the toolkit: keys from settings or from a file."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from kaiko_guards._numbers import is_number
from kaiko_guards._stored_keys import StoredKey, answer_for, lookup_of, quick_digest
from kaiko_guards._verdicts import ValidKey
from kaiko_middleware.settings_check import ConfigError, refuse, shown

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from kaiko_guards._verdicts import KeyAnswer

__all__ = ["FileKeys", "HashedKeys"]

_log = logging.getLogger("kaiko.guards")
_HEX = frozenset("0123456789abcdef")
_ENTRY = (
    "an object with 'lookup' and 'sha256', as `kaiko_guards.new_key` makes them, 'name', and "
    "if wanted 'scopes' (a list), 'expires_at' (RFC 3339) and 'revoked'"
)
_KNOWN = frozenset({"lookup", "sha256", "name", "scopes", "expires_at", "revoked"})


class HashedKeys:
    """Keys from the settings, each as its digest.

    The principal of each key is its name.

    Arguments:
        entries: for each key its `lookup` and `sha256`, its `name`, and if wanted its `scopes`,
            `expires_at` (RFC 3339) and `revoked`.
        key: the setting, for the message.

    Raises:
        ConfigError: an entry is not allowed.

    """

    def __init__(self, entries: Iterable[Mapping[str, object]], *, key: str = "entries") -> None:
        if not _is_several(entries):
            refuse(key, type(entries).__name__, f"a sequence of entries, each {_ENTRY}")
        self._stored: dict[str, StoredKey] = {}
        for number, entry in enumerate(entries):
            stored = _stored_key(f"{key}[{number}]", entry)
            if stored.lookup in self._stored:
                refuse(f"{key}[{number}]", stored.lookup, "one of a kind")
            self._stored[stored.lookup] = stored
        self._known: dict[bytes, tuple[float, ValidKey]] = {}
        """By a quick digest, until when a key is valid that was found to be so, and what it is."""

    def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`."""
        digest = quick_digest(key.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None and known[0] > time.time():
            return known[1]
        stored = self._stored.get(lookup_of(key))
        answer = answer_for(key, stored, _now)
        if isinstance(answer, ValidKey) and stored is not None:
            until = stored.expires_at
            self._known[digest] = inf if until is None else until.timestamp(), answer
        return answer


def _is_several(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _now() -> datetime:
    return datetime.now(UTC)


def _stored_key(key: str, entry: object) -> StoredKey:
    if not isinstance(entry, Mapping):
        refuse(key, type(entry).__name__, _ENTRY)
    given = cast("Mapping[str, Any]", entry)  # with other keys it is refused
    lookup, digest, name = given.get("lookup"), given.get("sha256"), given.get("name")
    if (
        not given.keys() <= _KNOWN
        or not isinstance(lookup, str)
        or lookup != lookup_of(lookup)
        or not isinstance(name, str)
        or not isinstance(digest, str)
        or len(digest) != 64
        or not _HEX.issuperset(digest)
    ):
        refuse(key, sorted(map(str, given)), _ENTRY)
    scopes = given.get("scopes", [])
    if not _is_several(scopes) or not all(isinstance(scope, str) for scope in scopes):
        refuse(f"{key}.scopes", scopes, "a list of scopes")
    revoked = given.get("revoked", False)
    if type(revoked) is not bool:
        refuse(f"{key}.revoked", revoked, "true or false")
    valid = ValidKey(name, name, frozenset(scopes))
    return StoredKey(lookup, digest, valid, _time(f"{key}.expires_at", given), revoked)


def _time(key: str, given: Mapping[str, object]) -> datetime | None:
    text = given.get("expires_at")
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(cast("str", text))  # raises for anything else
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        refuse(key, text, "a time with its zone, such as '2027-01-01T00:00:00Z'")
    return found


class FileKeys:
    """Keys from a JSON file, which is read again when it changes.

    The file is a list of entries as `HashedKeys` takes them. While a changed file cannot be
    read, the keys that were read before count, and one warning on the logger `kaiko` says so.

    Arguments:
        path: the file.
        every: seconds between two looks at it, at most 3,600; a revocation is seen within that
            time.
        clock: seconds of a clock that never goes back.

    Raises:
        ConfigError: the file cannot be read, or one of its entries or `every` is not allowed.

    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        every: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not is_number(every, 0, 3600):
            refuse("every", every, "seconds, from 0 to 3600")
        self._path = Path(path)
        self._every = every
        self._clock = clock
        self._lock = Lock()
        self._seen: object = None
        self._warned = False
        self._next_look = clock() + every
        self._keys = self._read()

    def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`."""
        if self._clock() >= self._next_look:
            self._look()
        return self._keys.verify(key)

    def _look(self) -> None:
        with self._lock:
            self._next_look = self._clock() + self._every
            try:
                if self._state() != self._seen:
                    self._keys = self._read()
            except (OSError, ConfigError) as exc:
                if not self._warned:
                    _log.warning("the keys that were read before are used: %s", shown(exc))
                self._warned = True
                self._seen = None
            else:
                self._warned = False

    def _state(self) -> object:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _read(self) -> HashedKeys:
        name = str(self._path)
        try:
            seen = self._state()
            entries: object = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError) as exc:
            raise ConfigError(f"{name} cannot be read as JSON: {type(exc).__name__}") from exc
        if not isinstance(entries, list):
            raise ConfigError(f"{name} has a {type(entries).__name__}, not a list of entries")
        found = cast("list[Mapping[str, object]]", entries)  # it checks each
        keys = HashedKeys(found, key=name)
        self._seen = seen
        return keys

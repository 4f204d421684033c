"""Makes, lists and revokes the API keys of a file: `python -m kaiko_guards create|list|revoke`.

`FileKeys` reads the file, and reads it again when a key was added or revoked.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from kaiko_guards import ApiKeys, HashedKeys, new_key
from kaiko_guards._names import NAME_ALLOWED, is_name, on_one_line
from kaiko_middleware import ConfigError
from kaiko_middleware.settings_check import refuse

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ["main"]

Entry = dict[str, Any]
Write = Callable[[list[Entry]], None]

_PATIENCE = 10.0
"""Seconds to wait for another command that writes the same file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is asked; return the exit code.

    Arguments:
        argv: arguments; those of the command line by default.

    """
    parser = argparse.ArgumentParser(prog="python -m kaiko_guards", description=__doc__)
    parser.add_argument("--file", type=Path, default=Path("keys.json"), help="default: keys.json")
    verbs = parser.add_subparsers(dest="verb", required=True)
    create = verbs.add_parser("create", help="make a key and show it, once")
    create.add_argument("name", help="whose key it is")
    create.add_argument("--scope", action="append", default=[], help="what it permits")
    create.add_argument("--expires", help="until when, such as 2027-01-01 or with a time")
    create.add_argument("--prefix", default="kaiko_live_", help="what it begins with")
    verbs.add_parser("list", help="show all keys, without their secrets")
    revoke = verbs.add_parser("revoke", help="make a key invalid")
    revoke.add_argument("lookup", help="the start of the key, as list shows it")
    given = parser.parse_args(argv)
    try:
        {"create": _create, "list": _list, "revoke": _revoke}[given.verb](given)
    except (OSError, ValueError) as exc:
        print(on_one_line(str(exc)), file=sys.stderr)
        return 1
    return 0


def _create(given: argparse.Namespace) -> None:
    if not is_name(given.name):
        refuse("name", given.name, NAME_ALLOWED)
    with _replacing(given.file) as (file, write):
        entries = _read(file) if file.exists() else []
        made = new_key(given.prefix)
        entry: Entry = {"lookup": made.lookup, "sha256": made.digest, "name": given.name}
        if given.scope:
            entry["scopes"] = given.scope
        if given.expires is not None:
            until = datetime.fromisoformat(given.expires)
            entry["expires_at"] = (until if until.tzinfo else until.replace(tzinfo=UTC)).isoformat()
        entries.append(entry)
        for scope in given.scope or ["any"]:  # which checks them
            ApiKeys(HashedKeys(entries), prefixes=[given.prefix], scopes={"/": scope})
        write(entries)
    print(f"{given.name}: the key is shown once", file=sys.stderr)
    print(made.key)


def _list(given: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    for entry in _read(given.file):
        until = entry.get("expires_at")
        expired = until is not None and datetime.fromisoformat(until) <= now
        state = "revoked" if entry.get("revoked") else "expired" if expired else "valid"
        scopes = " ".join(entry.get("scopes", ()))
        line = f"{entry['lookup']}  {state:7}  {entry['name']}  {scopes}"
        print(on_one_line(line).rstrip())


def _revoke(given: argparse.Namespace) -> None:
    with _replacing(given.file) as (file, write):
        entries = _read(file)
        found = [entry for entry in entries if entry["lookup"] == given.lookup]
        if not found:
            msg = f"{file} has no key that begins with {given.lookup}"
            raise ValueError(msg)
        found[0]["revoked"] = True
        write(entries)
    print(on_one_line(f"{found[0]['name']} ({given.lookup}…) is revoked"))


def _read(file: Path) -> list[Entry]:
    found: object = json.loads(file.read_bytes())
    if not isinstance(found, list):
        msg = f"{file} is no list of keys"
        raise ConfigError(msg)
    entries = cast("list[Entry]", found)  # the next line checks each
    HashedKeys(entries, key=str(file))
    return entries


@contextmanager
def _replacing(named: Path) -> Generator[tuple[Path, Write]]:
    """Return a file and what replaces it at once: a service may be reading it.

    Where a link leads is replaced, with the mode and owner that it has. What is written lies
    beside it first, which no other command can make at the same time.

    Raises:
        TimeoutError: another command does not end.

    """
    file = Path(os.path.realpath(named))
    beside = file.with_name(f"{file.name}.new")
    opened = _open_alone(beside)

    def write(entries: list[Entry]) -> None:
        opened.write(json.dumps(entries, indent=2) + "\n")
        opened.flush()
        os.fsync(opened.fileno())
        if file.exists():
            now = file.stat()
            with suppress(PermissionError, AttributeError):  # Windows has no owners
                os.chown(beside, now.st_uid, now.st_gid)
            beside.chmod(stat.S_IMODE(now.st_mode))
        opened.close()
        beside.replace(file)

    try:
        yield file, write
    except BaseException:
        opened.close()
        beside.unlink(missing_ok=True)
        raise


def _open_alone(file: Path) -> TextIO:
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            return file.open("x", encoding="utf-8")
        except FileExistsError:
            if time.monotonic() > ends:
                msg = f"{file} is there: another command is writing. If none is, delete it."
                raise TimeoutError(msg) from None
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())

"""`kaiko-middleware catalog`: every code that a service can answer with, and what has changed.

A service's codes are known after its modules are imported. `catalog diff OLD NEW` compares two
catalogues, and fails where a client of the old one would break.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kaiko_cli import tables
from kaiko_cli.catalogue import CatalogueError, read_catalogue
from kaiko_cli.catalogue_diff import (
    compare,
    diff_as_json,
    diff_as_markdown,
    diff_as_table,
    is_breaking,
)
from kaiko_cli.catalogue_formats import as_json, as_markdown, as_openapi, as_table
from kaiko_cli.collect import collect
from kaiko_cli.service import import_django, import_service
from kaiko_cli.typescript import as_typescript

if TYPE_CHECKING:
    import argparse

    from kaiko_cli.catalogue import Catalogue

__all__ = ["add_arguments", "load", "run"]

_TEXTS = {
    "markdown": as_markdown,
    "json": as_json,
    "openapi": as_openapi,
    "typescript": as_typescript,
}
_DIFFS = {"markdown": diff_as_markdown, "json": diff_as_json}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.usage = (
        "kaiko-middleware catalog [TARGET ...] [options]\n"
        "       kaiko-middleware catalog diff OLD NEW [options]"
    )
    parser.epilog = (
        "`catalog diff` compares two files of --format json, of which one may be a TARGET or - for "
        "standard input. The exit code is 1 if a code is gone or changed its status, type or retry."
    )
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="an application (module:app) or a package; the toolkit's codes alone if none is given",
    )
    parser.add_argument("--django", metavar="SETTINGS", help="the settings of a Django project")
    parser.add_argument(
        "--format", choices=["table", *_TEXTS], default="table", help="table by default"
    )
    parser.add_argument(
        "--own", action="store_true", help="leave out the toolkit's codes that are not used"
    )
    parser.add_argument(
        "--factory", action="store_true", help="module:app is a function that makes it"
    )
    parser.add_argument(
        "--skip", action="append", default=[], metavar="MODULE", help="do not import this module"
    )


def run(options: argparse.Namespace) -> int:
    """Print the catalogue, or the difference of two.

    Arguments:
        options: the arguments that `add_arguments` declares.

    Returns:
        The exit code: 0, 1 if a module could not be imported or clients would break, 2 if the
        catalogues cannot be compared.

    """
    if options.targets[:1] == ["diff"]:
        return _diff(options)
    write = _TEXTS.get(options.format)
    try:
        catalogue, complete = load(options.targets, options)
        text = None if write is None else write(catalogue)
    except CatalogueError as exc:
        print(exc, file=sys.stderr)
        return 1
    if text is None:
        console = tables.console()
        console.print(as_table(catalogue, wide=console.width >= tables.WIDE))
    else:
        print(text)
    return 0 if complete else 1


def load(targets: list[str], options: argparse.Namespace) -> tuple[Catalogue, bool]:
    """Import targets; return their catalogue, and whether all of it was imported.

    Arguments:
        targets: applications and packages.
        options: the other arguments that `add_arguments` declares.

    Raises:
        CatalogueError: they cannot be imported at all.

    """
    make = partial(import_service, targets, factory=options.factory, skip=options.skip)
    service = make() if options.django is None else import_django(options.django)
    collected = collect(service, own=options.own)
    for line in (*service.failed, *collected.unknown):
        print(line, file=sys.stderr)
    return collected.catalogue, not service.failed


def _diff(options: argparse.Namespace) -> int:
    words: list[str] = options.targets[1:]
    # The project that --django names takes the place of the second.
    if len(words) != (2 if options.django is None else 1):
        return _unusable("catalog diff compares two: OLD and NEW")
    if len(words) == 2 and not any(map(_is_file, words)):
        return _unusable("one process can import one: save OLD with --format json")
    if options.format not in {"table", *_DIFFS}:
        return _unusable(f"catalog diff has no --format {options.format}")
    try:
        loaded = [
            (read_catalogue(None if word == "-" else Path(word)), True)
            if _is_file(word)
            else load([word], options)
            for word in words
        ]
        if options.django is not None:
            loaded.append(load([], options))
    except CatalogueError as exc:
        return _unusable(str(exc))
    (old, _), (new, _) = loaded
    changes = compare(old, new)
    write = _DIFFS.get(options.format)
    if write is None:
        tables.console().print(diff_as_table(changes))
    else:
        print(write(changes))
    complete = all(complete for _, complete in loaded)
    return 1 if not complete or any(map(is_breaking, changes)) else 0


def _unusable(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


def _is_file(word: str) -> bool:
    return word == "-" or word.endswith(".json") or Path(word).is_file()

"""`kaiko-middleware catalog`: every code that a service can answer with, and what has changed.

A service's codes are known after its modules are imported. `catalog diff OLD NEW` compares two
catalogues, and fails where a client of the old one would break.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from kaiko_cli import tables
from kaiko_cli.catalogue import CatalogueError
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
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
    """Print the catalogue.

    Arguments:
        options: the arguments that `add_arguments` declares.

    Returns:
        The exit code: 0, 1 if a module could not be imported.

    """
    write = _TEXTS.get(options.format)
    try:
        catalogue, complete = load(options)
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


def load(options: argparse.Namespace) -> tuple[Catalogue, bool]:
    """Import what the arguments name; return its catalogue, and whether all of it was imported.

    Raises:
        CatalogueError: it cannot be imported at all.

    """
    targets: list[str] = options.targets
    make = partial(import_service, targets, factory=options.factory, skip=options.skip)
    service = make() if options.django is None else import_django(options.django)
    collected = collect(service, own=options.own)
    for line in (*service.failed, *collected.unknown):
        print(line, file=sys.stderr)
    return collected.catalogue, not service.failed

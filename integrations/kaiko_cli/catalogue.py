"""A service's catalogue: its codes as data, and the JSON file that holds them.

The file is version 1 of its format. Its codes are sorted by status and code, and it has no date, so
a change of the file is a change of the codes. `CatalogueError` says in a sentence why a file or a
target gives no catalogue.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from kaiko_cli.plain_text import plain
from kaiko_middleware.catalog import STATUSES, ErrorType

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CODE", "FILE_LIMIT", "Catalogue", "CatalogueError", "Entry", "read_catalogue"]

CODE = r"^[a-z][a-z0-9_]{0,63}$"
"""The pattern of a code."""
FILE_LIMIT = 16 * 1024 * 1024
"""Bytes of a file that are read: enough for ten thousand codes."""


class CatalogueError(Exception):
    """There is no catalogue; the message says why in a sentence."""


class Entry(BaseModel, frozen=True):
    """One code of a service.

    A code that the service gives with two types, or with and without a retry, has two entries.
    """

    code: Annotated[str, Field(pattern=CODE)]
    statuses: Annotated[tuple[int, ...], Field(min_length=1)]
    type: ErrorType
    retry: Annotated[bool, Field(description="What X-Should-Retry says by default.")]
    message: Annotated[str, Field(description="What is sent by default.")]
    param: Annotated[str | None, Field(description="The parameter to blame by default.")] = None
    resolution: Annotated[str, Field(description="What a client does about it.")]
    description: Annotated[str, Field(description="For developers; never sent.")] = ""
    defined: Annotated[
        tuple[str, ...],
        Field(description="Classes and functions as module:name; empty for the toolkit's codes."),
    ] = ()
    exceptions: Annotated[
        tuple[str, ...], Field(description="Exceptions that Config.mapping answers with it.")
    ] = ()


class Catalogue(BaseModel, frozen=True):
    """Every code that a service can answer with."""

    kaiko_catalog: Annotated[Literal[1], Field(description="The version of this format.")] = 1
    service: Annotated[str, Field(description="What was imported to make it.")]
    request_id_header: str = "X-Request-ID"
    codes: tuple[Entry, ...]

    def by_code(self) -> dict[str, list[Entry]]:
        """Return the entries of each code."""
        found: dict[str, list[Entry]] = {}
        for entry in self.codes:
            found.setdefault(entry.code, []).append(entry)
        return found

    def resolution_of(self, status: int) -> str:
        """Return what a client does about a status that the contract answers with."""
        row = STATUSES[status]
        entries = (entry for entry in self.codes if entry.code == row.code)
        return next((entry.resolution for entry in entries), row.message)

    def joined_with(self, other: Catalogue) -> Catalogue:
        """Return this catalogue with those codes of another one that it lacks."""
        codes = self.by_code()
        more = (entry for entry in other.codes if entry.code not in codes)
        return self.model_copy(update={"codes": (*self.codes, *more)})


def read_catalogue(path: Path | None) -> Catalogue:
    """Read a catalogue that `catalog --format json` wrote.

    Arguments:
        path: the file; None for standard input.

    Raises:
        CatalogueError: it cannot be read, or is no catalogue of this version.

    """
    name = "standard input" if path is None else plain(str(path))
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if path is None else path.open("rb") as file:
            raw = file.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as exc:
        raise CatalogueError(f"{name} cannot be read: {plain(str(exc))}") from None
    if len(raw) > FILE_LIMIT:
        raise CatalogueError(f"{name} is larger than {FILE_LIMIT} bytes: it is no catalogue")
    try:
        return Catalogue.model_validate_json(raw)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))
        where = f" at {at}" if at else ""
        raise CatalogueError(
            f"{name} is no catalogue of `kaiko-middleware catalog --format json`: "
            f"{plain(first['msg'], 200)}{plain(where, 200)}"
        ) from None

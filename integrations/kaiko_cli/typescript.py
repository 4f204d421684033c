"""A catalogue as a TypeScript module: its codes as a type, and the client's half of the contract.

The module needs no package. The codes and what is known of the statuses are written here, from the
tables of the core; `client.ts` is the rest of it.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, get_args

from kaiko_cli.catalogue import CatalogueError
from kaiko_cli.plain_text import plain
from kaiko_middleware.catalog import ROWS, STATUSES, ErrorType
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kaiko_cli.catalogue import Catalogue, Entry

__all__ = ["as_typescript"]


def as_typescript(catalogue: Catalogue) -> str:
    """Return the module.

    Arguments:
        catalogue: the codes, and the name of the id header.

    Raises:
        CatalogueError: there is no code, and so no type of codes.

    """
    if not catalogue.codes:
        raise CatalogueError("there is no code to make TypeScript of: leave out --own")
    kept = [entry for entry in STATUSES.values() if entry.received == entry.status]
    types = get_args(ErrorType)
    rows = {kind: next(row.status for row in ROWS if row.type == kind) for kind in types}
    others = {
        entry.status: entry.type
        for entry in kept
        if entry.status < 500 and entry.type != "invalid_request_error"
    }
    lines = [
        f"// Made by kaiko-middleware catalog from {_comment(catalogue.service)}. Do not edit.",
        "",
        "/** The kinds of errors; the set is closed. */",
        *_list("TYPES", types, " as const"),
        "export type ErrorType = (typeof TYPES)[number];",
        "",
        "interface CatalogEntry {",
        "  readonly statuses: readonly number[];",
        "  readonly types: readonly ErrorType[];",
        "  readonly retry: boolean;",
        "}",
        "",
        "/** Every code that the service is known to answer with. */",
        "export const CATALOG = {",
        *(line for entries in catalogue.by_code().values() for line in _code(entries)),
        "} as const satisfies Readonly<Record<string, CatalogEntry>>;",
        "",
        f"const REQUEST_ID_HEADER = {json.dumps(catalogue.request_id_header)};",
        "// The row of each type.",
        f"const ROWS: Readonly<Record<ErrorType, number>> = {_object(rows)};",
        "// The statuses below 500 with another type than invalid_request_error.",
        f"const TYPES_4XX: Readonly<Record<number, ErrorType>> = {_object(others)};",
        "// What is retried where neither the answer nor the catalogue says whether to.",
        *_list("RETRIED", (entry.status for entry in kept if entry.retryable)),
        "// What is retried of an answer that is not the service's: these, and 5xx but for those.",
        *_list("UNAVAILABLE_4XX", (each for each in range(400, 500) if _passes(each))),
        *_list("BROKEN_5XX", (each for each in range(500, 600) if not _passes(each))),
    ]
    rest = files("kaiko_cli").joinpath("client.ts").read_text(encoding="utf-8")
    return "\n".join(lines) + "\n" + rest.rstrip("\n")


def _passes(status: int) -> bool:
    """Whether an upstream's failure with this status is one that passes, by section 10."""
    error = Upstream("any").error_from_response(status, (), b"")
    details = None if error is None else error.upstream
    return details is not None and details.category == "unavailable"


def _code(entries: list[Entry]) -> Iterable[str]:
    first = entries[0]
    statuses = sorted({status for entry in entries for status in entry.statuses})
    types = dict.fromkeys(entry.type for entry in entries)
    retry = all(entry.retry for entry in entries)
    yield f"  /** {_comment(f'{first.message} - {first.resolution}')} */"
    said = f"statuses: {statuses}, types: {json.dumps(list(types))}, retry: {json.dumps(retry)}"
    yield f"  {first.code}: {{ {said} }},"


def _list(name: str, items: Iterable[object], end: str = "") -> Iterable[str]:
    kind = "" if end else ": readonly number[]"
    yield f"const {name}{kind} = {json.dumps(list(items))}{end};"


def _object(items: Mapping[str, int] | Mapping[int, str]) -> str:
    pairs = ", ".join(f"{key}: {json.dumps(value)}" for key, value in items.items())
    return f"{{ {pairs} }}"


def _comment(text: str) -> str:
    """Return a text that does not end the comment that it is in."""
    return plain(text).replace("*/", "* /")

"""`kaiko-middleware explain`: what an error means, whose fault it is, and what to do about it.

It takes a code, a status, a saved answer, or an answer that curl pipes into it.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kaiko_cli.advice import fault_of, fault_of_category, retry_advice
from kaiko_cli.catalogue import CODE, CatalogueError, read_catalogue
from kaiko_cli.collect import collect
from kaiko_cli.explain_answer import explain_answer
from kaiko_cli.explanation import Explanation, as_json, as_text
from kaiko_cli.plain_text import plain
from kaiko_cli.saved_answer import READ_LIMIT, read_answer
from kaiko_cli.service import Service, import_service
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from kaiko_cli.catalogue import Catalogue, Entry

__all__ = ["add_arguments", "run", "toolkit"]

_INVALID = re.compile(r"invalid_([a-z0-9_]{1,56})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "what",
        metavar="CODE|STATUS|FILE|-",
        help="a code, a status, a file with an answer (curl -i), or - for standard input",
    )
    parser.add_argument(
        "--catalog",
        metavar="FILE|TARGET",
        help="the service's codes: a file of catalog --format json, module:app or a package",
    )
    parser.add_argument(
        "--format", choices=["text", "json"], default="text", help="text by default"
    )


def run(options: argparse.Namespace) -> int:
    """Print the explanation.

    Arguments:
        options: the arguments that `add_arguments` declares.

    Returns:
        The exit code: 0, or 1 if there is nothing to explain.

    """
    try:
        explanation = _explain(options.what, _catalogue(options.catalog))
    except CatalogueError as exc:
        print(exc, file=sys.stderr)
        return 1
    if options.format == "json":
        print(as_json(explanation))
        return 0
    text = as_text(explanation, shutil.get_terminal_size((100, 24)).columns)
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
    return 0


def toolkit() -> Catalogue:
    """Return the toolkit's own codes."""
    return collect(Service("kaiko-middleware")).catalogue


def _catalogue(word: str | None) -> Catalogue:
    """Return the codes to look up: the toolkit's, unless others are named."""
    if word is None:
        return toolkit()
    if word.endswith(".json") or Path(word).is_file():
        # It may have been made with --own.
        return read_catalogue(Path(word)).joined_with(toolkit())
    service = import_service([word])
    for line in service.failed:
        print(line, file=sys.stderr)
    return collect(service).catalogue


def _explain(word: str, catalogue: Catalogue) -> Explanation:
    if word == "-":
        return explain_answer(read_answer(_bytes_of(None)), catalogue)
    if re.fullmatch("[1-5][0-9][0-9]", word, re.ASCII):
        return _explain_status(int(word), catalogue)
    entries = catalogue.by_code().get(word)
    if entries:
        return _explain_code(entries)
    path = Path(word)
    with contextlib.suppress(ValueError):  # a NUL is in no name of a file
        if path.exists():
            return explain_answer(read_answer(_bytes_of(path)), catalogue)
    if re.fullmatch(CODE, word):
        return _explain_unknown(word, catalogue)
    raise CatalogueError(f"{plain(word)} is no code, no status, and no file that is there")


def _bytes_of(path: Path | None) -> bytes:
    """Read so much of a file, or of standard input, that a longer one is known."""
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if path is None else path.open("rb") as file:
            return file.read(READ_LIMIT + 1)
    except OSError as exc:
        raise CatalogueError(f"{plain(str(path))} cannot be read: {plain(str(exc))}") from None


def _explain_code(entries: list[Entry]) -> Explanation:
    first = entries[0]
    statuses = [status for entry in entries for status in entry.statuses]
    shown = f"{statuses[0]} to {statuses[-1]}" if len(statuses) > 3 else _join(statuses)
    retries = {entry.retry for entry in entries}
    advice = retry_advice(retryable=first.retry, wait=None)
    if len(retries) > 1:
        advice = "X-Should-Retry of the answer says"
    facts: dict[str, str | list[str]] = {
        "meaning": " / ".join(dict.fromkeys(entry.message for entry in entries)),
        "fault": fault_of(statuses[0], first.type, retryable=first.retry),
        "advice": advice,
        "todo": first.resolution,
        "defined": [name for entry in entries for name in entry.defined],
        "exceptions": [name for entry in entries for name in entry.exceptions],
    }
    if first.param is not None:
        facts["param"] = first.param
    if first.description:
        facts["description"] = first.description
    kinds = _join(dict.fromkeys(entry.type for entry in entries))
    retry = first.retry if len(retries) == 1 else None
    return Explanation(f"{first.code}: {shown} {kinds}", retry, facts)


def _join(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _explain_unknown(code: str, catalogue: Catalogue) -> Explanation:
    """Explain a code that validation makes of a field's name, or say which codes are close."""
    field = _INVALID.fullmatch(code)
    if field is not None:
        facts: dict[str, str | list[str]] = {
            "meaning": f"The field or parameter {field[1]!r} has an invalid value",
            "fault": fault_of(422, STATUSES[422].type, retryable=False),
            "advice": retry_advice(retryable=False, wait=None),
            "todo": "Send a value that the field allows; param names the field.",
            "notes": ["422 of a field of the body, 400 of a parameter of the path or the query"],
        }
        return Explanation(f"{code}: 422 or 400 invalid_request_error", False, facts)
    close = difflib.get_close_matches(code, catalogue.by_code(), n=3)
    hint = f"; close are {', '.join(close)}" if close else ""
    raise CatalogueError(
        f"{code} is no code of {plain(catalogue.service)}{hint}; "
        "--catalog names a service that has it"
    )


def _explain_status(status: int, catalogue: Catalogue) -> Explanation:
    error = Upstream("it").error_from_response(status, (), b"", expects="any")
    facts: dict[str, str | list[str]] = {}
    if error is not None and error.upstream is not None:
        category = error.upstream.category
        facts["upstream"] = (
            f"{category}: the fault is {fault_of_category(category)}; "
            f"your callers get {error.status} {error.code}, retry: "
            f"{'yes' if error.retryable else 'no'}"
        )
    row = STATUSES.get(status)
    if row is None:
        facts["meaning"] = "this is no error: the contract leaves it alone"
        return Explanation(str(status), None, facts)
    entries = [entry for entry in catalogue.codes if row.status in entry.statuses]
    facts |= {
        "meaning": row.message,
        "fault": fault_of(row.status, row.type, retryable=row.retryable),
        "advice": retry_advice(retryable=row.retryable, wait=None),
        "todo": catalogue.resolution_of(row.status),
        "codes": ", ".join(entry.code for entry in entries),
    }
    title = f"{status}" if row.status == status else f"{status}, which becomes {row.status}"
    return Explanation(f"{title}: {row.type}, code {row.code}", row.retryable, facts)

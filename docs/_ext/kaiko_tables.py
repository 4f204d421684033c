"""The tables of the pages, built from the code at build time, so they are never stale.

`contract-rows`, `contract-statuses` and `contract-codes` read `kaiko_middleware.catalog`;
`demo-codes` reads what the demo adds to it;
`config-keys` reads the signature and the docstring of `Config`, and `settings-of` those of a class
that it is given; `upstream-statuses` asks `Upstream` itself; `supported-versions` reads
`pyproject.toml`. Each directive writes a Markdown table and lets MyST parse it.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from importlib import import_module
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective

from kaiko_middleware import Config
from kaiko_middleware.catalog import ROWS, STATUSES, known_codes
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from docutils.nodes import Node
    from sphinx.application import Sphinx

    from kaiko_middleware.catalog import CodeEntry, Status

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
# The packages that the pages list, in this order.
_NAMES = {
    "pydantic": "pydantic",
    "starlette": "Starlette",
    "litestar": "Litestar",
    "fastapi": "FastAPI",
    "flask": "Flask",
    "django": "Django",
    "djangorestframework": "Django REST framework",
    "django-ninja": "django-ninja",
    "asgiref": "asgiref",
    "httpx2": "httpx2",
    "anyio": "anyio",
    "stamina": "stamina",
    "opentelemetry-sdk": "OpenTelemetry SDK",
    "prometheus-client": "prometheus-client",
    "sentry-sdk": "sentry-sdk",
    "structlog": "structlog",
    "rich": "rich",
    "uvicorn": "uvicorn",
    "waitress": "waitress",
}
# The toolkit's own codes: read before any service's codes are imported.
_CODES = known_codes()
# Whose fault an upstream's failure is, in the order of the page, and the ranges of statuses that
# are written as words.
_FAULTS = {
    "throttled": ("nobody's: there is a limit", range(0), ""),
    "account": ("ours: the key, or the quota", range(0), ""),
    "unavailable": ("the upstream's, for now", range(500, 600), "any other 5xx"),
    "rejected": ("ours: we sent a bad request", range(400, 500), "any other 4xx"),
    "broken": ("ours or the upstream's", range(300, 400), "any 3xx that is not followed"),
}
_REJECTED = "request_rejected"
_OTHER_4XX = "other 4xx"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    """Write a Markdown table, whose last columns are so many columns of numbers."""
    rule = ["---"] * (len(heading) - numbers) + ["--:"] * numbers
    lines = [heading, rule, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def yes(flag: bool) -> str:  # noqa: FBT001 - the flag is the only argument
    """Return a flag as a word."""
    return "yes" if flag else "no"


def rows_table() -> str:
    """Write the ten rows."""
    return table(
        ("Status", "Type", "Example code", "Meaning", "What the client does", "Retry?"),
        (
            (
                str(row.status),
                f"`{row.type}`",
                f"`{row.example}`",
                row.meaning,
                row.resolution,
                yes(row.retryable),
            )
            for row in ROWS
        ),
    )


def statuses_table() -> str:
    """Write what other statuses become; neighbours with the same result share a line."""
    documented = {row.status for row in ROWS}
    others = [entry for entry in STATUSES.values() if entry.received not in documented]

    def fate(entry: Status) -> tuple[int | str, str, str, str, bool]:
        becomes = "kept" if entry.status == entry.received else entry.status
        return becomes, entry.type, entry.code, entry.message, entry.retryable

    def write() -> Iterator[tuple[str, ...]]:
        for (becomes, type_, code, message, retryable), group in groupby(
            sorted(others, key=lambda entry: _order(fate(entry), entry)), fate
        ):
            received = [entry.received for entry in group]
            said = _OTHER_4XX if code == _REJECTED else _ranges(received)
            if becomes == 503:
                said = "other 5xx"
            yield said, str(becomes), f"`{type_}`", f"`{code}`", message, yes(retryable)

    return table(("Status", "Becomes", "Type", "Code", "Message", "Retry?"), write())


def _order(fate: tuple[int | str, str, str, str, bool], entry: Status) -> tuple[object, ...]:
    becomes, _, code, *_ = fate
    if becomes == "kept":
        return 0, code == _REJECTED, entry.received
    return 1, becomes, entry.received


def _ranges(numbers: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


def codes_table() -> str:
    """Write every code that the toolkit itself uses, in alphabetical order."""
    return _codes(_CODES)


def clauses_table() -> str:
    """Write the clauses that `kaiko-middleware check` tells."""
    from kaiko_check import CLAUSES  # noqa: PLC0415 - only this table needs it

    rows = ((each.section, f"`{each.id}`", each.promise, each.why) for each in CLAUSES.values())
    escaped = ([cell.replace("<", "\\<") for cell in row] for row in rows)
    return table(("§", "Clause", "What is promised", "Why"), escaped)


def demo_table() -> str:
    """Write the codes that the demo defines."""
    from kaiko_demo import errors  # noqa: PLC0415 - not before the toolkit's own codes are read

    own = {getattr(errors, name).code for name in errors.__all__}
    return _codes(entry for entry in known_codes() if entry.code in own)


def _codes(listed: Iterable[CodeEntry]) -> str:
    by_code: dict[str, list[CodeEntry]] = {}
    for entry in sorted(listed, key=lambda entry: (entry.code, entry.status)):
        by_code.setdefault(entry.code, []).append(entry)
    return table(
        ("Code", "Status", "Meaning", "What the client does", "Retry?"),
        (
            (
                f"`{code}`",
                _OTHER_4XX if code == _REJECTED else ", ".join(str(e.status) for e in entries),
                entries[0].meaning,
                entries[0].resolution,
                yes(entries[0].retryable),
            )
            for code, entries in by_code.items()
        ),
    )


def config_table() -> str:
    """Write the keys of `Config`, their defaults and their descriptions in its docstring."""
    said = _said_of(Config)
    return table(
        ("Key", "Default", "Meaning"),
        (
            (
                f"[`{name}`](#{name.replace('_', '-')})",
                "a new one" if name == "mapping" else f"`{parameter.default!r}`",
                said[name],
            )
            for name, parameter in inspect.signature(Config).parameters.items()
        ),
    )


def settings_table(described: type) -> str:
    """Write the arguments of a class, their defaults and their descriptions in its docstring."""
    said = _said_of(described)
    return table(
        ("Setting", "Default", "Meaning"),
        (
            (f"`{name}`", _default(parameter), said[name])
            for name, parameter in inspect.signature(described).parameters.items()
        ),
    )


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return "required"
    if inspect.isroutine(parameter.default):
        return f"`{parameter.default.__module__}.{parameter.default.__name__}`"
    return f"`{parameter.default!r}`"


def _said_of(described: type) -> dict[str, str]:
    """Return what a docstring says of each argument."""
    doc = inspect.getdoc(described) or ""
    arguments = doc.partition("Arguments:")[2].partition("Raises:")[0]
    found = re.findall(r"^ {4}(\w+): (.*?)\.?$(?!\n {8})", arguments, re.DOTALL | re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def upstreams_table() -> str:
    """Write what each status of an upstream becomes, according to `Upstream`."""
    upstream = Upstream("any")
    errors = {status: upstream.error_from_response(status, (), b"") for status in range(300, 600)}

    def write() -> Iterator[tuple[str, ...]]:
        for category, (fault, told, words) in _FAULTS.items():
            of_it = {
                status: error
                for status, error in errors.items()
                if error is not None
                and error.upstream is not None
                and error.upstream.category == category
            }
            numbers = _ranges([status for status in of_it if status not in told])
            error = next(iter(of_it.values()))
            said = ", ".join(text for text in (numbers, words) if text)
            answer = f"{error.status} `{error.code}`"
            yield said, f"`{category}`", fault, answer, yes(error.retryable)

    return table(("It answered", "Category", "Whose fault", "We answer", "Retry?"), write())


def versions_table() -> str:
    """Write the supported versions from `pyproject.toml`."""
    project = tomllib.loads(_PYPROJECT.read_text())["project"]
    pythons = [
        classifier.rpartition(" ")[2]
        for classifier in project["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", classifier)
    ]
    wanted: dict[str, list[str]] = {}
    extras = project["optional-dependencies"].values()
    for text in dict.fromkeys(chain(project["dependencies"], *extras)):
        if not text.startswith(project["name"]):
            name, lowest = _bound(text)
            wanted.setdefault(name, []).append(lowest)
    return table(
        ("What", "Supported"),
        [
            ("Python", ", ".join(pythons)),
            *((shown, ", ".join(wanted[name])) for name, shown in _NAMES.items()),
        ],
    )


def _bound(requirement: str) -> tuple[str, str]:
    wanted, _, marker = requirement.partition(";")
    name, _, lowest = wanted.partition(">=")
    since = re.search(r"python_version >= '(3\.\d+)'", marker)
    python = f"on Python {since[1]}+ " if since else ""
    return name.strip(), f"{python}from {lowest.strip()}"


TABLES: dict[str, Callable[[], str]] = {
    "contract-rows": rows_table,
    "contract-statuses": statuses_table,
    "contract-codes": codes_table,
    "demo-codes": demo_table,
    "check-clauses": clauses_table,
    "config-keys": config_table,
    "upstream-statuses": upstreams_table,
    "supported-versions": versions_table,
}


class _Table(SphinxDirective):
    def run(self) -> list[Node]:
        return self.parse_text_to_nodes(TABLES[self.name]())


class _Settings(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[Node]:
        module, _, name = self.arguments[0].rpartition(".")
        described: type = getattr(import_module(module), name)
        return self.parse_text_to_nodes(settings_table(described))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    for name in TABLES:
        app.add_directive(name, _Table)
    app.add_directive("settings-of", _Settings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

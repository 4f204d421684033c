"""`kaiko-middleware check`: the arguments, the progress on the terminal, and the exit code.

The report goes to standard output or a file, everything else to standard error.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ._baseline import read_baseline, write_baseline
from ._formats import FORMATS, render_report
from ._load import load_django, load_target
from ._probe import KINDS, Options
from ._report_table import as_table, table
from ._run import plan_for, run_plan
from ._target import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._formats import Format
    from ._plan import Plan
    from ._probe import Probe
    from ._report import Report
    from ._target import Target

    _Add: TypeAlias = Callable[..., object]

_DEFAULTS = Options()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = (
        "The exit code is 0 if nothing (new) was found, 1 if something was, 2 if the target cannot "
        "be checked, and 130 after Ctrl-C."
    )
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="http://host:port, or module:app in process"
    )
    parser.add_argument("--django", metavar="SETTINGS", help="check the project of these settings")
    _what(parser.add_argument_group("what is asked").add_argument)
    _how(parser.add_argument_group("how it is asked").add_argument)
    _result(parser.add_argument_group("the report").add_argument)


def _what(add: _Add) -> None:
    add(
        "--path",
        action="append",
        default=[],
        metavar="[METHOD ]PATH",
        help="a path to probe, such as /v2/models or 'POST /v2/chat'; may be repeated",
    )
    add(
        "--stream",
        action="append",
        default=[],
        metavar="[METHOD ]PATH",
        help="an event stream or JSON lines; may be repeated",
    )
    add("--openapi", metavar="PATH|FILE", help="the OpenAPI document; by default it is looked for")
    add("--no-openapi", action="store_true", help="do not look for an OpenAPI document")
    add(
        "--cases",
        type=_count,
        default=_DEFAULTS.cases,
        metavar="N",
        help="requests for each operation of the document (default: %(default)s)",
    )
    add(
        "--unsafe",
        action="store_true",
        help="send POST, PUT, PATCH and DELETE too: they could change data",
    )
    add(
        "--skip",
        action="append",
        default=[],
        choices=KINDS,
        metavar="KIND",
        help=f"a kind of requests not to send: {', '.join(KINDS)}; may be repeated",
    )
    add("--plan", action="store_true",
        help="say what would be sent, and send nothing else")  # fmt: skip


def _how(add: _Add) -> None:
    add(
        "--header",
        action="append",
        default=[],
        type=_header,
        metavar="'NAME: VALUE'",
        help="a header of every request, such as a key; may be repeated",
    )
    add(
        "--key-header",
        metavar="NAME",
        default=None,
        help="the key's header (default: that of --header which is a key, else x-api-key)",
    )
    add(
        "--id-header",
        metavar="NAME",
        default=_DEFAULTS.id_header,
        help="the request id's header (default: %(default)s)",
    )
    add("--trusts-ids", action="store_true", help="the service takes the ids of its gateway")
    add(
        "--origin",
        metavar="ORIGIN",
        default=_DEFAULTS.origin,
        help="an origin that the service allows, for CORS (default: %(default)s)",
    )
    add("--host", metavar="NAME", help="the Host that an application in process is called with")
    add(
        "--rate",
        type=float,
        metavar="N",
        default=None,
        help="requests a second at most; 0 for no limit (default: 20, in process no limit)",
    )
    add(
        "--timeout",
        type=float,
        metavar="SECONDS",
        default=_DEFAULTS.timeout,
        help="how long an answer may take (default: %(default)s)",
    )
    add("--body-size", type=_count, metavar="BYTES", default=_DEFAULTS.body_size,
        help="the size of the oversized body (default: %(default)s)")  # fmt: skip


def _result(add: _Add) -> None:
    add("--format", choices=FORMATS, default="table", help="(default: %(default)s)")
    add("--output", metavar="FILE", help="write the report there")
    add("--baseline", metavar="FILE", help="breaches in this file pass, new ones fail")
    add("--write-baseline", metavar="FILE", help="write every breach found there, and exit with 0")
    add("--quiet", action="store_true", help="no plan and no progress")


def run(options: argparse.Namespace) -> int:
    """Check the target; see `add_arguments`.

    Arguments:
        options: the arguments that `add_arguments` declares.

    Returns:
        The exit code: 0 if nothing (new) was found, 1 if something was, 2 if the target cannot be
        checked, 130 if the run was interrupted.

    """
    # Where Hypothesis keeps its tables: by default in the current directory.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(_cache()))
    try:
        baseline = None if options.baseline is None else read_baseline(options.baseline)
        target = _target(options)
        # An application logs what it is asked, which would hide the report.
        if not options.target or "://" not in options.target:
            logging.disable(logging.CRITICAL)
        try:
            report = _checked(target, options)
        finally:
            target.close()
            logging.disable(logging.NOTSET)
        if report is None:
            return 0
        if baseline is not None:
            report = baseline.apply(report)
        _write(report, options)
        if options.write_baseline is not None:
            new = write_baseline(options.write_baseline, report)
            count = len(report.findings) + len(report.known)
            text = f"{options.write_baseline} has {count} known breaches now"
            _say(options, f"{text}." if new is None else f"{text}, {new} of them new.")
    except TargetError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    if report.interrupted:
        return 130
    return 1 if report.findings and options.write_baseline is None else 0


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "kaiko-middleware" / "hypothesis"


def _target(options: argparse.Namespace) -> Target:
    if (options.target is None) == (options.django is None):
        raise TargetError("Name one target: an address, module:app, or --django SETTINGS")
    if options.django is not None:
        return load_django(options.django, host=options.host)
    return load_target(options.target, host=options.host)


def _checked(target: Target, options: argparse.Namespace) -> Report | None:
    asked = _asked(options)
    console = Console(stderr=True, highlight=False, quiet=options.quiet)
    progress = _Terminal(console)
    plan = plan_for(target, asked, progress)
    if options.plan:
        _say_plan(Console(highlight=False), target.name, plan)
        return None
    with progress:
        progress.planned(plan)
        return run_plan(target, asked, plan, progress)


def _asked(options: argparse.Namespace) -> Options:
    headers: list[tuple[str, str]] = options.header
    usual = next((name for name, _ in headers if _is_key(name)), _DEFAULTS.key_header)
    return Options(
        paths=tuple(options.path),
        headers=tuple(headers),
        streams=tuple(options.stream),
        unsafe=options.unsafe,
        openapi="" if options.no_openapi else options.openapi,
        cases=options.cases,
        skip=frozenset(options.skip),
        rate=options.rate,
        timeout=options.timeout,
        body_size=options.body_size,
        id_header=options.id_header,
        trusts_ids=options.trusts_ids,
        key_header=options.key_header or usual,
        origin=options.origin,
    )


def _write(report: Report, options: argparse.Namespace) -> None:
    fmt: Format = options.format
    if options.output is not None:
        try:
            Path(options.output).write_text(render_report(report, fmt), encoding="utf-8")
        except OSError as exc:
            raise TargetError(f"{options.output} cannot be written: {exc.strerror}") from exc
        # A log of CI shows what was found, too, and not only the file.
        _say(options, report.outcome() if fmt == "table" else as_table(report).rstrip())
    elif fmt == "table" and sys.stdout.isatty():
        Console(highlight=False).print(table(report))
    else:
        sys.stdout.write(render_report(report, fmt))


def _say(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        sys.stderr.write(f"{text}\n")


class _Terminal:
    """Says the plan and the progress: a bar on a terminal, else the plan alone."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[breaches]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal or console.quiet,
        )
        self._task = self._bar.add_task("", total=None, breaches="")

    def __enter__(self) -> None:
        self._bar.start()

    def __exit__(self, *_exc: object) -> None:
        self._bar.stop()

    def searching(self, places: int) -> None:
        """Say how many requests look for a document."""
        requests = "request" if places == 1 else "requests"
        self._console.print(f"Looking for an OpenAPI document: at most {places} {requests}.")

    def planned(self, plan: Plan) -> None:
        """Say what follows."""
        _say_plan(self._console, "", plan)
        self._bar.update(self._task, total=sum(plan.counts.values()))

    def answered(self, probe: Probe, sent: int, total: int, breaches: int) -> None:
        """Show how far it is."""
        del total
        said = f"{breaches} breaches" if breaches else ""
        self._bar.update(self._task, completed=sent, description=probe.kind, breaches=said)


def _say_plan(console: Console, name: str, plan: Plan) -> None:
    total = sum(plan.counts.values())
    to = f" to {name}" if name else ""
    console.print(f"At most {total} requests{to}, known path {plan.places.known}:", soft_wrap=True)
    for kind, count in plan.counts.items():
        console.print(f"{count:6}  {kind:<12} {KINDS[kind]}", soft_wrap=True)
    for note in plan.notes:
        console.print(note, soft_wrap=True)


def _is_key(name: str) -> bool:
    return name.lower() in {"authorization", "api-key", "apikey"} or name.lower().endswith("-key")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not (name + value).isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is no header: write 'Name: value'")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("a header's value is latin-1 text") from None
    return name.strip(), value.strip()


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("it is a whole number from 1 on")
    return value

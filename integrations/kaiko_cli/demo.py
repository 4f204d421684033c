"""`kaiko-middleware demo`: the contract in action, on five stacks.

It starts the demo on Starlette and on Django, under ASGI and WSGI, and the two services that it
calls, each in a separate process. It sends every cause to each stack over HTTP and prints one
table. The exit code is 0 only if every answer is right, all stacks send the same bytes except
for the request's id, and errors from the called services are in the logs of both services.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kaiko_cli import serving, tables
from kaiko_cli.compare import judge, repeated_ids
from kaiko_cli.processes import STACKS, StartError, running_demo
from kaiko_cli.traces import Traces, read_traces
from kaiko_cli.wire import send
from kaiko_demo import CAUSES
from kaiko_demo.seed import AT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kaiko_cli.compare import Verdict
    from kaiko_cli.processes import Service, Stack
    from kaiko_cli.wire import Received
    from kaiko_demo import Cause

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print the results as JSON")
    output.add_argument(
        "--serve",
        action="store_true",
        help="serve a page to try all of it on, keep the services running, and print curl lines",
    )
    parser.add_argument("--open", action="store_true", help="with --serve: open a browser")


def run(options: argparse.Namespace, stacks: Sequence[Stack] = STACKS) -> int:
    """Compare the stacks, and serve them afterwards if asked.

    Arguments:
        options: the arguments that `add_arguments` declares.
        stacks: the stacks to compare; the five of the demo by default.

    Returns:
        The exit code: 0 if every answer is right and all stacks agree, else 1.

    """
    if options.open and not options.serve:
        print("--open needs --serve", file=sys.stderr)
        return 2
    logs = Path(tempfile.mkdtemp(prefix="kaiko-demo-"))
    good = False
    try:
        if options.serve:
            good = _serve(stacks, logs, open_page=options.open)
        else:
            good = _report(stacks, logs, as_json=options.json)
    except StartError as exc:
        good = False
        print(exc, file=sys.stderr)
    except (BrokenPipeError, KeyboardInterrupt):
        shutil.rmtree(logs)
        raise
    if good:
        shutil.rmtree(logs)
        return 0
    print(f"The services' logs are in {logs}", file=sys.stderr)
    return 1


def _report(stacks: Sequence[Stack], logs: Path, *, as_json: bool = False) -> bool:
    """Compare the stacks and print the result; return whether all is well."""
    verdicts = _compare(stacks, logs)
    # The services have ended, so their logs are complete.
    found = _Found(verdicts, repeated_ids(verdicts), read_traces(verdicts, logs))
    if as_json:
        _print_json(found, stacks)
    else:
        _print_table(found, stacks)
    return found.good


def _serve(stacks: Sequence[Stack], logs: Path, *, open_page: bool) -> bool:
    """Serve the page, compare the stacks meanwhile, and wait for Ctrl-C."""
    good = True
    apart = logs / "served"
    apart.mkdir()
    # Ctrl-C ends the demo, at any moment.
    with contextlib.suppress(KeyboardInterrupt), serving.served(stacks, apart) as running:
        print(f"See it on {running.page.url}\n", flush=True)
        if open_page:
            webbrowser.open(running.page.url)
        good = _report(stacks, logs)
        serving.wait(running)
    return good


class _Found(NamedTuple):
    """The results: a verdict for each cause, repeated ids, and the ids found in the logs."""

    verdicts: list[Verdict]
    repeated: list[str]
    traces: Traces

    @property
    def good(self) -> bool:
        every = all(verdict.good for verdict in self.verdicts)
        return every and not self.repeated and not self.traces.lost


def _compare(stacks: Sequence[Stack], logs: Path) -> list[Verdict]:
    # One instant for all of them, so the rest of a rate limit's window is the same.
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with (
        running_demo(stacks, logs, environment={AT: at}) as demo,
        ThreadPoolExecutor(len(stacks)) as pool,
    ):
        # One cause after the other, but on all stacks at once, since some causes wait.
        names = [service.stack.name for service in demo.stacks]
        return [
            judge(cause, dict(zip(names, pool.map(partial(_ask, cause), demo.stacks), strict=True)))
            for cause in CAUSES
        ]


def _ask(cause: Cause, service: Service) -> Received:
    for request in cause.before:
        send(service.port, request)
    return send(service.port, cause.request)


def _print_table(found: _Found, stacks: Sequence[Stack]) -> None:
    verdicts, repeated, (errors, lost) = found
    console = tables.console()
    console.print(tables.results(verdicts, console.width))
    console.print()
    failed = [verdict for verdict in verdicts if not verdict.good]
    for verdict in failed:
        for line in tables.findings(verdict):
            console.print(line, soft_wrap=True)
    for request_id in repeated:
        console.print(f"more than one answer has the id {request_id}", style="bold red")
    for fault in lost:
        console.print(fault, style="bold red", soft_wrap=True)
    console.print(f"{len(verdicts)} causes, each on {', '.join(stack.title for stack in stacks)}.")
    if not lost:
        console.print(
            f"{errors} errors came from called services; each id is in the logs of both services."
        )
    if not found.good:
        console.print(f"{len(failed)} of them went wrong.", style="bold red")
    else:
        console.print(
            "Every answer is right, and the stacks send the same bytes except for the id.",
            style="green",
        )


def _print_json(found: _Found, stacks: Sequence[Stack]) -> None:
    verdicts, repeated, (errors, lost) = found
    data = {
        "good": found.good,
        "stacks": {stack.name: stack.title for stack in stacks},
        "repeated_ids": repeated,
        "errors_from_behind": errors,
        "lost_ids": lost,
        "causes": [
            {
                "cause": verdict.cause.name,
                "method": verdict.cause.request.method,
                "path": verdict.cause.request.path,
                "expected": asdict(verdict.cause.expected),
                "behind": verdict.cause.behind and asdict(verdict.cause.behind),
                "agree": not verdict.differences,
                "wrong": verdict.wrong,
                "differences": verdict.differences,
                "answers": {
                    stack: {
                        **verdict.shown[stack]._asdict(),
                        "headers": answer.headers,
                        "body": answer.body.decode("utf-8", "backslashreplace"),
                    }
                    for stack, answer in verdict.answers.items()
                },
            }
            for verdict in verdicts
        ],
    }
    print(json.dumps(data, indent=2))

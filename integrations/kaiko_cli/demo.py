"""`kaiko-middleware demo`: the contract seen at work, on three stacks at once.

Starts the demo on Starlette and on Django, as ASGI and as WSGI, each in a process of its
own; sends every cause to each over HTTP; prints one table. The exit code is 0 only when
every answer is right and all stacks agree on it byte for byte but for the request's id.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kaiko_cli import serving, tables
from kaiko_cli.compare import judge, repeated_ids
from kaiko_cli.processes import STACKS, StartError, running
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
    """Declare what the command takes."""
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print the results as JSON")
    output.add_argument(
        "--serve",
        action="store_true",
        help="leave the services up afterwards, and print curl lines to try",
    )


def run(options: argparse.Namespace, stacks: Sequence[Stack] = STACKS) -> int:
    """Compare the stacks, and serve them afterwards if that is asked for.

    Arguments:
        options: what `add_arguments` declared.
        stacks: what to compare; the three stacks of the demo by default.

    Returns:
        The exit code: 0 where every answer is right and all stacks agree, else 1.

    """
    logs = Path(tempfile.mkdtemp(prefix="kaiko-demo-"))
    good = False
    try:
        verdicts = _compare(stacks, logs)
        repeated = repeated_ids(verdicts)
        good = not repeated and all(verdict.good for verdict in verdicts)
        if options.json:
            _print_json(verdicts, repeated, stacks)
        else:
            _print_table(verdicts, repeated, stacks)
        if options.serve:
            serving.serve(stacks, logs)
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


def _compare(stacks: Sequence[Stack], logs: Path) -> list[Verdict]:
    # One instant for all of them: what is left of a rate limit's window is then the same.
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with running(stacks, logs, environment={AT: at}) as services:
        return [
            judge(cause, {service.stack.name: _ask(service, cause) for service in services})
            for cause in CAUSES
        ]


def _ask(service: Service, cause: Cause) -> Received:
    for request in cause.before:
        send(service.port, request)
    return send(service.port, cause.request)


def _print_table(
    verdicts: Sequence[Verdict], repeated: Sequence[str], stacks: Sequence[Stack]
) -> None:
    console = tables.console()
    console.print(tables.results(verdicts, console.width))
    console.print()
    failed = [verdict for verdict in verdicts if not verdict.good]
    for verdict in failed:
        for line in tables.findings(verdict):
            console.print(line, soft_wrap=True)
    for request_id in repeated:
        console.print(f"more than one answer has the id {request_id}", style="bold red")
    console.print(f"{len(verdicts)} causes, each on {', '.join(stack.title for stack in stacks)}.")
    if failed or repeated:
        console.print(f"{len(failed)} of them went wrong.", style="bold red")
    else:
        console.print(
            "Every answer is right, and the stacks agree byte for byte but for the id.",
            style="green",
        )


def _print_json(
    verdicts: Sequence[Verdict], repeated: Sequence[str], stacks: Sequence[Stack]
) -> None:
    data = {
        "good": not repeated and all(verdict.good for verdict in verdicts),
        "stacks": {stack.name: stack.title for stack in stacks},
        "repeated_ids": repeated,
        "causes": [
            {
                "cause": verdict.cause.name,
                "method": verdict.cause.request.method,
                "path": verdict.cause.request.path,
                "expected": asdict(verdict.cause.expected),
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

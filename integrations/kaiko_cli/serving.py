"""`kaiko-middleware demo --serve`: keep the services running, to try them by hand.

They are started again, with a running clock and without data from the comparison. A used-up rate
limit is whole again after a minute.
"""

from __future__ import annotations

import contextlib
import shlex
import subprocess
from typing import TYPE_CHECKING

from kaiko_cli.processes import StartError, running_demo
from kaiko_demo import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kaiko_cli.processes import Demo, Service, Stack
    from kaiko_demo import Cause, Request

__all__ = ["curl", "serve"]

_TYPED = 500


def serve(stacks: Sequence[Stack], logs: Path) -> None:
    """Serve until Ctrl-C.

    Arguments:
        stacks: the stacks to serve.
        logs: the folder for their logs.

    Raises:
        StartError: a service did not start, or it ended.

    """
    # Ctrl-C ends the demo, at any moment.
    with contextlib.suppress(KeyboardInterrupt), running_demo(stacks, logs) as demo:
        for line in _guide(demo):
            print(line)
        print(f"\nLogs are written to {logs}. Ctrl-C stops all of them.", flush=True)
        _watch([*demo.stacks, *demo.behind])


def curl(url: str, request: Request) -> str:
    """Return the shell line that sends a request.

    Arguments:
        url: the service's address, without a path.
        request: the request; of a long body only the length is kept.

    """
    words = ["curl", "-i", "-X", request.method, url + request.path]
    for name, value in request.headers.items():
        words += ["-H", f"{name}: {value}"]
    if request.body is None:
        return shlex.join(words)
    if len(request.body) > _TYPED:
        return f"head -c {len(request.body)} /dev/zero | {shlex.join(words)} --data-binary @-"
    return shlex.join([*words, "--data-binary", request.body.decode()])


def _guide(demo: Demo) -> Iterator[str]:
    for service in demo.stacks:
        yield f"{service.stack.title}: {service.url}"
    behind = ", ".join(f"{service.stack.title} ({service.url})" for service in demo.behind)
    yield f"Behind each of them: {behind}"
    yield "\nEvery line works with each of the addresses:"
    for cause in CAUSES:
        yield f"\n# {_headline(cause)}"
        for request in (*cause.before, cause.request):
            yield curl(demo.stacks[0].url, request)


def _headline(cause: Cause) -> str:
    expected = cause.expected
    return f"{cause.name}: {expected.status}" + (f" {expected.code}" if expected.code else "")


def _watch(services: Sequence[Service]) -> None:
    while True:
        for service in services:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = service.process.wait(1)
                raise StartError(f"{service.stack.title} has ended (exit code {code})")

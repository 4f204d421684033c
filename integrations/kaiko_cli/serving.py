"""`kaiko-middleware demo --serve`: the services, to try them by hand, and the page to see them on.

They are not the processes of the comparison: their clock runs, and the page's process moves it. A
used-up rate limit is whole again after a minute.
"""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from kaiko_cli.firing import Address, SharedClock
from kaiko_cli.playground_settings import SETTINGS, Settings
from kaiko_cli.processes import Stack, StartError, how_it_ended, running, running_demo
from kaiko_demo import CAUSES
from kaiko_demo.seed import CLOCK, PACE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from kaiko_cli.processes import Demo, Service
    from kaiko_demo import Cause, Request

__all__ = ["Served", "curl", "served", "wait"]

_TYPED = 500
_PAGE = Stack("page", "The page", (sys.executable, "-P", "-m", "kaiko_cli.playground_app"))


class Served(NamedTuple):
    """The running services, and the page."""

    demo: Demo
    page: Service
    logs: Path


@contextlib.contextmanager
def served(stacks: Sequence[Stack], logs: Path, *, pace: float = 0.3) -> Generator[Served]:
    """Serve the stacks and the page, and end them afterwards.

    Arguments:
        stacks: the stacks to serve.
        logs: the folder for their logs.
        pace: seconds between two pieces of a stream, so that one can see it arrive.

    Raises:
        StartError: a service did not start.

    """
    clock = logs / "clock"
    SharedClock(clock).tick()
    environment = {CLOCK: str(clock), PACE: str(pace)}
    with running_demo(stacks, logs, environment=environment) as demo:
        settings = Settings(_addresses(demo.stacks), _addresses(demo.behind), logs, clock)
        with running([_PAGE], logs, environment={SETTINGS: settings.to_json()}) as (page,):
            yield Served(demo, page, logs)


def wait(running: Served) -> None:
    """Print curl lines to try, and wait for ever.

    A service that ends is told, and the others run on.

    Arguments:
        running: what runs.

    Raises:
        StartError: the page has ended, or the last of the stacks.

    """
    for line in _guide(running.demo):
        print(line)
    print(f"\nThe page is on {running.page.url}")
    print(f"Logs are written to {running.logs}. Ctrl-C stops all of them.", flush=True)
    stacks, behind = [*running.demo.stacks], [*running.demo.behind]
    while stacks:
        for services in stacks, behind:
            for service in [each for each in services if each.process.poll() is not None]:
                services.remove(service)
                print(f"\n{how_it_ended(service)}", file=sys.stderr, flush=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.page.process.wait(1)
            raise StartError(how_it_ended(running.page))
    raise StartError("No stack is left.")


def _addresses(services: Sequence[Service]) -> list[Address]:
    return [Address(service.stack.name, service.stack.title, service.port) for service in services]


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

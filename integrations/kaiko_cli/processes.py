"""The demo's services as processes: started together, waited for, and always ended.

Two of them stand behind the others: a provider of language models, and an archive. These are
up first, and their addresses are in the environment of the stacks that call them.

A service binds its own port and prints it, so that no port is ever guessed. Its log goes
to a file. Its standard input is a pipe from here: should this process be killed, the pipe
closes and the service ends by itself.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from kaiko_demo.seed import ARCHIVE, LLM

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

__all__ = ["BEHIND", "STACKS", "Demo", "Service", "Stack", "StartError", "running", "running_demo"]

_TAIL = 15


@dataclass(frozen=True, slots=True)
class Stack:
    """One way to serve the demo.

    Arguments:
        name: its name in reports.
        title: what it is, for people.
        command: what starts it; the first line of its output is the port.
    """

    name: str
    title: str
    command: tuple[str, ...]


def _stack(name: str, title: str) -> Stack:
    # -P: what stands in the current directory must not be imported in place of a package.
    command = (sys.executable, "-P", "-m", "kaiko_demo.serve", name, "--until-eof")
    return Stack(name, title, command)


STACKS = (
    _stack("starlette", "Starlette on uvicorn"),
    _stack("django-asgi", "Django (ASGI) on uvicorn"),
    _stack("django-wsgi", "Django (WSGI) on waitress"),
)


# By the variable that tells the stacks where it is.
BEHIND = {
    LLM: _stack("llm", "LLM provider"),
    ARCHIVE: _stack("archive", "Archive, on Starlette"),
}


class StartError(Exception):
    """A service did not start; the message says which one and what its log ends with."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is up.

    Arguments:
        stack: what it is.
        port: where it is, on the loopback interface.
        process: the process it runs in.
        log: where it logs.
    """

    stack: Stack
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Its address, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"


class Demo(NamedTuple):
    """Everything that is up: the stacks, and what stands behind them."""

    stacks: list[Service]
    behind: list[Service]


@contextlib.contextmanager
def running_demo(
    stacks: Sequence[Stack], logs: Path, *, environment: Mapping[str, str] | None = None
) -> Generator[Demo]:
    """Start what stands behind the stacks, and then the stacks; see `running`."""
    given = environment or {}
    with running(tuple(BEHIND.values()), logs, environment=given) as behind:
        urls = [service.url for service in behind]
        found = {**given, **dict(zip(BEHIND, urls, strict=True))}
        with running(stacks, logs, environment=found) as services:
            yield Demo(services, behind)


@contextlib.contextmanager
def running(
    stacks: Sequence[Stack],
    logs: Path,
    *,
    environment: Mapping[str, str] | None = None,
    patience: float = 60.0,
) -> Generator[list[Service]]:
    """Start the stacks, hand them over when all of them answer, and end them afterwards.

    Arguments:
        stacks: what to start.
        logs: the folder that their logs are written to.
        environment: what to add to this process's environment.
        patience: seconds to wait for one of them.

    Raises:
        StartError: one of them ended, or did not answer in time.

    """
    with contextlib.ExitStack() as cleanup:
        # All are started before one is waited for: they load at the same time.
        started: list[tuple[Stack, Path, subprocess.Popen[bytes]]] = []
        for stack in stacks:
            log = logs / f"{stack.name}.log"
            process = cleanup.enter_context(_process(stack, log, environment or {}))
            started.append((stack, log, process))
        yield [_ready(stack, log, process, patience) for stack, log, process in started]


@contextlib.contextmanager
def _process(
    stack: Stack, log: Path, environment: Mapping[str, str]
) -> Generator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as errors,
        subprocess.Popen(  # noqa: S603 - the commands are ours
            stack.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **environment},
            # Ctrl-C is for the command, which then ends the services in its own order.
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()


def _ready(stack: Stack, log: Path, process: subprocess.Popen[bytes], patience: float) -> Service:
    """Wait until the service answers; it prints its port as soon as it can be connected to."""
    output = cast("IO[bytes]", process.stdout)
    watchdog = threading.Timer(patience, process.kill)
    watchdog.start()
    try:
        line = output.readline().decode(errors="replace").strip()
    finally:
        watchdog.cancel()
    if not line.isdecimal():
        process.kill()
        raise StartError(_report(stack, log, f"did not start (exit code {process.wait()})"))
    service = Service(stack, int(line), process, log)
    try:
        _connect(service.port, patience)
    except (OSError, http.client.HTTPException) as exc:
        raise StartError(_report(stack, log, f"did not answer ({exc!r})")) from exc
    return service


def _connect(port: int, patience: float) -> None:
    """Connect and be answered; any answer will do."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    finally:
        connection.close()


def _report(stack: Stack, log: Path, what: str) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_TAIL:]
    tail = "\n".join(f"  {line}" for line in lines) or "  (empty)"
    return f"{stack.title} {what}; its log, {log}, ends with:\n{tail}"

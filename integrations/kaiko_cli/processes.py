"""The demo's services as processes: started together, waited for, and always ended.

Two of them are called by the others: a provider of language models, and an archive. These start
first, and the stacks that call them get their addresses in the environment.

A service binds its own port and prints it, so no port is guessed. Its log goes to a file. Its
standard input is a pipe from this process: if this process is killed, the pipe closes and the
service ends.
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

__all__ = [
    "BEHIND",
    "STACKS",
    "Demo",
    "Service",
    "Stack",
    "StartError",
    "how_it_ended",
    "running",
    "running_demo",
]

_TAIL = 15


@dataclass(frozen=True, slots=True)
class Stack:
    """One way to serve the demo.

    Arguments:
        name: its name in reports.
        title: its name for people.
        command: starts it; the first line of its output is the port.
    """

    name: str
    title: str
    command: tuple[str, ...]


def _stack(name: str, title: str) -> Stack:
    # -P: do not import modules of the current directory instead of packages.
    command = (sys.executable, "-P", "-m", "kaiko_demo.serve", name, "--until-eof")
    return Stack(name, title, command)


STACKS = (
    _stack("starlette", "Starlette on uvicorn"),
    _stack("litestar", "Litestar on uvicorn"),
    _stack("flask", "Flask on waitress"),
    _stack("django-asgi", "Django (ASGI) on uvicorn"),
    _stack("django-wsgi", "Django (WSGI) on waitress"),
)


# By the variable that gives the stacks its address.
BEHIND = {
    LLM: _stack("llm", "LLM provider"),
    ARCHIVE: _stack("archive", "Archive, on Starlette"),
}


class StartError(Exception):
    """A service did not start; the message has its name and the end of its log."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Arguments:
        stack: how it is served.
        port: its port on the loopback interface.
        process: its process.
        log: its log file.
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
    """The running services: the stacks, and the services that they call."""

    stacks: list[Service]
    behind: list[Service]


@contextlib.contextmanager
def running_demo(
    stacks: Sequence[Stack], logs: Path, *, environment: Mapping[str, str] | None = None
) -> Generator[Demo]:
    """Start the services that the stacks call, and then the stacks; see `running`."""
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
    """Start the stacks, yield them when all of them answer, and end them afterwards.

    Arguments:
        stacks: the stacks to start.
        logs: the folder for their logs.
        environment: variables to add to this process's environment.
        patience: seconds to wait for each of them.

    Raises:
        StartError: one of them ended, or did not answer in time.

    """
    with contextlib.ExitStack() as cleanup:
        # Start all of them before waiting, so they load at the same time.
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


def how_it_ended(service: Service) -> str:
    """Say how the process of a service ended, with the end of its log."""
    code = service.process.wait()
    how = f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
    return _report(service.stack, service.log, f"has ended ({how})")


def _ready(stack: Stack, log: Path, process: subprocess.Popen[bytes], patience: float) -> Service:
    """Wait until the service answers; it prints its port when it accepts connections."""
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
    """Connect and wait for an answer, whatever it is."""
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

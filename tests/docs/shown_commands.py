"""Fills in what the commands of pages print: `PYTHONPATH=tests python -m docs.shown_commands`.

A page is a session. A line `% service.py is examples/x.py` puts that example into the
folder of the session under that name; each `console` block's commands that are ours run there, in
order. Commands of the reader's own project, such as `pip`, `git` and a server, are only shown. An
address of port 8000 is the service's, in whatever state it is then; it runs on a free port.

Ids and dates are always the same, and the time that a run took is left out.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from forked_command import command_in
from support_program import a_persons_environment

if TYPE_CHECKING:
    from collections.abc import Generator

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("index.md", "adopt.md", "ci.md", "fifty-services.md")
LIBRARIES = ("fastapi", "starlette", "django", "schemathesis", "hypothesis", "uvicorn")
PRINTED_WITH = "% Printed with"
# The commands that run; all others are the reader's.
_OURS = re.compile(
    r"(kaiko-middleware |curl -s |python summary\.py|sh |for |echo |cat |head |grep )"
)
_PART = re.compile(
    r"^% (?P<name>\S+) is (?P<example>\S+)\n|^```console\n(?P<session>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ALIKE = (
    (re.compile(r"\b(req-)[0-9a-f]{10}\b"), r"\g<1>7f65ab21d1"),
    (re.compile(r"\b(\d+ requests) in [0-9.]+ s"), r"\1"),
    (re.compile(r"\bdate: \w{3}, .*? GMT"), "date: Sun, 29 Nov 2026 10:00:00 GMT"),
    (re.compile(r'\b(time=)"[0-9.]+"'), r'\1"2.345"'),
    (re.compile(r'("seconds": )[0-9.]+'), r"\g<1>2.345"),
)


def printed_with() -> str:
    """Return the line that says which libraries are installed."""
    return f"{PRINTED_WITH} {', '.join(f'{name} {version(name)}' for name in LIBRARIES)}"


def filled(page: str) -> str:
    """Return a page with what its commands print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as programs,
        command_in(Path(programs)),
    ):
        session = Path(folder)

        def part(found: re.Match[str]) -> str:
            if found["name"] is not None:
                target = session / found["name"]
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(DOCS / found["example"], target)
                return found[0]
            return f"```console\n{_session(found['session'], session, programs)}```"

        done = _PART.sub(part, page)
    return re.sub(f"^{PRINTED_WITH}.*$", printed_with(), done, flags=re.MULTILINE)


def _session(text: str, folder: Path, programs: str) -> str:
    """Return a block with what its commands print; `>` goes on with a command, as in a shell."""
    commands = re.findall(r"^\$ (.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)
    running = [typed for typed, _ in commands if _OURS.match(typed)]
    with _port(folder, needed=any(":8000" in typed for typed in running)) as port:
        parts: list[str] = []
        previous = 0
        for typed, shown in commands:
            output = shown
            if _OURS.match(typed):
                typed_on = typed.replace("\n> ", "\n")
                previous, output = _run(typed_on, folder, programs, port, previous)
            parts.append(f"$ {typed}\n{output}")
    return "".join(parts)


def _run(command: str, folder: Path, programs: str, port: int, previous: int) -> tuple[int, str]:
    path = os.pathsep.join([programs, str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    script = f"(exit {previous})\n{command.replace(':8000', f':{port}')}"
    done = subprocess.run(
        ["sh", "-c", script],  # noqa: S607 - the shell is the reader's
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        env={
            **a_persons_environment(),
            "COLUMNS": "110",
            "PATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",  # the file changes within a second
            "PYTHONWARNINGS": "ignore",
        },
    )
    output = done.stdout.replace(f":{port}", ":8000")
    for changes, same in _ALIKE:
        output = changes.sub(same, output)
    lines = [line.rstrip() for line in output.splitlines()]
    return done.returncode, "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def _port(folder: Path, *, needed: bool) -> Generator[int]:
    """Serve the session's `service:app` while a block runs, on a port of four digits, as 8000."""
    if not needed:
        yield 8000
        return
    listening = _listen()
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "uvicorn", "service:app", "--fd", str(listening.fileno())],
        pass_fds=[listening.fileno()],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield int(listening.getsockname()[1])
    finally:
        process.terminate()
        process.wait()
        listening.close()


def _listen() -> socket.socket:
    for port in range(8001, 9999):
        listening = socket.socket()
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            listening.close()
            continue
        listening.listen(128)  # who connects before the server is up waits
        return listening
    raise RuntimeError("no free port of four digits")


if __name__ == "__main__":
    for name in sys.argv[1:] or PAGES:
        start = time.monotonic()
        written = filled((DOCS / name).read_text(encoding="utf-8"))
        (DOCS / name).write_text(written, encoding="utf-8")
        sys.stdout.write(f"{name}: {time.monotonic() - start:.0f} s\n")

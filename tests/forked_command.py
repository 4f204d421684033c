"""`kaiko-middleware` for a shell, each time in a fork of one process.

The process, `python -m forked_command SOCKET`, loads once what most runs import; a short program
with the command's name sends it its words, folder, variables and open files.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from kaiko_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Generator

# The parts of others' packages are named that they import only when they are used.
LOADED = (
    "fastapi",
    "kaiko_check.command",
    "rich.progress",
    "schemathesis.specs.openapi.checks",
    "schemathesis.specs.openapi.schemas",
)
_PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b" "], [0, 1, 2])
    server.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(9) or 1))
"""


@contextlib.contextmanager
def command_in(folder: Path) -> Generator[None]:
    """Put the program into a folder that the shell searches first, for as long as this lasts."""
    address = str(folder / "socket")
    program = folder / "kaiko-middleware"
    program.write_text(_PROGRAM.format(python=sys.executable, address=address))
    program.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "forked_command", address],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


def serve(address: str) -> None:
    """Answer each connection with the exit code of the command that it asks for."""
    # The shell's folder is not that of the tests, and its modules are others.
    sys.path.remove(str(Path(__file__).parent))
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            asking, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _run(asking)
            asking.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass


def _run(asking: socket.socket) -> None:
    """Be the command, to the end."""
    code: object = 1
    try:
        _, files, _, _ = socket.recv_fds(asking, 1, 3)
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        words, folder, variables = json.loads(b"".join(iter(lambda: asking.recv(65536), b"")))
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        sys.argv = ["kaiko-middleware", *words]
        code = main()
    except SystemExit as exc:
        code = exc.code
    except BaseException:  # noqa: BLE001 - as an interpreter tells of it
        traceback.print_exc()
    finally:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
        asking.sendall(str(code or 0).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])

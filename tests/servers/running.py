"""Starts a server beside the tests, and ends it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from servers.launch import UWSGI

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.server_list import Server

_TESTS = Path(__file__).parents[1]
_TRIES = 600
_PAUSE = 0.05  # seconds between two tries, if the server does not end before


class Running(NamedTuple):
    """A server that takes requests."""

    server: Server
    port: int
    log: Path


@contextmanager
def running(server: Server, log: Path) -> Generator[Running]:
    """Run a server on a free loopback port until the block is left; it logs to `log`."""
    if server.name == "uwsgi" and UWSGI is None:
        pytest.skip("uWSGI is not installed")
    with socket.socket() as held, log.open("wb") as output:
        by_port = "{port}" in "".join(server.command)
        if by_port:
            # Bound and not listening: nobody else gets the port, and the server shares it.
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        if not by_port:
            held.listen(128)
        port: int = held.getsockname()[1]
        path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))
        command = [part.format(fd=held.fileno(), port=port) for part in server.command]
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *command],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[] if by_port else [held.fileno()],
        )
        try:
            if not by_port:
                held.close()  # so that a server that ends takes its socket with it
            _await(process, port, log)
            yield Running(server, port, log)
        finally:
            _end(process)


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(_TRIES):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                # An answer, not a connection: the socket may listen before the server does.
                connection.sendall(b"GET /s/ok HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                if connection.recv(1):
                    return
        except OSError:
            pass
        try:
            process.wait(_PAUSE)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"the server ended: {log.read_text()}")
    raise AssertionError(f"the server answers nothing: {log.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

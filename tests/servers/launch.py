"""Starts the WSGI servers that have no command for a given socket.

`python -m servers.launch NAME SOCKET OPTIONS MODULE:APP`: the socket is the number of one that
listens, or for cheroot a port that it shares; an option is `name=number`.
"""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

UWSGI = shutil.which("uwsgi", path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath]))
"""The program, which the package `pyuwsgi` brings too; None where it is not installed."""


def _waitress(app: WSGIApplication, fd: int, options: dict[str, int]) -> None:
    listener = socket.socket(fileno=fd)
    # waitress has no types.
    made: Any = importlib.import_module("waitress.server")
    made.create_server(app, sockets=[listener], **options).run()


def _cheroot(app: WSGIApplication, port: int, options: dict[str, int]) -> None:
    from cheroot.wsgi import Server

    server = Server(("127.0.0.1", port), app, numthreads=4, reuse_port=True)
    for name, value in options.items():
        setattr(server, name, value)
    server.safe_start()


def _wsgiref(app: WSGIApplication, fd: int, _options: dict[str, int]) -> None:
    listener = socket.socket(fileno=fd)
    server = WSGIServer(listener.getsockname(), WSGIRequestHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()
    server.setup_environ()
    server.set_app(app)
    server.serve_forever()


_SERVERS: dict[str, Callable[[WSGIApplication, int, dict[str, int]], None]] = {
    "waitress": _waitress,
    "cheroot": _cheroot,
    "wsgiref": _wsgiref,
}


def _uwsgi(fd: str, options: list[str], app: str) -> None:
    assert UWSGI is not None
    arguments = [f"--http-socket=fd://{fd}", f"--virtualenv={sys.prefix}", f"--module={app}"]
    arguments += ["--master", "--die-on-term", "--need-app", "--threads=2"]
    arguments += [f"--pythonpath={place}" for place in sys.path if place]
    os.execv(UWSGI, [UWSGI, *arguments, *(f"--{option}" for option in options)])  # noqa: S606 - no shell is wanted


def main(name: str, where: str, *rest: str) -> None:
    """Serve until the process is ended."""
    *options, target = rest
    if name == "uwsgi":
        _uwsgi(where, options, target)
    module, _, attribute = target.partition(":")
    app = getattr(importlib.import_module(module), attribute)
    pairs = (option.partition("=") for option in options)
    _SERVERS[name](app, int(where), {key: int(value) for key, _, value in pairs})


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A project on a real server: `python -m adapters.django.served_project waitress|uvicorn`.

The port is printed once the socket is bound; the server ends with its standard input.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
from typing import Any

import uvicorn
from django.conf import settings
from django.urls import path

from adapters.django.row import raises
from adapters.django.stacks import OURS, Urls
from adapters.django.support import bug, fine, refused, typed
from adapters.django.test_streams import Streams
from kaiko_django import get_asgi_application, get_wsgi_application


def _bug() -> Exception:
    return ValueError("secret")


URLS = Urls(
    [
        path("fine", fine),
        path("typed", typed),
        path("bug", bug),
        path("refused", refused),
        path("exit", raises(lambda: SystemExit(1))),
        path("events", Streams(_bug, b"data: 1\n\n", b"data: 2", kind="text/event-stream")),
        path("lines", Streams(_bug, b"{}\n", kind="application/x-ndjson")),
        path("text", Streams(_bug, b"chunk")),
        path("first", Streams(_bug)),
    ]
)


def main(server: str) -> None:
    """Serve until standard input ends."""
    settings.MIDDLEWARE = [OURS]
    settings.ROOT_URLCONF = URLS
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_stop_at_eof, daemon=True).start()
    if server == "waitress":
        # Waitress has no types.
        made: Any = importlib.import_module("waitress.server").create_server(
            get_wsgi_application(), sockets=[listener]
        )
        made.run()
    else:
        config = uvicorn.Config(get_asgi_application(), log_level="critical")
        uvicorn.Server(config).run(sockets=[listener])


def _stop_at_eof() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])

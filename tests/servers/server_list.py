"""The servers, as data: how each is started, and in what a client sees another thing there.

What a row does not say is alike on all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

App = Literal["starlette", "litestar", "django", "wsgi"]

_ASGI = "servers.served:application"
_WSGI = "servers.served_wsgi:wsgi_application"


@dataclass(frozen=True)
class Server:
    """One server as it is started, and what it cannot do."""

    name: str
    command: tuple[str, ...]
    """The module and its arguments; `{fd}` or `{port}` stands for where it listens."""
    apps: tuple[App, ...] = ("starlette", "django")
    websockets: bool = True
    cuts: bool = True
    """Whether a stream that breaks off is cut; daphne leaves its client waiting."""
    denials: bool = True
    """Whether a handshake can be answered with an envelope; else it is an empty 403."""
    closes: bool = True
    """Whether an application's close code and reason are sent."""
    keeps_alive: bool = True
    """Whether a connection takes a second request."""
    threads: bool = True
    """Whether two requests are served at once."""

    @property
    def is_asgi(self) -> bool:
        """Whether it serves ASGI applications."""
        return "starlette" in self.apps


_UVICORN = ("uvicorn", "--fd={fd}", "--loop=asyncio", "--log-level=critical")
_GUNICORN = ("gunicorn", "--bind=fd://{fd}", "--graceful-timeout=1")
_GRANIAN = ("granian", "--host=127.0.0.1", "--port={port}", "--loop=asyncio")


def _wsgi(
    name: str,
    *command: str,
    apps: tuple[App, ...] = ("wsgi",),
    cuts: bool = True,
    keeps_alive: bool = True,
    threads: bool = True,
) -> Server:
    return Server(
        name,
        (*command, _WSGI),
        apps,
        websockets=False,
        cuts=cuts,
        denials=False,
        closes=False,
        keeps_alive=keeps_alive,
        threads=threads,
    )


SERVERS = (
    Server("uvicorn-h11", (*_UVICORN, "--http=h11", "--ws=wsproto", _ASGI)),
    Server("uvicorn-httptools", (*_UVICORN, "--http=httptools", "--ws=wsproto", _ASGI)),
    Server("hypercorn", ("hypercorn", "--bind=fd://{fd}", "--workers=0", _ASGI)),
    Server("granian", (*_GRANIAN, "--interface=asgi", _ASGI)),
    Server(
        "gunicorn-uvicorn",
        (*_GUNICORN, "--worker-class=servers.uvicorn_worker.Worker", _ASGI),
    ),
    Server(
        "gunicorn-asgi",
        (*_GUNICORN, "--worker-class=asgi", "--asgi-loop=asyncio", _ASGI),
        denials=False,
    ),
    Server(
        "daphne",
        ("daphne", "--fd={fd}", "--verbosity=0", _ASGI),
        cuts=False,
        denials=False,
        closes=False,
    ),
    _wsgi("gunicorn-sync", *_GUNICORN, apps=("wsgi", "django"), keeps_alive=False, threads=False),
    _wsgi("gunicorn-gthread", *_GUNICORN, "--threads=2"),
    _wsgi("gunicorn-gevent", *_GUNICORN, "--worker-class=gevent"),
    _wsgi("waitress", "servers.launch", "waitress", "{fd}"),
    _wsgi("granian-wsgi", *_GRANIAN, "--interface=wsgi"),
    _wsgi("cheroot", "servers.launch", "cheroot", "{port}"),
    _wsgi("uwsgi", "servers.launch", "uwsgi", "{fd}", cuts=False, keeps_alive=False),
)

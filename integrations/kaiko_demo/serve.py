"""One service in one process: `python -m kaiko_demo.serve starlette --port 8000`.

This process makes the application, then binds the socket, then prints the port. The reader of
the port can connect at once, no other program can take the port, and a service that cannot start
ends.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from kaiko_middleware.extras import require

require("kaiko_demo", "django", "flask", "litestar", "starlette", "uvicorn", "waitress")

from kaiko_demo.guards import archive_guards, guards_from_environment
from kaiko_demo.seed import demo_archive, service_from_environment
from kaiko_middleware import RequestIdFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from wsgiref.types import WSGIApplication

__all__ = ["SERVICES", "Serve", "main", "run"]

Serve: TypeAlias = Callable[[socket.socket], None]


class _Waitress(Protocol):
    def run(self) -> None: ...


class _CreateServer(Protocol):
    def __call__(self, app: WSGIApplication, /, *, sockets: list[socket.socket]) -> _Waitress: ...


def _starlette() -> Serve:
    from kaiko_demo.starlette_app import create_app  # noqa: PLC0415 - a process loads the one framework that it serves

    return _on_uvicorn(create_app(service_from_environment(), guards_from_environment()))


def _litestar() -> Serve:
    from kaiko_demo.litestar_app import create_app  # noqa: PLC0415 - likewise

    return _on_uvicorn(create_app(service_from_environment(), guards_from_environment()))


def _flask() -> Serve:
    from kaiko_demo.flask_app import create_app  # noqa: PLC0415 - likewise

    return _on_waitress(create_app(service_from_environment(), guards_from_environment()))


def _django_asgi() -> Serve:
    from kaiko_django import get_asgi_application  # noqa: PLC0415 - likewise

    os.environ["DJANGO_SETTINGS_MODULE"] = "kaiko_demo.django_settings"
    return _on_uvicorn(get_asgi_application())


def _django_wsgi() -> Serve:
    from kaiko_django import get_wsgi_application  # noqa: PLC0415 - likewise

    os.environ["DJANGO_SETTINGS_MODULE"] = "kaiko_demo.django_settings"
    return _on_waitress(get_wsgi_application())


def _llm() -> Serve:
    from kaiko_demo.provider import serve  # noqa: PLC0415 - likewise

    return serve


def _archive() -> Serve:
    from kaiko_demo.archive_app import create_app  # noqa: PLC0415 - likewise

    return _on_uvicorn(create_app(demo_archive(), archive_guards()))


def _on_uvicorn(application: Callable[..., object]) -> Serve:
    import uvicorn  # noqa: PLC0415 - likewise

    def serve(listener: socket.socket) -> None:
        config = uvicorn.Config(application, log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])

    return serve


def _on_waitress(application: WSGIApplication) -> Serve:
    # Waitress has no types: the two protocols describe what is used of it.
    create_server: _CreateServer = importlib.import_module("waitress.server").create_server

    def serve(listener: socket.socket) -> None:
        create_server(application, sockets=[listener]).run()

    return serve


SERVICES: dict[str, Callable[[], Serve]] = {
    "starlette": _starlette,
    "litestar": _litestar,
    "flask": _flask,
    "django-asgi": _django_asgi,
    "django-wsgi": _django_wsgi,
    "llm": _llm,
    "archive": _archive,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Serve one of them on a port of the loopback interface until stopped.

    Arguments:
        argv: Arguments; those of the command line by default.
    """
    parser = argparse.ArgumentParser(prog="python -m kaiko_demo.serve", description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument(
        "--until-eof", action="store_true", help="stop when standard input ends, too"
    )
    options = parser.parse_args(argv)
    run(SERVICES[options.service], port=options.port, until_eof=options.until_eof)


def run(make: Callable[[], Serve], *, port: int = 0, until_eof: bool = False) -> None:
    """Serve on a port of the loopback interface until stopped, and print the port.

    Arguments:
        make: Makes what serves on a socket.
        port: The port; 0 takes a free one.
        until_eof: Whether to stop when standard input ends, too.
    """
    _log()
    serve = make()
    listener = socket.create_server(("127.0.0.1", port))
    if until_eof:
        threading.Thread(target=_stop_at_eof, daemon=True).start()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    serve(listener)


class _Formatter(logging.Formatter):
    """Adds to an error what the called service said."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        said = vars(record)
        if "upstream" not in said:
            return line
        answer = said["upstream_status"] or "nothing"
        return f"{line} ({said['upstream']} said {answer}: {said['upstream_said']})"


def _log() -> None:
    """Log to standard error, each record with its request's id."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(
        _Formatter("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _stop_at_eof() -> None:
    """End when the parent process ends, even if it was killed."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

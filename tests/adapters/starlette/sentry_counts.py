"""Counts the events that Sentry would send, for `test_sentry.py`.

A program of its own: Sentry's integrations patch Starlette for the life of a process. Prints
one JSON object: for each arrangement, middleware and path, the number of events.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.transport import Transport

from adapters.asgi.server import call, connect, http_scope
from adapters.starlette.stacks import STACKS, Adopt
from adapters.starlette.test_observers import BUGS, FORESEEN, MIDDLEWARE, make
from kaiko_middleware import Config

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope
    from starlette.applications import Starlette

    from kaiko_asgi import ASGIApp

PATHS = (*BUGS, *FORESEEN, "/stream", "/cut", "/ok")


class Recording(Transport):
    """Keeps what Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep an event."""
        event = envelope.get_event()
        if event is not None:
            self.events.append(dict(event))


def bare(app: Starlette, config: Config | None = None) -> ASGIApp:  # noqa: ARG001 - as the others
    """No contract at all."""
    return app


def main() -> None:
    """Ask everything, and print."""
    transport = Recording()
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        transport=transport,
        integrations=[StarletteIntegration()],
        auto_enabling_integrations=False,  # those of every library installed take seconds
        shutdown_timeout=0,
    )
    counts: dict[str, int] = {}
    ways: tuple[Adopt, ...] = (bare, *STACKS)
    for adopt in ways:
        for reraise in (True, False):
            config = Config(reraise=reraise)
            for middleware in MIDDLEWARE:
                app = adopt(make(middleware), config)
                for path in PATHS:
                    if (middleware, path) == ("several", "/group"):
                        continue  # see there
                    transport.events.clear()
                    asyncio.run(call(app, http_scope(path)))
                    key = f"{adopt.__name__} {reraise} {middleware} {path}"
                    counts[key] = len(transport.events)
            transport.events.clear()
            connect(adopt(make(), config), "/ws")
            counts[f"{adopt.__name__} {reraise} none /ws"] = len(transport.events)
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    main()

"""What Sentry would send of each request, for `test_observers.py`.

A program of its own: Sentry's integrations patch Starlette, FastAPI and Django for the life
of a process. Prints one JSON object: for each `reraise` and path, the exceptions' names.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.transport import Transport

from adapters.asgi.server import ask
from adapters.fastapi.test_observers import service
from kaiko_middleware import Config

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope


class Events(Transport):
    """Keeps what would be sent to Sentry."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Take one envelope."""
        event = envelope.get_event()
        if event is not None:
            self.sent.append(dict(event))


def main() -> None:
    """Ask everything, and print."""
    events = Events()
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        transport=events,
        integrations=[StarletteIntegration(), FastApiIntegration()],
        auto_enabling_integrations=False,  # those of every library installed take seconds
        shutdown_timeout=0,
    )
    found: dict[str, list[str]] = {}
    for reraise in (True, False):
        for path in ("/bug", "/missing", "/late"):
            events.sent.clear()
            ask(service(Config(reraise=reraise)), path)
            found[f"{reraise} {path}"] = [
                event["exception"]["values"][-1]["type"] for event in events.sent
            ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

"""What Sentry would send where middleware catches, for `test_who_catches_observers.py`.

A program of its own: Sentry's integrations patch Starlette for the life of a process. Prints
one JSON object: for each arrangement, the events' mechanisms and the sessions' ends.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.transport import Transport

from adapters.asgi.server import ask
from adapters.starlette.catching import Catching, CatchingBase, fastapi, starlette, with_cors
from kaiko_middleware import Config

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope


class Keeping(Transport):
    """Keeps what Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[list[Any]] = []
        self.crashed = 0

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep an event, and count crashed sessions."""
        for item in envelope.items:
            payload: Any = item.payload.json
            if item.type == "event":
                mechanism = payload["exception"]["values"][-1]["mechanism"]
                self.events.append([mechanism["type"], mechanism["handled"]])
            elif item.type == "session":
                self.crashed += payload.get("status") == "crashed"
            elif item.type == "sessions":
                self.crashed += sum(each.get("crashed", 0) for each in payload["aggregates"])


def main() -> None:
    """Ask everything, and print."""
    kept = Keeping()
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        transport=kept,
        release="1",
        auto_session_tracking=True,
        shutdown_timeout=0,
    )
    found: dict[str, Any] = {}
    for make in (starlette, fastapi):
        for catching in (Catching, CatchingBase):
            for order in ("before", "after"):
                for reraise in (True, False):
                    app = with_cors(make, catching, order, Config(reraise=reraise))
                    for path in ("/bug", "/sold-out"):
                        kept.events.clear()
                        kept.crashed = 0
                        ask(app, path)
                        sentry_sdk.get_client().flush()
                        key = f"{make.__name__} {catching.__name__} {order} {reraise} {path}"
                        found[key] = [list(kept.events), kept.crashed]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

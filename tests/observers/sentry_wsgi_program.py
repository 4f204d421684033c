"""What Sentry would send from Bottle, Falcon and Pyramid, for `test_sentry_wsgi.py`.

A program of its own: Sentry's integrations patch the frameworks for the life of a process. Prints
for each framework the events of a typed error and those of a bug.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.bottle import BottleIntegration
from sentry_sdk.integrations.falcon import FalconIntegration
from sentry_sdk.integrations.pyramid import PyramidIntegration
from sentry_sdk.transport import Transport

from kaiko_middleware import ConflictError


class Keeping(Transport):
    """Keeps what Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str, bool]] = []

    def capture_envelope(self, envelope: Any) -> None:
        """Keep an event's mechanism."""
        for item in envelope.items:
            if item.type == "event":
                raised = item.payload.json["exception"]["values"][-1]
                mechanism = raised["mechanism"]
                self.events.append((raised["type"], mechanism["type"], mechanism["handled"]))


def main() -> None:
    """Ask each framework."""
    kept = Keeping()
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        transport=kept,
        integrations=[BottleIntegration(), FalconIntegration(), PyramidIntegration()],
        auto_enabling_integrations=False,
    )
    # Sentry comes first, as its documentation says.
    from adapters.wsgi.on_frameworks import on_bottle, on_falcon, on_pyramid
    from adapters.wsgi.server import ask_wsgi

    logging.getLogger("kaiko").addHandler(logging.NullHandler())
    found = {}
    for on in (on_bottle, on_falcon, on_pyramid):
        seen = []
        for exc in (ConflictError("taken"), LookupError("secret")):

            def view(exc: Exception = exc) -> Any:
                raise exc

            kept.events.clear()
            ask_wsgi(on(view), "/x")
            seen.append([*kept.events])
        found[on.__name__] = seen
    print(json.dumps(found))  # noqa: T201 - for the test that started it


if __name__ == "__main__":
    main()

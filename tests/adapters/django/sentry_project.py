"""A project with Sentry's SDK, in a process of its own: the SDK patches Django for good.

Prints, as JSON, one list per request: the stack, the path, the number of events, and how
often `got_request_exception` fired.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import sentry_sdk
from django.core.signals import got_request_exception
from django.test import override_settings
from django.urls import path
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.transport import Transport

from adapters.django.row import araises, raises
from adapters.django.stacks import OURS, STACKS, Urls
from adapters.django.test_streams import Streams
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope

events: list[Any] = []
signals: list[object] = []


class Recording(Transport):
    """A transport that only records."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Record events."""
        event = envelope.get_event()
        if event is not None:
            events.append(event)


def start_sentry() -> None:
    """Start the SDK with Django's integration: those of every library installed take seconds."""
    sentry_sdk.init(
        dsn="http://key@127.0.0.1/1",
        transport=Recording,
        integrations=[DjangoIntegration()],
        auto_enabling_integrations=False,
    )


def _count(**_kwargs: object) -> None:
    signals.append(None)


def _bug() -> Exception:
    return ValueError("secret")


URLS = Urls(
    [
        path("typed", raises(lambda: NotFoundError("typed"))),
        path("bug", raises(_bug)),
        path("async/typed", araises(lambda: NotFoundError("typed"))),
        path("async/bug", araises(_bug)),
        path("stream/first", Streams(_bug)),
        path("stream/later", Streams(_bug, b"a")),
        path("events", Streams(_bug, b"data: 1\n\n", kind="text/event-stream")),
        path("events/typed", Streams(NotFoundError, b"data: 1\n\n", kind="text/event-stream")),
    ]
)


def main() -> None:
    """Ask for each path on each stack."""
    start_sentry()
    got_request_exception.connect(_count)
    rows: list[list[object]] = []
    with override_settings(MIDDLEWARE=[OURS], ROOT_URLCONF=URLS):
        for stack in STACKS:
            app = stack.make()
            for route in URLS.urlpatterns:
                events.clear()
                signals.clear()
                where = f"/{route.pattern}"
                stack.ask_app(app, where)
                rows.append([stack.name, where, len(events), len(signals)])
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()

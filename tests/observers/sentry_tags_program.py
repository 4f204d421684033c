"""What Sentry would send with `sentry_tags` and without, for `test_sentry_tags.py`.

A program of its own, as `sentry_program`, whose applications it asks. Prints one JSON object: for
each arrangement and request, the events and the id of the answer.
"""

from __future__ import annotations

import json
import logging
import sys
from itertools import product
from typing import TYPE_CHECKING, Any, NoReturn

import sentry_sdk
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.litestar import LitestarIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from sentry_sdk.transport import Transport


class Keeping(Transport):
    """Keeps what Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Any) -> None:
        """Keep what is compared of an event."""
        for item in envelope.items:
            if item.type == "event":
                event: Any = item.payload.json
                raised = event.get("exception", {}).get("values", [{}])[-1].get("type")
                kept = {name: event.get(name) for name in ("tags", "fingerprint")}
                self.events.append({"raised": raised, **kept})


KEPT = Keeping()
if __name__ == "__main__":  # before any framework is loaded, as its documentation says
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        transport=KEPT,
        integrations=[
            StarletteIntegration(),
            FastApiIntegration(),
            LitestarIntegration(),
            DjangoIntegration(),
        ],
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        shutdown_timeout=0,
    )

from django.test import override_settings
from starlette.applications import Starlette
from starlette.routing import Route

from adapters.asgi.server import ask
from adapters.django.stacks import STACKS
from adapters.starlette.catching import fastapi
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import Config, ServiceUnavailableError
from kaiko_middleware.upstream import Upstream
from kaiko_telemetry.sentry import sentry_tags
from observers import sentry_program as asked

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: list[dict[str, Any]] = []


class DownError(ServiceUnavailableError, code="billing_down"):
    """Billing is down."""


async def captured(_request: object) -> NoReturn:
    """Send an upstream's failure to Sentry, and raise it."""
    error = Upstream("billing").error_from_response(503, {}, b"")
    assert error is not None
    sentry_sdk.capture_exception(error)
    raise error


async def logged(_request: object) -> NoReturn:
    """Log a typed error with its traceback, which Sentry's logging integration sends."""
    error = DownError()
    logging.getLogger("shop").error("no billing", exc_info=error)
    raise error


async def noted(_request: object) -> NoReturn:
    """Send what has tags and a fingerprint of its own."""
    error = DownError()
    with sentry_sdk.new_scope() as opened:
        scope: Any = opened
        scope.set_tag("error.code", "mine")
        scope.fingerprint = ["mine"]
        sentry_sdk.capture_exception(error)
    raise error


def sending() -> Starlette:
    """Return an application that sends typed errors."""
    views = (captured, logged, noted)
    return Starlette(routes=[Route(f"/{view.__name__}", view) for view in views])


def keep(key: tuple[str, ...], work: Callable[..., Any], *arguments: Any) -> None:
    """Keep what Sentry would send of one request."""
    KEPT.events.clear()
    answer = work(*arguments)
    sentry_sdk.get_client().flush()
    sent = dict(answer.headers).get("X-Request-ID") or dict(answer.headers).get("x-request-id")
    ROWS.append({"key": key, "id": sent, "events": list(KEPT.events)})


def ask_all(name: str, **how: Any) -> None:
    """Ask every application, with these settings."""
    config = Config(**how)
    paths = ("/bug", "/group", "/stream", "/typed", "/returned")
    starlette = asked.ASGI["starlette-none"][0]
    for adopt in (asked.install, asked.add, asked.wrap):
        app = adopt(starlette(), config)
        for path in paths:
            keep((name, f"starlette-{adopt.__name__}", path), ask, app, path)
    app = asked.install(fastapi(), config)
    for path in ("/bug", "/typed"):
        keep((name, "fastapi", path), ask, app, path)
    app = asked.plug(None, config)
    for path in ("/bug", "/typed"):
        keep((name, "litestar", path), ask, app, path)
    app = asked.install(sending(), config)
    for path in ("/captured", "/logged", "/noted"):
        keep((name, "sending", path), ask, app, path)
    for path in ("/bug", "/typed"):
        outside = SentryAsgiMiddleware(asked.wrap(asked.plain, config))
        keep((name, "asgi-outside", path), ask, outside, path)
        inside = asked.wrap(SentryAsgiMiddleware(asked.plain), config)
        keep((name, "asgi-inside", path), ask, inside, path)
        served = SentryWsgiMiddleware(asked.wrap_wsgi(asked.plain_wsgi, config))
        keep((name, "wsgi-outside", path), ask_wsgi, served, path)
    names = (
        "django-bug",
        "django-async-bug",
        "django-typed",
        "django-later",
        "drf-bug",
        "ninja-bug",
    )
    for stack, project in product(STACKS, names):
        settings = asked.DJANGO[project].all_settings()
        with override_settings(**settings, KAIKO_MIDDLEWARE=how):
            keep((name, f"{stack.name}-{project}", ""), stack.ask_app, stack.make())


if __name__ == "__main__":
    logging.lastResort = None
    for reraise in (True, False):
        ask_all(f"without-{reraise}", reraise=reraise)
    hooks = [sentry_tags(), sentry_tags()]  # a second one changes nothing
    for reraise in (True, False):
        ask_all(f"with-{reraise}", reraise=reraise, on_error=hooks)
    json.dump(ROWS, sys.stdout)

"""What Sentry would send, with the toolkit and without, for `test_sentry.py`.

A program of its own: Sentry's integrations patch the frameworks for the life of a process. Prints
one JSON object: for each arrangement and request, the events and how many sessions crashed.
"""

from __future__ import annotations

import json
import logging
import sys
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.litestar import LitestarIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from sentry_sdk.transport import Transport


class Keeping(Transport):
    """Keeps what Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str, bool]] = []
        self.crashed = 0

    def capture_envelope(self, envelope: Any) -> None:
        """Keep an event's mechanism, and count crashed sessions."""
        for item in envelope.items:
            payload: Any = item.payload.json
            if item.type == "event":
                raised = payload["exception"]["values"][-1]
                mechanism = raised["mechanism"]
                self.events.append((raised["type"], mechanism["type"], mechanism["handled"]))
            elif item.type == "session":
                self.crashed += payload.get("status") == "crashed"
            elif item.type == "sessions":
                self.crashed += sum(each.get("crashed", 0) for each in payload["aggregates"])


KEPT = Keeping()
if __name__ == "__main__":  # before any framework is loaded, as its documentation says
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        transport=KEPT,
        release="1",
        auto_session_tracking=True,
        integrations=[
            StarletteIntegration(),
            FastApiIntegration(),
            LitestarIntegration(),
            DjangoIntegration(),
            FlaskIntegration(),
        ],
        auto_enabling_integrations=False,  # those of every library installed take seconds
        include_local_variables=False,  # half of the time
        include_source_context=False,
        shutdown_timeout=0,
    )

from django.test import override_settings
from starlette.applications import Starlette

import kaiko_fastapi
import kaiko_starlette
import kaiko_wsgi
from adapters.asgi.server import ask, connect
from adapters.django.row import araises, raises
from adapters.django.stacks import BARE, STACKS, Project
from adapters.django.test_streams import Streams
from adapters.drf.views import raising as drf_raising
from adapters.drf.views import validating
from adapters.flask.observed import BUGS as FLASK_BUGS
from adapters.flask.observed import NO_BUGS as FLASK_NO_BUGS
from adapters.flask.observed import make as flask_of
from adapters.litestar.observed import make as litestar_of
from adapters.ninja.apis import araising, project
from adapters.ninja.apis import raising as ninja_raising
from adapters.starlette.catching import Catching, CatchingBase, fastapi, starlette
from adapters.starlette.test_observers import MIDDLEWARE, make
from adapters.wsgi.server import ask_wsgi
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config, NotFoundError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from kaiko_asgi import Receive, Scope, Send


class BugError(Exception):
    """It has no mapping."""


def bare(app: Any, _config: Config) -> Any:
    """Leave the toolkit out."""
    return app


def install(app: Any, config: Config) -> Any:
    package: Any = kaiko_starlette if type(app) is Starlette else kaiko_fastapi
    package.install(app, config)
    return app


def add(app: Any, config: Config) -> Any:
    app.add_middleware(KaikoMiddleware, config=config)
    return app


def wrap(app: Any, config: Config) -> Any:
    return KaikoMiddleware(app, config)


def plug(_app: Any, config: Config) -> Any:
    return litestar_of(config)


def install_first(app: Any, config: Config) -> Any:
    """Add middleware that catches after `install`."""
    install(app, config)
    app.add_middleware(Catching)
    app.add_middleware(CatchingBase)
    return app


def wrap_wsgi(app: Any, config: Config) -> Any:
    return kaiko_wsgi.KaikoMiddleware(app, config)


def catching(maker: Callable[[], Starlette], cls: Any) -> Starlette:
    """Return an application with a middleware of the service's that catches."""
    app = maker()
    app.add_middleware(cls)
    return app


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail without a framework."""
    del receive, send
    raise NotFoundError("no") if scope["path"] == "/typed" else BugError("secret")


def plain_wsgi(environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
    """Fail without a framework."""
    raise NotFoundError("no") if environ["PATH_INFO"] == "/typed" else BugError("secret")


FLASK: dict[str, dict[str, Any]] = {
    "flask": {},
    "flask-propagating": {"PROPAGATE_EXCEPTIONS": True},
}
"""By name: Flask's settings."""
BUGS = ("/bug", "/sync", "/group", "/router/bug", "/mounted/bug", "/stream", "/cut")
FORESEEN = ("/typed", "/down", "/timeout", "/http", "/http-422", "/returned", "/nowhere", "/ok")
CATCHING = ("/bug", "/sold-out", "/typed")
LITESTAR = ("/bug", "/group", "/typed", "/down", "/timeout", "/http", "/number?n=x", "/nowhere")
ADOPTED: tuple[Callable[[Any, Config], Any], ...] = (bare, install, add, wrap)
ASGI: dict[str, tuple[Callable[[], Any], tuple[str, ...], Any]] = {
    **{f"starlette-{name}": (partial(make, name), BUGS + FORESEEN, ADOPTED) for name in MIDDLEWARE},
    "starlette-debug": (partial(make, debug=True), ("/bug", "/typed"), ADOPTED),
    "starlette-catching": (partial(catching, starlette, Catching), CATCHING, ADOPTED),
    "starlette-catching-base": (partial(catching, starlette, CatchingBase), CATCHING, ADOPTED),
    "starlette-catching-later": (starlette, CATCHING, (install_first,)),
    "fastapi": (fastapi, ("/bug", "/typed", "/timeout"), ADOPTED),
    "fastapi-catching": (partial(catching, fastapi, Catching), CATCHING, ADOPTED),
    "fastapi-catching-later": (fastapi, CATCHING, (install_first,)),
    "litestar": (partial(litestar_of, None), ("/bug", "/group"), (bare, wrap)),
    "litestar-plugin": (partial(litestar_of, None), LITESTAR, (bare, plug)),
    "asgi-inside": (lambda: SentryAsgiMiddleware(plain), ("/bug", "/typed"), (bare, wrap)),
}
"""By name: what makes an application, what is asked of it, and the ways to add the toolkit."""


def _asks(request: object, limit: int) -> int:
    del request
    return limit


def _ninjas_own(status: int) -> Callable[[], Exception]:
    from ninja.errors import HttpError  # Django is set up by now

    return lambda: HttpError(status, "no")


def _drfs_own(name: str) -> Callable[[], Exception]:
    from rest_framework import exceptions

    raised: Callable[[], Exception] = getattr(exceptions, name)
    return raised


def _bug() -> Exception:
    return BugError("secret")


def _typed() -> Exception:
    return NotFoundError("no")


DJANGO: dict[str, Project] = {
    "django-bug": Project(raises(_bug)),
    "django-async-bug": Project(araises(_bug)),
    "django-first": Project(Streams(_bug)),
    "django-later": Project(Streams(_bug, b"a")),
    "django-events": Project(Streams(_bug, b"data: 1\n\n", kind="text/event-stream")),
    "django-typed": Project(raises(_typed)),
    "django-async-typed": Project(araises(_typed)),
    "django-events-typed": Project(Streams(_typed, b"data: 1\n\n", kind="text/event-stream")),
    "drf-bug": drf_raising(_bug),
    "drf-group-bug": drf_raising(lambda: ExceptionGroup("g", [_bug()])),
    "drf-typed": drf_raising(_typed),
    "drf-down": drf_raising(ServiceUnavailableError),
    "drf-timeout": drf_raising(TimeoutError),
    "drf-own": drf_raising(_drfs_own("PermissionDenied")),
    "drf-own-500": drf_raising(_drfs_own("APIException")),
    "drf-validation": validating(),
    "ninja-bug": ninja_raising(_bug),
    "ninja-group-bug": ninja_raising(lambda: ExceptionGroup("g", [_bug()])),
    "ninja-async-bug": araising(_bug),
    "ninja-typed": ninja_raising(_typed),
    "ninja-async-typed": araising(_typed),
    "ninja-down": ninja_raising(ServiceUnavailableError),
    "ninja-timeout": ninja_raising(TimeoutError),
    "ninja-own": ninja_raising(_ninjas_own(403)),
    "ninja-own-500": ninja_raising(_ninjas_own(500)),
    "ninja-validation": project(_asks),
}


def ask_asgi() -> None:
    """Ask every application of ASGI's, and one that Sentry's middleware is around."""
    for name, (maker, paths, ways) in ASGI.items():
        for adopt, kept in product(ways, (False, True)):
            if adopt is bare and kept:
                continue
            app = adopt(maker(), Config(reraise=not kept))
            for path in paths:
                # Sentry takes five seconds over this group and loses it, without us as well.
                if (name, path) != ("starlette-several", "/group"):
                    keep((name, adopt, kept, path), ask, app, path)
            if name in {"starlette-none", "litestar-plugin"}:
                keep((name, adopt, kept, "/ws"), connect, app, "/ws")
    for kept, path, adopt in product((False, True), ("/bug", "/typed"), (bare, wrap)):
        app = SentryAsgiMiddleware(adopt(plain, Config(reraise=not kept)))
        keep(("asgi-outside", adopt, kept, path), ask, app, path)


def ask_wsgi_and_django() -> None:
    """Ask Django, DRF and Ninja on every stack, and applications of WSGI's."""
    for kept, stack, name, ours in product((False, True), STACKS, DJANGO, (True, False)):
        if not ours and (kept or stack.wrapped or not name.startswith("django")):
            continue
        settings = DJANGO[name].all_settings(ours=ours)
        with override_settings(**settings, KAIKO_MIDDLEWARE={"reraise": not kept}):
            app = stack.make() if ours else BARE[stack.asgi]()
            served = stack.name.removesuffix("-wrapped")
            keep(
                (f"{served}-{name}", install if ours else bare, kept, stack.name),
                stack.ask_app,
                app,
            )
    for kept, path, adopt in product((False, True), ("/bug", "/typed"), (bare, wrap_wsgi)):
        config = Config(reraise=not kept)
        inside = adopt(SentryWsgiMiddleware(plain_wsgi), config)
        keep(("wsgi-inside", adopt, kept, path), ask_wsgi, inside, path)
        outside = SentryWsgiMiddleware(adopt(plain_wsgi, config))
        keep(("wsgi-outside", adopt, kept, path), ask_wsgi, outside, path)


def ask_flask() -> None:
    """Ask applications of Flask's."""
    for (name, settings), path in product(FLASK.items(), (*FLASK_BUGS, *FLASK_NO_BUGS)):
        keep((name, bare, False, path), ask_wsgi, flask_of(**settings), path)
        for kept, before in product((False, True), (False, True)):
            app = flask_of(Config(reraise=not kept), before=before, **settings)
            keep((name, install, kept, path), ask_wsgi, app, path)


ROWS: list[dict[str, Any]] = []


def keep(key: tuple[str, Any, bool, str], work: Callable[..., object], *arguments: Any) -> None:
    """Keep what Sentry would send of one request."""
    KEPT.events.clear()
    KEPT.crashed = 0
    work(*arguments)
    sentry_sdk.get_client().flush()
    app, adopt, kept, path = key
    row = {"app": app, "adopt": adopt.__name__, "kept": kept, "path": path}
    ROWS.append({**row, "events": list(KEPT.events), "crashed": KEPT.crashed})


if __name__ == "__main__":
    logging.lastResort = None
    ask_asgi()
    ask_wsgi_and_django()
    ask_flask()
    json.dump(ROWS, sys.stdout)

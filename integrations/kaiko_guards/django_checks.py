"""System checks of the guards: whether they run at all, and in the right place.

| Id | What is wrong |
|---|---|
| kaiko_guards.E001 | the middleware is listed more than once |
| kaiko_guards.E002 | a cache is before it |
| kaiko_guards.W003 | CORS middleware is after it |
| kaiko_guards.W004 | middleware that reads bodies is before it |
| kaiko_guards.E005 | the setting `KAIKO_GUARDS` is wrong |
| kaiko_guards.E006 | the setting has guards, and the middleware is not in `MIDDLEWARE` |
| kaiko_guards.W007 | the middleware is in `MIDDLEWARE`, and the setting has no guards |
| kaiko_guards.W008 | the keys' verifier cannot run on an event loop, and the project is on ASGI |

That it is after the envelope middleware, `kaiko_django` checks (`kaiko.W003`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.utils.module_loading import import_string

from kaiko_guards._verdicts import needs_thread
from kaiko_guards.django import SETTING, current_guards
from kaiko_middleware import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_guards._chain import Guards

__all__ = ["check_guards", "check_order", "check_verifier", "register_checks"]

_PATH = "kaiko_guards.django.GuardMiddleware"
_CACHES = ("django.middleware.cache.", "wagtailcache.")
_CORS = "corsheaders.middleware."
_READERS = ("silk.", "request_logging.", "requestlogs.", "drf_api_logger.")


def register_checks() -> None:
    """Register all checks; the application's `ready` does this."""
    register(check_order, "kaiko")
    register(check_guards, "kaiko")
    register(check_verifier, "kaiko")


def check_order(**_kwargs: object) -> list[CheckMessage]:
    """Check the place of the middleware among the others."""
    listed = list(settings.MIDDLEWARE)
    return list(_misplaced(listed, listed.index(_PATH))) if _PATH in listed else []


def _misplaced(listed: list[str], place: int) -> Iterator[CheckMessage]:
    if listed.count(_PATH) > 1:
        yield Error(
            f"{_PATH} is in MIDDLEWARE {listed.count(_PATH)} times: each counts a request.",
            hint="Name it once.",
            id="kaiko_guards.E001",
        )
    for path in listed[:place]:
        if path.startswith(_CACHES):
            yield Error(
                f"{path} is before {_PATH}: it answers requests that no guard saw.",
                hint=f'Write MIDDLEWARE = [..., "{_PATH}", "{path}", ...].',
                id="kaiko_guards.E002",
            )
        elif path.startswith(_READERS):
            yield Warning(
                f"{path} is before {_PATH}: it reads a body before its size is looked at.",
                hint=f'Write MIDDLEWARE = [..., "{_PATH}", "{path}", ...].',
                id="kaiko_guards.W004",
            )
    for path in listed[place:]:
        if path.startswith(_CORS):
            yield Warning(
                f"{path} is after {_PATH}: no script in a browser can read what a guard refuses.",
                hint=f'Write MIDDLEWARE = [..., "{path}", "{_PATH}", ...].',
                id="kaiko_guards.W003",
            )


def check_guards(**_kwargs: object) -> list[CheckMessage]:
    """Check the setting `KAIKO_GUARDS`, and that what it names runs."""
    try:
        guards = current_guards().guards
    except ConfigError as exc:
        return [Error(str(exc), hint="Correct that key.", id="kaiko_guards.E005")]
    if _PATH in settings.MIDDLEWARE:
        if _has_others(guards) or guards.keys is not None:
            return []
        return [
            Warning(
                f"{_PATH} has nothing to run.",
                hint=f'Write {SETTING} = {{"guards": [...]}}.',
                id="kaiko_guards.W007",
            )
        ]
    # Keys alone may be for an authentication class of Django REST framework.
    if not _has_others(guards):
        return []
    return [
        Error(
            f"{_PATH} is not in MIDDLEWARE, so the guards of {SETTING} do not run.",
            hint=f'Write MIDDLEWARE = ["kaiko_django.KaikoMiddleware", "{_PATH}", ...].',
            id="kaiko_guards.E006",
        )
    ]


def _has_others(guards: Guards) -> bool:
    """Whether there is a guard besides the keys."""
    return bool(guards.limits) or guards.size is not None or guards.deadline is not None


def check_verifier(**_kwargs: object) -> list[CheckMessage]:
    """Check that the keys' verifier can run where the middleware will: on an event loop."""
    try:
        keys = current_guards().guards.keys
    except ConfigError:
        return []  # which `check_guards` tells
    if keys is None or not needs_thread(keys.verifier) or not _runs_on_loop():
        return []
    return [
        Warning(
            f"The verifier of {SETTING} cannot run on an event loop, where {_PATH} is.",
            hint="Take AsyncCachedKeys(AsyncModelKeys()) for CachedKeys(ModelKeys()).",
            id="kaiko_guards.W008",
        )
    ]


def _runs_on_loop() -> bool:
    """Whether Django will certainly run the middleware on an event loop.

    The settings have only ASGI, and the next of the middleware inside that is not for both kinds
    of stack is for an asynchronous one (`BaseHandler.load_middleware`).
    """
    listed = list(settings.MIDDLEWARE)
    if settings.WSGI_APPLICATION or not getattr(settings, "ASGI_APPLICATION", None):
        return False
    if _PATH not in listed:
        return False
    for path in listed[listed.index(_PATH) + 1 :]:
        try:
            middleware = import_string(path)
        except ImportError:
            return False  # which Django tells
        is_async = getattr(middleware, "async_capable", False)
        if not (is_async and getattr(middleware, "sync_capable", True)):
            return bool(is_async)
    return True

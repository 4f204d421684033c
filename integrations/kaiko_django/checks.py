"""System checks, so that `manage.py check` says what to write before a request fails.

| Id | What is wrong |
|---|---|
| kaiko.E001 | the middleware is not in `MIDDLEWARE` |
| kaiko.E002 | middleware is before it, some of it Django's own |
| kaiko.W003 | middleware of others is before it that is not known to observe only |
| kaiko.E004 | it is listed more than once |
| kaiko.E005 | the setting `KAIKO_MIDDLEWARE` is wrong |
| kaiko.W006 | with `--deploy`: the server does not load our application wrapper |
| kaiko.W007 | pages, or what has errors of its own, beside the API, and `paths` is not set |

`missing_apps` has two more, which need no application to be installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from kaiko_django.conf import SETTING, load_config
from kaiko_django.middleware import KaikoMiddleware
from kaiko_django.neighbours import CHECK, neighbours
from kaiko_django.wsgi import WSGIWrapper
from kaiko_middleware import ConfigError
from kaiko_middleware.neighbours import neighbour_note

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "check_application",
    "check_middleware",
    "check_neighbours",
    "check_settings",
    "register_checks",
]

_PATH = "kaiko_django.KaikoMiddleware"
_MOST_LAYERS = 64
# What only looks on, and wants to look on from outside.
_OBSERVERS = (
    "opentelemetry.",
    "django_prometheus.",
    "sentry_sdk.",
    "ddtrace.",
    "elasticapm.",
    "newrelic.",
)


def register_checks() -> None:
    """Register all checks; the application's `ready` does this."""
    register(check_middleware, "kaiko")
    register(check_settings, "kaiko")
    register(check_application, "kaiko", Tags.security, deploy=True)
    register(check_neighbours, "kaiko")


def check_middleware(**_kwargs: object) -> list[CheckMessage]:
    """Check that the middleware is in `MIDDLEWARE`, once, and first."""
    listed = list(settings.MIDDLEWARE)
    ours = [index for index, path in enumerate(listed) if _is_ours(path)]
    if not ours:
        return [
            Error(
                f"{_PATH} is not in MIDDLEWARE, so no error answer is an envelope.",
                hint=f'Write MIDDLEWARE = ["{_PATH}", ...], with it first.',
                id="kaiko.E001",
            )
        ]
    found = list(_before(listed[: ours[0]]))
    if len(ours) > 1:
        found.append(
            Error(
                f"{_PATH} is in MIDDLEWARE {len(ours)} times; it belongs there once.",
                hint=f'Remove "{listed[ours[-1]]}" at position {ours[-1] + 1}.',
                id="kaiko.E004",
            )
        )
    return found


def _before(listed: list[str]) -> Iterator[CheckMessage]:
    """Yield one message about all that is before ours, or none."""
    paths = [path for path in listed if not path.startswith(_OBSERVERS)]
    if not paths:
        return
    first, *more = sorted(paths, key=lambda path: not path.startswith("django."))
    others = f" and {len(more)} more are" if more else " is"
    hint = f'Write MIDDLEWARE = ["{_PATH}", "{paths[0]}", ...]: ours before it.'
    if first.startswith("django."):
        yield Error(
            f"{first}{others} before {_PATH}: what is refused there is no envelope.",
            hint=hint,
            id="kaiko.E002",
        )
    else:
        yield checks.Warning(
            f"{first}{others} before {_PATH}: if a request is refused there, that is no envelope.",
            hint=f'{hint} If it never answers, add "kaiko.W003" to SILENCED_SYSTEM_CHECKS.',
            id="kaiko.W003",
        )


def check_settings(**_kwargs: object) -> list[CheckMessage]:
    """Check the setting `KAIKO_MIDDLEWARE`."""
    try:
        load_config()
    except ConfigError as exc:
        return [
            Error(
                str(exc),
                hint=f"Correct that key of {SETTING}, or remove it for its default.",
                id="kaiko.E005",
            )
        ]
    return []


def check_application(**_kwargs: object) -> list[CheckMessage]:
    """Check that `WSGI_APPLICATION` is wrapped, as far as the settings tell."""
    path: object = settings.WSGI_APPLICATION
    if not isinstance(path, str):
        return []
    try:
        application: object = import_string(path)
    except Exception:  # noqa: BLE001 - a wsgi.py may fail in any way, and runserver says how
        return []
    if any(isinstance(layer, WSGIWrapper) for layer in _layers(application)):
        return []
    module, _, name = path.rpartition(".")
    return [
        checks.Warning(
            f"{path} is not wrapped: what fails outside of MIDDLEWARE is answered by the server.",
            hint=(
                f"Write in {module}: from kaiko_django import get_wsgi_application; "
                f"{name} = get_wsgi_application()"
            ),
            id="kaiko.W006",
        )
    ]


def check_neighbours(**_kwargs: object) -> list[CheckMessage]:
    """Check that `paths` is set where other error answers than an API's are made."""
    try:
        names = neighbours(load_config())
    except ConfigError:
        return []  # which check_settings says
    if not names:
        return []
    return [
        checks.Warning(
            f"{neighbour_note(names)}.",
            hint=(
                f'Write {SETTING} = {{"paths": ["/api"]}}. If envelopes are what you want, '
                f'add "{CHECK}" to SILENCED_SYSTEM_CHECKS.'
            ),
            id=CHECK,
        )
    ]


def _layers(application: object) -> Iterator[object]:
    """Yield an application and what it wraps, which may be itself."""
    for _ in range(_MOST_LAYERS):
        if application is None:
            return
        yield application
        inner: object = getattr(application, "app", None)
        application = getattr(application, "application", None) if inner is None else inner


def _is_ours(path: str) -> bool:
    try:
        return import_string(path) is KaikoMiddleware
    except ImportError:
        return False  # Django says so itself, and better

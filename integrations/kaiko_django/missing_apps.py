"""Finds an application of ours that the project uses, but does not have in INSTALLED_APPS.

Such an application cannot say so itself, since it is not loaded. The middleware does: its module
registers the check, and it logs the same when Django loads it, for processes that run no checks.

| Id | What is wrong |
|---|---|
| kaiko.W008 | `kaiko_django` is not in `INSTALLED_APPS`, and its middleware is in `MIDDLEWARE` |
| kaiko.W009 | `kaiko_drf` is not, and `REST_FRAMEWORK` names its exception handler |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from django.apps import apps
from django.conf import settings
from django.core import checks

from kaiko_django.notes import note_once

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_apps", "note_missing_apps"]


class _Missing(NamedTuple):
    app: str
    lost: str
    check: str

    @property
    def text(self) -> str:
        return f"{self.app} is not in INSTALLED_APPS, so {self.lost}"


_DJANGO = _Missing("kaiko_django", "its system checks do not run", "kaiko.W008")
_DRF = _Missing(
    "kaiko_drf",
    "Response(serializer.errors, status=400) does not say which field is to blame",
    "kaiko.W009",
)


def check_apps(**_kwargs: object) -> list[checks.CheckMessage]:
    """Check that INSTALLED_APPS has what MIDDLEWARE and REST_FRAMEWORK name."""
    listed = any(path.startswith("kaiko_django.") for path in settings.MIDDLEWARE)
    return [
        checks.Warning(
            f"{each.text}.", hint=f'Write INSTALLED_APPS = ["{each.app}", ...].', id=each.check
        )
        for each in _missing(listed=listed)
    ]


def note_missing_apps() -> None:
    """Log what the check says; the middleware calls this when Django loads it."""
    for each in _missing(listed=True):
        note_once(each.text, each.check)


def _missing(*, listed: bool) -> Iterator[_Missing]:
    if not apps.ready:  # a middleware that is made by hand needs no applications
        return
    if listed and not apps.is_installed(_DJANGO.app):
        yield _DJANGO
    framework: object = getattr(settings, "REST_FRAMEWORK", None)
    if isinstance(framework, Mapping):
        given = cast("Mapping[str, object]", framework)  # of anything
        handler = given.get("EXCEPTION_HANDLER")
        path = handler if isinstance(handler, str) else getattr(handler, "__module__", "")
        if f"{path}.".startswith("kaiko_drf.") and not apps.is_installed(_DRF.app):
            yield _DRF


checks.register(check_apps, "kaiko")

"""An admin site or a CMS beside the API: the check and the log say what to set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from kaiko_django import notes
from kaiko_django.checks import check_neighbours
from kaiko_middleware.neighbours import name_neighbours
from support_django import setup_django

if TYPE_CHECKING:
    from collections.abc import Iterator

setup_django()

ADMIN = "django.contrib.admin"
TEXT = "Error answers of Django's admin become envelopes: set `paths` to your API's prefix"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test is a process that has noted nothing yet."""
    notes._log.cache_clear()
    yield
    notes._log.cache_clear()


def beside(*installed: str, **changed: Any) -> override_settings:
    """Install applications beside the project's, with some of its settings changed."""
    apps = [*settings.INSTALLED_APPS, *installed]
    return override_settings(INSTALLED_APPS=apps, **changed)


def test_an_admin_site_needs_paths() -> None:
    """The check says what becomes of its pages, and what to write."""
    with beside(ADMIN):
        (warning,) = check_neighbours()
    assert (warning.id, warning.msg, warning.is_serious()) == ("kaiko.W007", f"{TEXT}.", False)
    assert 'KAIKO_MIDDLEWARE = {"paths": ["/api"]}' in (warning.hint or "")


def test_what_has_errors_of_its_own_needs_paths() -> None:
    """The clients of these packages read more from an error than an envelope has."""
    apps = ["allauth", "allauth.headless", "health_check.contrib.redis", "oauth2_provider"]
    assert name_neighbours(apps) == [
        "Django OAuth Toolkit's pages",
        "django-allauth's headless API",
        "django-health-check",
    ]
    assert name_neighbours(["allauth", "allauth.account"]) == []


@pytest.mark.parametrize(
    "config",
    [
        {"paths": ["/api"]},
        {"exclude_paths": ["/admin"]},
        {"rewrite_answers": False},
        {"challenge": ""},
    ],
    ids=lambda config: next(iter(config)),
)
def test_where_paths_are_set_nothing_is_said(config: dict[str, object]) -> None:
    """Nor where nothing is rewritten, or the setting is wrong, which another check says."""
    with beside(ADMIN, KAIKO_MIDDLEWARE=config):
        assert check_neighbours() == []


def test_without_a_neighbour_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """The project of the tests has none."""
    assert check_neighbours() == []
    WSGIHandler()
    assert not caplog.records


def test_the_log_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """A process that serves runs no checks, and may load its middleware again."""
    with beside(ADMIN):
        WSGIHandler()
        WSGIHandler()
    [record] = caplog.records
    assert (record.name, record.levelname) == ("kaiko", "WARNING")
    assert record.getMessage() == f"{TEXT} (kaiko.W007)"


def test_who_silences_the_check_silences_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Envelopes may be what is wanted."""
    with beside(ADMIN, SILENCED_SYSTEM_CHECKS=["kaiko.W007"]):
        WSGIHandler()
    assert not caplog.records

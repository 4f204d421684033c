"""The middleware without its application: a check and the log say what to write."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks import run_checks
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import override_settings

from kaiko_django import KaikoMiddleware, notes
from kaiko_django.missing_apps import check_apps
from support_django import setup_django

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

setup_django()

OURS = "kaiko_django.KaikoMiddleware"
DJANGO = "kaiko_django is not in INSTALLED_APPS, so its system checks do not run"
DRF = (
    "kaiko_drf is not in INSTALLED_APPS, so Response(serializer.errors, status=400) does not say "
    "which field is to blame"
)
HANDLER = "kaiko_drf.exception_handler"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test is a process that has noted nothing yet."""
    notes._log.cache_clear()
    yield
    notes._log.cache_clear()


def without(*missing: str, handler: object = HANDLER, **changed: Any) -> override_settings:
    """Remove applications of ours from the project."""
    installed = [app for app in settings.INSTALLED_APPS if app not in missing]
    framework = {"EXCEPTION_HANDLER": handler}
    return override_settings(INSTALLED_APPS=installed, REST_FRAMEWORK=framework, **changed)


def test_all_is_in_place(caplog: pytest.LogCaptureFixture) -> None:
    """The project of the tests has both applications."""
    with without(MIDDLEWARE=[OURS]):
        assert check_apps() == []
        WSGIHandler()
    assert not caplog.records


def test_without_kaiko_django() -> None:
    """The check is there without the application, since the middleware's module registers it."""
    with without("kaiko_django", MIDDLEWARE=[OURS]):
        (warning,) = check_apps()
        found = {message.id for message in run_checks(tags=["kaiko"])}
    assert (warning.id, warning.msg, warning.is_serious()) == ("kaiko.W008", f"{DJANGO}.", False)
    assert warning.hint == 'Write INSTALLED_APPS = ["kaiko_django", ...].'
    assert "kaiko.W008" in found


def test_without_the_middleware_there_is_nothing_to_say() -> None:
    """Another package of ours may be all that is used."""
    with without("kaiko_django", MIDDLEWARE=[]):
        assert check_apps() == []


@pytest.mark.parametrize("form", ["path", "function"])
def test_without_kaiko_drf(form: str) -> None:
    """The settings name its exception handler, as a path or as the function itself."""
    from kaiko_drf import exception_handler

    handler = HANDLER if form == "path" else exception_handler
    with without("kaiko_drf", handler=handler, MIDDLEWARE=[OURS]):
        (warning,) = check_apps()
    assert (warning.id, warning.msg, warning.is_serious()) == ("kaiko.W009", f"{DRF}.", False)
    assert warning.hint == 'Write INSTALLED_APPS = ["kaiko_drf", ...].'


@pytest.mark.parametrize("handler", ["kaiko_drf_like.handler", "rest_framework.views.x", None, 5])
def test_another_handler_needs_no_kaiko_drf(handler: object) -> None:
    """Nor does a project without DRF's settings."""
    with without("kaiko_drf", handler=handler, MIDDLEWARE=[OURS]):
        assert check_apps() == []
    with without("kaiko_drf"), override_settings(REST_FRAMEWORK=None):
        assert check_apps() == []


def test_the_log_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """A process that serves runs no checks, and may load its middleware again."""
    with without("kaiko_django", "kaiko_drf", MIDDLEWARE=[OURS]):
        WSGIHandler()
        WSGIHandler()
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("kaiko", "WARNING"),
        ("kaiko", "WARNING"),
    ]
    assert [record.getMessage() for record in caplog.records] == [
        f"{DJANGO} (kaiko.W008)",
        f"{DRF} (kaiko.W009)",
    ]


def test_who_silences_the_check_silences_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The checks may be unwanted."""
    silenced = ["kaiko.W008", "kaiko.W009"]
    with without("kaiko_django", "kaiko_drf", SILENCED_SYSTEM_CHECKS=silenced, MIDDLEWARE=[OURS]):
        WSGIHandler()
    assert not caplog.records


def test_before_the_applications_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A middleware that is made by hand needs no applications."""
    with without("kaiko_django"), monkeypatch.context() as patch:
        patch.setattr(apps, "ready", False)
        assert callable(KaikoMiddleware(lambda _request: HttpResponse()))


def test_a_project_whose_settings_import_ours_is_told_by_manage_py(tmp_path: Path) -> None:
    """`Settings` types the setting, and its import registers the check in time."""
    (tmp_path / "project_settings.py").write_text(
        "from kaiko_django import Settings\n"
        "SECRET_KEY = 'x'\n"
        "ROOT_URLCONF = 'project_settings'\n"
        "urlpatterns = []\n"
        f"MIDDLEWARE = ['{OURS}']\n"
        "KAIKO_MIDDLEWARE: Settings = {'paths': ['/v2']}\n"
    )
    command = [sys.executable, "-m", "django", "check", "--settings", "project_settings"]
    command += ["--pythonpath", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"(kaiko.W008) {DJANGO}." in ran.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (WSGIHandler, "django.WSGIHandler"),
        (lambda: None, "None"),
        (lambda: "kaiko_django.KaikoMiddleware", "the string 'kaiko_django.KaikoMiddleware'"),
    ],
    ids=["application", "nothing", "string"],
)
def test_the_middleware_refuses_a_whole_application(wrong: Any, said: str) -> None:
    """In `wsgi.py` another function of ours belongs around it."""
    with pytest.raises(TypeError) as refused:
        KaikoMiddleware(wrong())
    assert str(refused.value) == (
        "kaiko_django.KaikoMiddleware goes into MIDDLEWARE, and takes Django's get_response, not "
        f"{said}: for a whole project, use kaiko_django.get_wsgi_application or "
        "get_asgi_application"
    )

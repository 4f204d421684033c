"""System checks: what is wrong, and exactly what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import registry, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application as plain
from django.test import override_settings

from adapters.django.stacks import OURS
from kaiko_django import get_wsgi_application
from kaiko_django.checks import check_application, check_middleware, check_settings

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

COMMON = "django.middleware.common.CommonMiddleware"
CORS = "corsheaders.middleware.CorsMiddleware"
OTEL = "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"


def middleware(*listed: str) -> list[CheckMessage]:
    """Return what the check says of a list."""
    with override_settings(MIDDLEWARE=list(listed)):
        return check_middleware()


@pytest.mark.parametrize(
    "listed",
    [
        [OURS],
        [OURS, COMMON, CORS],
        [OTEL, OURS],
        ["django_prometheus.middleware.PrometheusBeforeMiddleware", OURS],
        ["kaiko_django.middleware.KaikoMiddleware"],
        [OURS, "nowhere.at.all"],
    ],
    ids=["alone", "first", "behind tracing", "behind metrics", "its module's path", "unknown"],
)
def test_all_is_well(listed: list[str]) -> None:
    """First, or behind what only looks on."""
    assert middleware(*listed) == []


def test_missing() -> None:
    """Without the middleware there are no envelopes."""
    (error,) = middleware(COMMON)
    assert (error.id, error.is_serious()) == ("kaiko.E001", True)
    assert error.hint == f'Write MIDDLEWARE = ["{OURS}", ...], with it first.'


def test_behind_djangos() -> None:
    """Behind a middleware that refuses requests itself."""
    (error,) = middleware(COMMON, OURS)
    assert (error.id, error.is_serious()) == ("kaiko.E002", True)
    assert error.hint == f'Write MIDDLEWARE = ["{OURS}", "{COMMON}", ...]: ours before it.'


def test_behind_several() -> None:
    """One misplaced middleware is one message, whatever is before it."""
    (error,) = middleware(OTEL, CORS, COMMON, "django.middleware.csrf.CsrfViewMiddleware", OURS)
    assert error.id == "kaiko.E002"
    assert error.msg == (
        f"{COMMON} and 2 more are before {OURS}: what is refused there is no envelope."
    )
    assert error.hint == f'Write MIDDLEWARE = ["{OURS}", "{CORS}", ...]: ours before it.'


def test_behind_anothers() -> None:
    """Behind one that nothing is known of: a warning."""
    (warning,) = middleware(CORS, OURS)
    assert (warning.id, warning.is_serious()) == ("kaiko.W003", False)
    assert f'"{OURS}", "{CORS}"' in (warning.hint or "")
    assert "SILENCED_SYSTEM_CHECKS" in (warning.hint or "")


def test_twice() -> None:
    """Listed more than once, by whatever path."""
    (error,) = middleware(OURS, COMMON, "kaiko_django.middleware.KaikoMiddleware")
    assert error.id == "kaiko.E004"
    assert error.hint == 'Remove "kaiko_django.middleware.KaikoMiddleware" at position 3.'


def test_wrong_setting() -> None:
    """A wrong setting is one line that names key, value and what is allowed."""
    assert check_settings() == []
    with override_settings(KAIKO_MIDDLEWARE={"trust_request_id": "yes"}):
        (error,) = check_settings()
    assert (error.id, error.is_serious()) == ("kaiko.E005", True)
    assert error.msg == (
        "KAIKO_MIDDLEWARE: trust_request_id: 'yes' is not allowed; it must be True or False"
    )


class Outside:
    """A WSGI middleware around an application."""

    def __init__(self, application: Any) -> None:
        self.application = application


class Itself:
    """What it wraps is itself."""

    @property
    def app(self) -> Itself:
        """Itself."""
        return self


wrapped = get_wsgi_application()
inside = Outside(wrapped)
bare = plain()
bare_inside = Outside(bare)
inside_of_itself = Itself()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrapped", []),
        ("inside", []),
        ("bare", ["kaiko.W006"]),
        ("bare_inside", ["kaiko.W006"]),
        ("inside_of_itself", ["kaiko.W006"]),
        ("missing", []),
        (None, []),
    ],
)
def test_application(name: str | None, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a deployment: that the server loads the wrapper, as far as the settings tell."""
    import sys

    monkeypatch.setitem(sys.modules, "project_wsgi", sys.modules[__name__])
    path = None if name is None else f"project_wsgi.{name}"
    with override_settings(WSGI_APPLICATION=path):
        found = check_application()
    assert [message.id for message in found] == said
    for message in found:
        assert message.hint == (
            "Write in project_wsgi: from kaiko_django import get_wsgi_application; "
            f"{name} = get_wsgi_application()"
        )


def test_checks_are_registered() -> None:
    """`manage.py check` runs them."""
    assert {"kaiko"} <= registry.registry.tags_available()
    with override_settings(MIDDLEWARE=[]):
        assert "kaiko.E001" in {message.id for message in run_checks(tags=["kaiko"])}
        with pytest.raises(SystemCheckError, match=r"kaiko\.E001"):
            call_command("check")
    with override_settings(WSGI_APPLICATION="django.core.wsgi.get_wsgi_application"):
        deployed = run_checks(tags=["kaiko"], include_deployment_checks=True)
    assert "kaiko.W006" in {message.id for message in deployed}

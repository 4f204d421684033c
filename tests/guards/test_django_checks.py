"""System checks: a guard that does not run, or runs in a wrong place, is found by `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django.utils.decorators import async_only_middleware

from guards.test_asgi import Keys
from kaiko_django.checks import check_middleware
from kaiko_guards import ApiKeys, BodyLimit, Deadline, RateLimit
from kaiko_guards.django_checks import check_guards, check_order, check_verifier

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

ENVELOPE = "kaiko_django.KaikoMiddleware"
GUARDS = "kaiko_guards.django.GuardMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
CORS = "corsheaders.middleware.CorsMiddleware"
CACHE = "django.middleware.cache.FetchFromCacheMiddleware"
SILK = "silk.middleware.SilkyMiddleware"


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([ENVELOPE, GUARDS], []),
        ([ENVELOPE, CORS, GUARDS, COMMON, CACHE, SILK], []),
        ([ENVELOPE, COMMON], []),
        ([ENVELOPE, GUARDS, COMMON, GUARDS], ["E001"]),
        ([ENVELOPE, CACHE, GUARDS], ["E002"]),
        ([ENVELOPE, GUARDS, CORS], ["W003"]),
        ([ENVELOPE, SILK, GUARDS], ["W004"]),
        ([ENVELOPE, SILK, CACHE, GUARDS, CORS], ["W004", "E002", "W003"]),
    ],
)
def test_the_place_in_the_list(listed: list[str], found: list[str]) -> None:
    """After CORS, and before what answers from a cache or reads a body."""
    with override_settings(MIDDLEWARE=listed):
        messages = check_order()
    assert [message.id for message in messages] == [f"kaiko_guards.{each}" for each in found]
    assert all(message.hint for message in messages)


def test_before_the_envelope_middleware() -> None:
    """What is refused there is an envelope, with an id that nothing else has."""
    with override_settings(MIDDLEWARE=[GUARDS, ENVELOPE]):
        (message,) = check_middleware()
    assert message.id == "kaiko.W003"


def _guards(listed: list[str], setting: Any) -> list[CheckMessage]:
    with override_settings(MIDDLEWARE=listed, KAIKO_GUARDS=setting):
        return check_guards()


@pytest.mark.parametrize("guard", [Deadline(), BodyLimit(9), RateLimit("1/second"), None])
def test_guards_that_run(guard: Any) -> None:
    """One is enough."""
    guards = [ApiKeys(Keys())] if guard is None else [guard]
    assert _guards([ENVELOPE, GUARDS], {"guards": guards}) == []


@pytest.mark.parametrize("guard", [Deadline(), BodyLimit(9), RateLimit("1/second")])
def test_guards_that_do_not_run(guard: Any) -> None:
    """An open door is an error."""
    (message,) = _guards([ENVELOPE], {"guards": [guard]})
    assert (message.id, message.is_serious()) == ("kaiko_guards.E006", True)


def test_keys_for_an_authentication_class_need_no_middleware() -> None:
    """Nor does a project without guards."""
    assert _guards([ENVELOPE], {"guards": [ApiKeys(Keys())]}) == []
    assert _guards([ENVELOPE], {}) == []


def test_a_middleware_without_guards() -> None:
    """Is probably a setting that was forgotten."""
    (message,) = _guards([ENVELOPE, GUARDS], {})
    assert message.id == "kaiko_guards.W007"


def test_a_wrong_setting() -> None:
    """With the message that the service would fail with."""
    (message,) = _guards([ENVELOPE, GUARDS], {"guard": []})
    assert message.id == "kaiko_guards.E005"
    assert message.msg.startswith("KAIKO_GUARDS: 'guard'")


class Threaded(Keys):
    """No event loop can call it."""

    needs_thread = True


@async_only_middleware
def async_only(get_response: Any) -> Any:
    """Middleware for an asynchronous stack alone."""
    return get_response


def sync_only(get_response: Any) -> Any:
    """Middleware for a synchronous stack alone, as Django takes any that says nothing."""
    return get_response


ASYNC_ONLY, SYNC_ONLY = (f"guards.test_django_checks.{name}_only" for name in ("async", "sync"))


@pytest.mark.parametrize(
    ("listed", "others", "told"),
    [
        ([ENVELOPE, GUARDS, COMMON], {}, ["kaiko_guards.W008"]),
        ([SYNC_ONLY, GUARDS, COMMON, ASYNC_ONLY, SYNC_ONLY], {}, ["kaiko_guards.W008"]),
        ([ENVELOPE, GUARDS, COMMON, SYNC_ONLY, ASYNC_ONLY], {}, []),
        ([ENVELOPE, GUARDS, "no.such.Middleware"], {}, []),
        ([ENVELOPE, COMMON], {}, []),
        ([ENVELOPE, GUARDS], {"WSGI_APPLICATION": "shop.wsgi.application"}, []),
        ([ENVELOPE, GUARDS], {"ASGI_APPLICATION": None}, []),
        ([ENVELOPE, GUARDS], {"KAIKO_GUARDS": {"guards": [ApiKeys(Keys())]}}, []),
        ([ENVELOPE, GUARDS], {"KAIKO_GUARDS": {"guards": [Deadline()]}}, []),
        ([ENVELOPE, GUARDS], {"KAIKO_GUARDS": {"guard": []}}, []),
    ],
)
def test_a_verifier_that_cannot_run_on_asgi(
    listed: list[str], others: dict[str, Any], told: list[str]
) -> None:
    """It is told only where the settings leave no doubt."""
    project: dict[str, Any] = {
        "ASGI_APPLICATION": "shop.asgi.application",
        "WSGI_APPLICATION": None,
        "KAIKO_GUARDS": {"guards": [ApiKeys(Threaded())]},
        **others,
    }
    with override_settings(MIDDLEWARE=listed, **project):
        messages = check_verifier()
    assert [message.id for message in messages] == told


def test_the_application_registers_them() -> None:
    """It is enough to install it."""
    with override_settings(MIDDLEWARE=[ENVELOPE, GUARDS, CORS], KAIKO_GUARDS={}):
        found = {message.id for message in run_checks(tags=["kaiko"])}
    assert {"kaiko_guards.W003", "kaiko_guards.W007"} <= found

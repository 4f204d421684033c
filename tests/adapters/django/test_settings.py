"""The setting `KAIKO_MIDDLEWARE`: read once, checked, and read again when a test changes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client, override_settings

from adapters.django.row import raises
from adapters.django.stacks import STACKS, Project
from adapters.django.support import bug, fine
from kaiko_django import KaikoMiddleware, Settings, get_asgi_application, get_wsgi_application
from kaiko_django.conf import current_pipeline
from kaiko_middleware import (
    Config,
    ConfigError,
    ConflictError,
    ErrorReport,
    ExceptionMapping,
    KaikoError,
)

HERE = "adapters.django.test_settings"
told: list[ErrorReport] = []


def hook(report: ErrorReport) -> None:
    """Note a report."""
    told.append(report)


class Taken(Exception):
    """A domain's exception."""


def _taken(_exc: Taken) -> KaikoError:
    return ConflictError("It is taken")


mapping = ExceptionMapping()
mapping.register(Taken, _taken)


@pytest.fixture(autouse=True)
def this_module_has_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let import paths name what stands here."""
    import sys

    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    told.clear()


def test_import_paths() -> None:
    """`mapping` and hooks may be import paths, so that the settings import nothing."""
    settings: Settings = {"mapping": f"{HERE}.mapping", "on_error": [f"{HERE}.hook", told.append]}
    project = Project(raises(Taken), settings={"KAIKO_MIDDLEWARE": settings})
    answer = STACKS[0].ask(project)
    assert json.loads(answer.body)["error"]["message"] == "It is taken"
    assert [report.request_id for report in told] == [answer.id, answer.id]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ([], "KAIKO_MIDDLEWARE: [] is not allowed; it must be a mapping of settings"),
        (
            {"request_id_digit": 10},
            "KAIKO_MIDDLEWARE: unknown key 'request_id_digit'",
        ),
        (
            {"request_id_digits": "ten"},
            (
                "KAIKO_MIDDLEWARE: request_id_digits: 'ten' is not allowed; "
                "it must be an int from 10 to 32"
            ),
        ),
        (
            {"on_error": "shop.count"},
            (
                "KAIKO_MIDDLEWARE: on_error: 'shop.count' is not allowed; "
                "it must be a sequence of plain functions that take an ErrorReport"
            ),
        ),
        (
            {"on_error": ["nowhere.at_all"]},
            (
                "KAIKO_MIDDLEWARE: on_error: 'nowhere.at_all' is not allowed; "
                "it must be a path that can be imported (No module named 'nowhere')"
            ),
        ),
        (
            {"mapping": "nowhere"},
            (
                "KAIKO_MIDDLEWARE: mapping: 'nowhere' is not allowed; "
                "it must be a path that can be imported (nowhere doesn't look like a module path)"
            ),
        ),
    ],
    ids=["no dict", "key", "value", "hook list", "hook path", "mapping path"],
)
def test_wrong_setting(setting: Any, message: str) -> None:
    """A wrong setting is refused in one line when the project starts, wherever it is read."""
    with override_settings(KAIKO_MIDDLEWARE=setting):
        for start in (
            lambda: KaikoMiddleware(fine),
            get_wsgi_application,
            get_asgi_application,
            STACKS[0].make,
        ):
            with pytest.raises(ConfigError) as caught:
                start()
            assert str(caught.value).startswith(message)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", sorted(Config.__annotations__))
def test_every_key(key: str) -> None:
    """Each key of `Config` is one of `Settings`, and refused when it is wrong."""
    assert key in Settings.__annotations__
    with override_settings(KAIKO_MIDDLEWARE={key: object()}), pytest.raises(ConfigError, match=key):
        current_pipeline()


def test_settings_has_no_other_key() -> None:
    """`Settings` knows no key that `Config` does not."""
    assert sorted(Settings.__annotations__) == sorted(Config.__annotations__)


def test_override_settings() -> None:
    """A running project follows `override_settings`, there and back."""
    with override_settings(**Project(bug).all_settings()):
        client = Client(raise_request_exception=False)
        assert "X-Request-ID" in client.get("/x")
        with override_settings(KAIKO_MIDDLEWARE={"request_id_header": "X-Other"}):
            response = client.get("/x")
            assert "X-Other" in response
            assert "X-Request-ID" not in response
        assert "X-Request-ID" in client.get("/x")


def test_read_once() -> None:
    """Between changes, the setting is read once."""
    assert current_pipeline() is current_pipeline()

"""`"kaiko_drf"` in INSTALLED_APPS: the system check, and readers that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import override_settings
from rest_framework.response import Response

from adapters.django.row import returns
from adapters.django.stacks import Project
from adapters.drf.asking import refused
from adapters.drf.views import project
from kaiko_django import in_view
from kaiko_drf import apps as drf_apps
from kaiko_middleware import ConflictError, KaikoError

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

IDS = {"kaiko_drf.W001"}


def found() -> set[str]:
    """Return the ids of this package's checks that find something."""
    return {str(each.id) for each in run_checks() if str(each.id).startswith("kaiko_drf")}


def test_all_is_in_place() -> None:
    """The settings of these tests are what the page says."""
    assert found() == set()


@pytest.mark.parametrize(
    "framework", [{}, {"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}]
)
def test_another_handler(framework: Any) -> None:
    """Without the handler, no failure has a name: that is worth a warning."""
    with override_settings(REST_FRAMEWORK=framework):
        assert found() == IDS


def test_app_is_ready_twice() -> None:
    """A second set-up, as some test runners do, adds no second reader."""
    before = list(in_view._readers)
    config = apps.get_app_config("kaiko_drf")
    assert isinstance(config, drf_apps.KaikoDrfConfig)
    config.ready()
    assert in_view._readers == before


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The readers, to be added to for one test."""
    mine = list(in_view._readers)
    monkeypatch.setattr(in_view, "_readers", mine)
    return mine


def test_a_reader_reads_what_a_view_returned(readers: list[Any]) -> None:
    """An adapter may know more of an answer than its bytes say."""

    def read(_request: HttpRequest, response: HttpResponseBase) -> KaikoError | None:
        return ConflictError("Read") if response.status_code == 418 else None

    in_view.add_reader(read)
    assert read in readers
    assert refused(Project(returns(lambda: HttpResponse(status=418))))[:2] == (409, "conflict")
    assert refused(Project(returns(lambda: HttpResponse(status=410))))[:2] == (410, "gone")


def test_a_reader_that_fails_is_logged(
    readers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The answer's bytes are then all there is."""

    def read(_request: HttpRequest, _response: HttpResponseBase) -> KaikoError | None:
        raise ZeroDivisionError

    readers.insert(0, read)
    assert refused(Project(returns(lambda: HttpResponse(status=410))))[:2] == (410, "gone")
    (record,) = [item for item in caplog.records if item.levelname == "ERROR"]
    assert "read" in record.getMessage()
    assert record.exc_info is not None


def test_a_response_without_data() -> None:
    """A DRF response of nothing is an answer like any."""
    assert refused(project(lambda _: Response(None, status=400)), {})[:2] == (400, "bad_request")

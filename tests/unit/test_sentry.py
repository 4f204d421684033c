"""What Sentry's SDK is told, without Sentry: which of the events of typed errors are dropped."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from kaiko_middleware import Config, NotFoundError
from kaiko_middleware.ids import reset_request_id, set_request_id
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.sentry import UNMAPPED, crash_session, tell_sentry


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stand in for the SDK; keep what it is told."""
    ignored: list[str] = []
    processors: list[Any] = []
    scope = SimpleNamespace(
        global_event_processors=processors, add_global_event_processor=processors.append
    )
    logging = SimpleNamespace(ignore_logger=ignored.append)
    monkeypatch.setitem(sys.modules, "sentry_sdk.integrations.logging", logging)
    monkeypatch.setitem(sys.modules, "sentry_sdk.scope", scope)
    return SimpleNamespace(ignored=ignored, processors=processors)


def event(mechanism: dict[str, Any] | None) -> dict[str, Any]:
    """Return an event of Sentry's for one exception."""
    return {"exception": {"values": [{"mechanism": mechanism}]}}


LEAVES = event({"type": "asgi", "handled": False})


def test_told_once(sdk: SimpleNamespace) -> None:
    """A second call adds nothing."""
    tell_sentry()
    tell_sentry()
    assert set(sdk.ignored) == {UNMAPPED}
    assert len(sdk.processors) == 1


@pytest.mark.parametrize("loaded", [True, False])
def test_loaded_later(
    sdk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *, loaded: bool
) -> None:
    """It is told with the first exception that is handed on, where it is loaded."""
    pipeline = Pipeline(Config())
    sdk.ignored.clear()
    if loaded:
        monkeypatch.setitem(sys.modules, "sentry_sdk", SimpleNamespace())
    else:
        monkeypatch.delitem(sys.modules, "sentry_sdk", raising=False)
    pipeline.on_unmapped(ValueError("secret"), RequestInfo("req-1", "GET", "/"))
    assert sdk.ignored == ([UNMAPPED] if loaded else [])


def test_without_sdk(sdk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is loaded, and nobody told, for a service that does not use it."""
    monkeypatch.delitem(sys.modules, "sentry_sdk.integrations.logging", raising=False)
    before = set(sys.modules)
    tell_sentry()
    assert set(sys.modules) == before
    assert (sdk.ignored, sdk.processors) == ([], [])


def test_other_versions(sdk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version without such a processor has its logger ignored all the same."""
    monkeypatch.setitem(sys.modules, "sentry_sdk.scope", SimpleNamespace())
    tell_sentry()
    assert sdk.ignored == [UNMAPPED]


@pytest.mark.parametrize(
    ("exc", "made", "request_id", "kept"),
    [
        (NotFoundError(), LEAVES, "req-1", False),
        (NotFoundError(), LEAVES, None, True),
        (NotFoundError(), event({"type": "generic", "handled": True}), "req-1", True),
        (NotFoundError(), event({"type": "celery", "handled": False}), "req-1", True),
        (NotFoundError(), event(None), "req-1", True),
        (NotFoundError(), {}, "req-1", True),
        (ValueError(), LEAVES, "req-1", True),
        (None, LEAVES, "req-1", True),
    ],
    ids=["leaves", "elsewhere", "captured", "task", "no mechanism", "no exception", "bug", "none"],
)
def test_typed_errors(
    sdk: SimpleNamespace,
    exc: Exception | None,
    made: dict[str, Any],
    request_id: str | None,
    *,
    kept: bool,
) -> None:
    """Only one that leaves an application inside of our middleware is dropped."""
    tell_sentry()
    (process,) = sdk.processors
    token = set_request_id(request_id)
    try:
        hint = {} if exc is None else {"exc_info": (type(exc), exc, None)}
        assert process(made, hint) == (made if kept else None)
    finally:
        reset_request_id(token)


class Session:
    """A session of Sentry's."""

    errors = 0
    status = "ok"

    def update(self, **what: Any) -> None:
        """Change it."""
        vars(self).update(what)


@pytest.mark.parametrize("scope", [SimpleNamespace(_session=None), SimpleNamespace()])
def test_no_session(monkeypatch: pytest.MonkeyPatch, scope: SimpleNamespace) -> None:
    """Without a session, in a version without any, and without the SDK nothing happens."""
    monkeypatch.setitem(
        sys.modules, "sentry_sdk", SimpleNamespace(get_isolation_scope=lambda: scope)
    )
    crash_session()
    monkeypatch.delitem(sys.modules, "sentry_sdk")
    crash_session()
    assert vars(scope).get("_session") is None


def test_crashed_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session that is tracked has crashed, with one error more."""
    session = Session()
    scope = SimpleNamespace(_session=session)
    monkeypatch.setitem(
        sys.modules, "sentry_sdk", SimpleNamespace(get_isolation_scope=lambda: scope)
    )
    crash_session()
    assert (session.status, session.errors) == ("crashed", 1)

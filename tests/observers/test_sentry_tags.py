"""`sentry_tags`: each event has the id of its answer, and none is made or lost.

A program asks everything, with the hook and without; see there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from support_program import run_program

SENT = {
    "/captured": ("service_unavailable", ["error.code", "service_unavailable", "billing"]),
    "/logged": ("billing_down", ["error.code", "billing_down"]),
    "/noted": ("mine", ["mine"]),
}


class Row(NamedTuple):
    """What Sentry would send of one request, and the id of the answer."""

    app: str
    path: str
    id: str
    events: list[dict[str, Any]]
    bare: list[dict[str, Any]]
    """The events without the hook."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """All requests."""
    found = {tuple(row["key"]): row for row in run_program("observers.sentry_tags_program")}
    rows: list[Row] = []
    for (settings, app, path), row in found.items():
        if settings.startswith("with-"):
            bare = found[settings.replace("with", "without"), app, path]
            rows.append(Row(app, path, row["id"], row["events"], bare["events"]))
    return rows


def test_no_event_more_and_none_less(rows: list[Row]) -> None:
    """What is sent with the hook is what is sent without."""
    assert len(rows) > 90
    for row in rows:
        assert [each["raised"] for each in row.events] == [each["raised"] for each in row.bare], row
        assert len(row.events) <= 1, row


def test_each_event_has_the_id_of_its_answer(rows: list[Row]) -> None:
    """On every stack, inside and outside of our middleware, handed on and not."""
    tagged = [(row, event) for row in rows for event in row.events]
    assert len(tagged) > 60
    for row, event in tagged:
        found = event["tags"].get("request_id")
        # Without our wrapper, nothing of ours sees this stream fail.
        assert found == row.id or (row.app == "asgi-django-later" and found is None), row


def test_typed_error_that_is_sent_is_one_issue_for_each_code(rows: list[Row]) -> None:
    """Captured or logged by the service: the code, and the upstream; what it chose is kept."""
    sent = [row for row in rows if row.app == "sending"]
    assert len(sent) == 2 * len(SENT)
    for row in sent:
        (event,) = row.events
        assert (event["tags"]["error.code"], event["fingerprint"]) == SENT[row.path]


def test_bug_is_grouped_by_sentry(rows: list[Row]) -> None:
    """An unmapped exception has no code, and Sentry's own grouping."""
    for row in rows:
        for event in row.events:
            if row.app != "sending":
                assert "error.code" not in event["tags"], row
                assert event["fingerprint"] is None, row


def test_processor_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many applications a process has."""
    from sentry_sdk import scope

    from kaiko_telemetry import sentry

    processors: list[Any] = []
    monkeypatch.setattr(scope, "global_event_processors", processors)
    monkeypatch.setattr(sentry, "global_event_processors", processors)
    assert sentry.sentry_tags() is sentry.sentry_tags()
    assert processors == [sentry._tag]


class _Frozen(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


def test_event_processor_leaves_alone_what_is_none_of_its_business() -> None:
    """A transaction, an event outside of a request, and another logger's own id."""
    import logging

    from kaiko_middleware import ErrorReport, KaikoError, ServerError
    from kaiko_telemetry import sentry

    tag: Any = sentry._tag
    assert tag({"type": "transaction"}, {}) == {"type": "transaction"}
    assert tag({}, {}) == {"tags": {}}
    record = logging.makeLogRecord({"name": "shop", "request_id": "theirs"})
    assert tag({}, {"log_record": record}) == {"tags": {}}
    record = logging.makeLogRecord({"name": "kaiko", "request_id": "req-0123456789"})
    assert tag({}, {"log_record": record}) == {"tags": {"request_id": "req-0123456789"}}
    frozen = _Frozen()
    report = ErrorReport(ServerError(), frozen, "req-1", "GET", "/", unmapped=True)
    sentry._mark(report)
    sentry._mark(report._replace(exception=None))
    assert tag({}, {"exc_info": (_Frozen, frozen, None)}) == {"tags": {"request_id": "req-1"}}
    typed = KaikoError()
    sentry._mark(report._replace(exception=typed, unmapped=False))
    assert "request_id" not in tag({}, {"exc_info": (KaikoError, typed, None)})["tags"]

"""Sentry: a bug is one event, of Sentry's own integration, and what is mapped is none.

Sentry's logging integration is on, as it is by default. A program asks everything; see there.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from adapters.flask.observed import BUGS as FLASK_BUGS
from observers.sentry_program import ASGI, BUGS, DJANGO, FLASK
from support_program import run_program

Rows = dict[str, list["Row"]]
_BUGS = {*BUGS, *FLASK_BUGS, "/ws"}
_NO_BUGS = ("typed", "down", "timeout", "own", "own-500", "validation")


class Row(NamedTuple):
    """What Sentry would send of one request."""

    app: str
    adopt: str
    kept: bool
    path: str
    events: list[tuple[str, str, bool]]
    crashed: int

    @property
    def is_bug(self) -> bool:
        """Whether an exception without a mapping was raised."""
        if self.path.startswith("/"):
            return self.path in _BUGS
        return not self.app.endswith(_NO_BUGS)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """All requests with the toolkit, by application; those without it under `bare`."""
    found: Rows = {"bare": []}
    for each in run_program("observers.sentry_program"):
        row = Row(**each)
        found.setdefault("bare" if row.adopt == "bare" else row.app, []).append(row)
    return found


APPS = [
    *ASGI,
    "asgi-outside",
    "wsgi-inside",
    "wsgi-outside",
    *FLASK,
    *(f"{stack}-{name}" for stack in ("asgi", "wsgi") for name in DJANGO),
]


@pytest.mark.parametrize("app", APPS)
def test_bugs(rows: Rows, app: str) -> None:
    """A bug is one unhandled event and a crashed session, however the toolkit is added.

    With `reraise=False` it is one event, ours where Sentry's own integration is outside.
    """
    crashes = {(row.app, row.path): row.crashed for row in rows["bare"]}
    for row in rows[app]:
        if not row.is_bug:
            continue
        if row.path == "/mounted/bug" and len(row.events) == 2:
            continue  # Sentry sees it leave both applications, in two contexts; without us too
        assert len(row.events) == 1, row
        if not row.kept:
            ((_, mechanism, handled),) = row.events
            assert not handled, row
            assert mechanism in {"starlette", "litestar", "flask", "django", "asgi", "wsgi"}, row
            # WSGI's body is beyond the session, and so is all that fails in it.
            crashed = row.crashed >= crashes.get((app, row.path), 1)
            assert crashed or app.startswith(("wsgi-django", "wsgi-drf", "wsgi-ninja")), row


@pytest.mark.parametrize("app", APPS)
def test_mapped(rows: Rows, app: str) -> None:
    """A typed error, a framework's own and an answer are no events.

    Inside of a middleware that is around the application, Sentry sees what only the toolkit maps.
    """
    bare = {(row.app, row.path): row.events for row in rows["bare"]}
    for row in rows[app]:
        if not row.is_bug:
            known_outside = row.adopt == "wrap" and row.path == "/timeout"
            assert row.events == (bare[app, row.path] if known_outside else []), row

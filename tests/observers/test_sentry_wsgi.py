"""Sentry on Bottle, Falcon and Pyramid, set up as the page on WSGI says."""

from __future__ import annotations

from support_program import run_program


def test_a_bug_is_one_event_and_a_typed_error_none() -> None:
    """The event is that of the framework's own integration."""
    found = run_program("observers.sentry_wsgi_program")
    assert found == {
        f"on_{name}": [[], [["LookupError", name, False]]]
        for name in ("bottle", "falcon", "pyramid")
    }

"""Flask's settings for developers: debug pages, propagation, traps, and its test client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, abort, request
from flask.signals import got_request_exception
from werkzeug.debug import DebuggedApplication
from werkzeug.exceptions import NotFound
from werkzeug.test import Client

from adapters.asgi.apps import records_of
from adapters.flask.support import HTML, JSON, SoldOut, add, ask_error, error_of, make_app, raising
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import Config
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable

BUG = LookupError("kaiko_secret")
PROPAGATING = [{"TESTING": True}, {"DEBUG": True}, {"PROPAGATE_EXCEPTIONS": True}]


def bug() -> BaseException:
    return BUG


@pytest.mark.parametrize("settings", PROPAGATING, ids=lambda settings: next(iter(settings)))
def test_propagation(settings: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """A server gets the exception after the answer; Flask signals it once and does not log it."""
    app = raising(make_app(**settings), bug)
    seen: list[BaseException] = []

    def receive(_sender: object, exception: BaseException, **_: object) -> None:
        seen.append(exception)

    with got_request_exception.connected_to(receive, app):
        answer = ask_wsgi(app, "/x")
    assert error_of(answer)["code"] == "internal"
    assert answer.raised is BUG
    assert seen == [BUG]
    (record,) = caplog.records
    assert record.name == "kaiko.unmapped"
    assert (record.exc_info or (None, None))[1] is BUG


@pytest.mark.parametrize("settings", PROPAGATING, ids=lambda settings: next(iter(settings)))
def test_the_test_client_raises(settings: dict[str, Any]) -> None:
    """At the call, as without us, whether the body is read or not."""
    app = raising(make_app(**settings), bug)
    with pytest.raises(LookupError, match="kaiko_secret"):
        app.test_client().get("/x")
    with app.test_client() as client, pytest.raises(LookupError, match="kaiko_secret"):
        client.get("/x")


def test_the_test_client_raises_without_a_framework() -> None:
    """So does Werkzeug's client for any WSGI application."""

    def app(_environ: object, _start: object) -> Iterable[bytes]:
        raise BUG

    with pytest.raises(LookupError, match="kaiko_secret"):
        Client(KaikoMiddleware(app)).get("/x")


@pytest.mark.parametrize("settings", PROPAGATING, ids=lambda settings: next(iter(settings)))
def test_the_test_client_gets_the_answer(settings: dict[str, Any]) -> None:
    """With `reraise=False`, and where Flask is told not to propagate."""
    app = raising(make_app(Config(reraise=False), **settings), bug)
    assert app.test_client().get("/x").get_json()["error"]["code"] == "internal"
    settings = {**settings, "PROPAGATE_EXCEPTIONS": False}
    app = raising(make_app(**settings), bug)
    assert app.test_client().get("/x").get_json()["error"]["code"] == "internal"


def test_what_is_not_raised_again_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Once, on the logger of what Flask's signal was told of."""
    app = raising(make_app(Config(reraise=False), TESTING=True), bug)
    answer = ask_wsgi(app, "/x")
    assert (answer.status, answer.raised) == (500, None)
    (record,) = caplog.records
    assert record.name == "kaiko.unmapped"


def test_the_debugger_has_its_page() -> None:
    """Where the client prefers HTML; any other client has the envelope."""
    app = raising(make_app(DEBUG=True), bug)
    debugged = DebuggedApplication(app)
    answer = ask_wsgi(debugged, "/x", headers=HTML)
    assert answer.status == 500
    assert b"Werkzeug Debugger" in answer.body
    answer = ask_wsgi(app, "/x", headers=HTML)
    assert (answer.status, answer.raised) == (0, BUG)
    answer = ask_wsgi(debugged, "/x", headers=[("Accept", JSON)])
    assert answer.body.startswith(b'{"error":')


@pytest.mark.parametrize("reraise", [True, False])
def test_a_browser_in_debug(reraise: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Sees the debugger's page for a bug alone: typed errors are envelopes."""
    app = make_app(Config(reraise=reraise), DEBUG=True)
    add(raising(app, bug), "/missing", lambda: abort(404))
    add(app, "/page", lambda: ("<html><p>Gone</p></html>", 410))
    answer = ask_wsgi(app, "/x", headers=HTML)
    assert (answer.status, answer.raised) == (0, BUG)
    assert ask_error(app, "/missing", headers=HTML)[1] == "not_found"
    assert ask_wsgi(app, "/page", headers=HTML).body.startswith(b"<html>")
    assert ask_error(app, "/page")[1] == "gone"


@pytest.mark.parametrize(
    ("settings", "trapped"),
    [
        ({"TRAP_HTTP_EXCEPTIONS": True}, True),
        ({"TRAP_BAD_REQUEST_ERRORS": True}, True),
        ({"DEBUG": True}, True),
        ({"DEBUG": True, "TRAP_BAD_REQUEST_ERRORS": False}, False),
        ({}, False),
    ],
)
def test_traps(settings: dict[str, Any], trapped: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001 - a parameter of the test
    """What Flask is told to trap is a bug, as without us."""
    app = add(make_app(**settings), "/x", lambda: request.args["name"])
    answer = ask_wsgi(app, "/x")
    expected = (500, "internal") if trapped else (400, "missing_field")
    assert (answer.status, error_of(answer)["code"]) == expected
    assert (answer.raised is not None) is (trapped and "DEBUG" in settings)
    assert (records_of(caplog) != []) is trapped


def test_a_trapped_exception_reaches_the_client() -> None:
    """With propagation, in tests."""
    app = make_app(TRAP_HTTP_EXCEPTIONS=True, TESTING=True)
    with pytest.raises(NotFound):
        app.test_client().get("/nowhere")


def test_the_context_is_preserved() -> None:
    """In a test, the request and the context are there after the answer."""
    app = raising(make_app(TESTING=True), SoldOut)
    with app.test_client() as client:
        answer = client.get("/x?a=1")
        assert (answer.status_code, request.args["a"]) == (409, "1")


def test_a_handler_that_is_called_by_hand() -> None:
    """Outside of a request of ours, Flask's methods do what they do without us."""
    app = Flask("plain")
    installed = raising(make_app(), SoldOut)
    with installed.test_request_context("/x"), pytest.raises(SoldOut):
        installed.full_dispatch_request()
    for each in app, installed:
        with each.test_request_context("/nowhere"):
            assert each.full_dispatch_request().get_data().startswith(b"<!doctype html>")

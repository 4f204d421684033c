"""The guards around `app.wsgi_app` of a Flask application, put there before or after `install`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request

from adapters.asgi.apps import records_of
from adapters.flask.support import ask_error, error_of
from adapters.wsgi.server import ask_wsgi
from guards.test_asgi import BROKEN, KEY, REVOKED, UNKNOWN, Keys
from guards.test_memory import Clock
from kaiko_flask import install
from kaiko_guards import ApiKeys, BodyLimit, Deadline, RateLimit, deadline
from kaiko_guards.wsgi import GuardMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

LATER = pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
WITH_KEY = [("x-api-key", KEY)]


def guarded(*guards: Any, later: bool, view: Callable[[], Any] = lambda: "fine") -> Flask:
    """Return an application with guards.

    Arguments:
        guards: the guards.
        later: whether they are put around it after `install`.
        view: what they guard.

    """
    app: Any = Flask("guarded")  # as Flask's documentation sets `wsgi_app`
    if later:
        install(app)
    app.wsgi_app = GuardMiddleware(app.wsgi_app, guards=guards)
    if not later:
        install(app)
    app.add_url_rule("/x", "x", view, methods=["GET", "POST"])
    made: Flask = app
    return made


@LATER
@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        (UNKNOWN, 401, "invalid_api_key"),
        (REVOKED, 403, "key_revoked"),
        (BROKEN, 503, "service_unavailable"),
    ],
)
def test_keys(
    key: str | None,
    status: int,
    code: str,
    later: bool,  # noqa: FBT001 - a parameter of the test
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No view runs without one, and the refusal has one record."""
    caplog.set_level("INFO", "kaiko")
    app = guarded(ApiKeys(Keys()), later=later)
    headers = [] if key is None else [("x-api-key", key)]
    assert ask_error(app, headers=headers)[:2] == (status, code)
    assert len(records_of(caplog)) == 1


@LATER
def test_whose_key_it_is(later: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The view knows it by the request's environ."""
    app = guarded(ApiKeys(Keys()), later=later, view=lambda: request.environ["kaiko.principal"])
    assert ask_wsgi(app, "/x", headers=WITH_KEY).body == b"billing"


@LATER
def test_limits(later: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """What is left is on every answer, also on that of a bug and of the router."""
    app = guarded(RateLimit("3/minute", by="address", clock=Clock()), later=later)
    app.logger.disabled = True
    app.add_url_rule("/bug", "bug", lambda: str(1 // 0))
    left = [ask_wsgi(app, path).one("x-ratelimit-remaining") for path in ("/x", "/bug", "/nowhere")]
    assert left == ["2", "1", "0"]
    answer = ask_wsgi(app, "/x")
    assert (answer.status, error_of(answer)["code"]) == (429, "too_many_requests")
    assert answer.one("retry-after") == "20"


@LATER
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_sizes(later: bool, chunked: bool) -> None:  # noqa: FBT001 - parameters of the test
    """By the length that is told, and by what the view reads."""
    app = guarded(BodyLimit(10), later=later, view=request_data)
    server: dict[str, Any] = {}
    if chunked:
        server = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
        server["wsgi.input_terminated"] = True
    found = ask_error(app, method="POST", body=b"x" * 11, **server)
    assert found[:2] == (413, "payload_too_large")
    assert ask_wsgi(app, "/x", method="POST", body=b"x" * 10, **server).body == b"x" * 10


def request_data() -> bytes:
    """Read the body."""
    return request.get_data()


@LATER
def test_deadlines(later: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The view knows how much time is left, and none of it is an answer without the view."""
    app = guarded(Deadline(30), later=later, view=lambda: f"{deadline():.0f}")
    assert ask_wsgi(app, "/x").body == b"30"
    assert ask_error(app, headers=[("X-Request-Deadline", "0")])[:2] == (503, "timeout")

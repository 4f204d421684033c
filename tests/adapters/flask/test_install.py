"""`install`: once, before the first request, and around all that is added later."""

from __future__ import annotations

import gc
import weakref
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import click
import pytest
from flask import Blueprint, Flask, current_app, g
from flask.cli import FlaskGroup
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

import kaiko_wsgi
from adapters.asgi.apps import records_of
from adapters.flask.support import (
    INTERNAL,
    SoldOut,
    add,
    ask_error,
    error_of,
    make_app,
    raising,
    surround,
)
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_middleware import KaikoError, current_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def test_once() -> None:
    """A second configuration is refused, and so is what the layer below did already."""
    app = make_app()
    with pytest.raises(RuntimeError, match="has kaiko-middleware already; install it once"):
        install(app)
    app = Flask("service")
    surround(app, kaiko_wsgi.KaikoMiddleware)
    with pytest.raises(RuntimeError, match="has kaiko-middleware already"):
        install(app)


def test_before_the_first_request() -> None:
    """Flask takes no handler later; the application is left as it was."""
    app = raising(Flask("service"), SoldOut)
    ask_wsgi(app, "/x")
    with pytest.raises(RuntimeError, match="install before its first request"):
        install(app)
    assert type(app) is Flask
    assert app.extensions == {}
    assert ask_wsgi(app, "/x").all("x-request-id") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "not None"),
        (Flask, "the class Flask: make an instance of it first"),
        (Blueprint("b", "b"), "install on the application that registers it"),
        (Flask("service").wsgi_app, "takes a Flask application, not the function wsgi_app"),
        (type("Quart", (), {"asgi_app": None})(), "wrap Quart's application with kaiko_asgi"),
    ],
)
def test_another_argument(given: Any, said: str) -> None:
    """The message says what was given, and what to do."""
    with pytest.raises(TypeError, match=r"kaiko_flask\.install takes a Flask") as raised:
        install(given)
    assert said in str(raised.value)


def test_another_config() -> None:
    """It is refused before anything is changed."""
    app, config = Flask("service"), cast("Any", {})
    with pytest.raises(TypeError, match="config takes"):
        install(app, config)
    assert type(app) is Flask


def test_by_its_proxy() -> None:
    """`current_app` is the application."""
    app = raising(Flask("service"), SoldOut)
    with app.app_context():
        install(current_app)
    assert ask_error(app)[0] == 409


def test_what_is_added_later() -> None:
    """Blueprints, handlers, hooks and settings count as if they had been there."""
    app = make_app()
    blueprint = Blueprint("b", "b", url_prefix="/b")
    raised: list[str] = []

    @blueprint.get("/x")
    def x() -> str:
        raise SoldOut

    @app.after_request
    def after(response: Any) -> Any:
        raised.append(g.before)
        return response

    @app.before_request
    def before() -> None:
        g.before = current_request_id()

    app.register_blueprint(blueprint)
    answer = ask_wsgi(app, "/b/x")
    assert error_of(answer)["code"] == "flask_sold_out"
    assert raised == [answer.id]


class Raising:
    """A WSGI middleware of the service's that fails or answers by itself."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self.caught: list[BaseException] = []

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        path = environ["PATH_INFO"]
        if path == "/raise":
            raise SoldOut("All gone")
        if path == "/bug":
            raise LookupError
        if path == "/answer":
            start("401 Unauthorized", [("Content-Type", "text/plain")])
            return [b"Who are you"]
        try:
            return self.app(environ, start)
        except LookupError as exc:
            self.caught.append(exc)
            start("503 Busy", [("Content-Type", "text/plain")])
            return [b"Later"]


@pytest.mark.parametrize("later", [True, False])
def test_wsgi_middleware(later: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001 - a parameter of the test
    """What other middleware raises or answers is in the contract, and what it catches is its."""

    def bug() -> None:
        raise LookupError

    app = add(Flask("service"), "/view", bug)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    if later:
        install(app)
    middleware = Raising(app.wsgi_app)
    surround(app, lambda _: middleware)
    if not later:
        install(app)
    add(app, "/typed", _typed)
    assert ask_error(app, "/raise") == (409, "flask_sold_out", "sku", "All gone")
    assert ask_error(app, "/answer")[:2] == (401, "invalid_api_key")
    assert ask_error(app, "/bug") == INTERNAL
    assert ask_error(app, "/typed")[0] == 409
    answer = ask_wsgi(app, "/view")
    assert (answer.status, error_of(answer)["code"]) == (503, "service_unavailable")
    assert answer.raised is None
    assert len(middleware.caught) == 1
    caplog.clear()
    caplog.set_level("INFO")
    answer = ask_wsgi(app, "/typed")
    assert [vars(record)["request_id"] for record in records_of(caplog)] == [answer.id]


def _typed() -> None:
    raise SoldOut


def test_usual_middleware() -> None:
    """Those of Werkzeug, one around the other."""
    app = raising(make_app(), SoldOut)
    surround(app, ProxyFix)
    other = raising(Flask("other"), SoldOut)
    surround(app, lambda wsgi_app: DispatcherMiddleware(wsgi_app, {"/other": other}))
    assert ask_error(app)[0] == 409
    assert ask_error(app, "/nowhere")[1] == "not_found"
    assert ask_error(app, "/other/x") == INTERNAL
    assert ask_wsgi(app, "/x").id != ask_wsgi(app, "/x").id


def test_applications_in_each_other(caplog: pytest.LogCaptureFixture) -> None:
    """The record is one, and so is the id."""
    caplog.set_level("INFO")
    inner = raising(make_app(), SoldOut)
    outer = make_app()
    surround(outer, lambda wsgi_app: DispatcherMiddleware(wsgi_app, {"/inner": inner}))
    answer = ask_wsgi(outer, "/inner/x")
    assert error_of(answer)["code"] == "flask_sold_out"
    assert [vars(record)["request_id"] for record in records_of(caplog)] == [answer.id]


def test_what_is_called_without_the_application() -> None:
    """`app.wsgi_app` by itself is covered, also where something is around it."""
    app = raising(make_app(), SoldOut)
    assert ask_error(app.wsgi_app)[0] == 409
    surround(app, ProxyFix)
    assert ask_error(app.wsgi_app)[0] == 409


def test_the_application_stays_what_it_is() -> None:
    """Its type by name, its methods, its commands; another one is left alone."""

    class Service(Flask):
        """A service's own class."""

    app, other = Service("service"), Service("other")
    install(app)
    assert isinstance(app, Service)
    assert (type(app).__name__, type(app).__module__) == (Service.__name__, Service.__module__)
    assert type(app).__doc__ == Service.__doc__
    assert repr(app) == "<Service 'service'>"
    assert type(other) is Service
    assert ask_wsgi(other, "/nowhere").all("x-request-id") == []
    for made in (type(app)("third"), type("Other", (type(app),), {})("fourth")):
        assert ask_wsgi(add(made, "/own", lambda: "own"), "/own").body == b"own"
        assert ask_wsgi(made, "/nowhere").all("x-request-id") == []


def test_a_copy_of_the_application() -> None:
    """It is installed as the application is; what is put around it is its own."""
    app = raising(make_app(), SoldOut)
    other = copy(app)
    assert ask_error(other)[0] == 409
    seen: list[str] = []

    def around(wsgi_app: Any) -> Any:
        def call(environ: Any, start: Any) -> Any:
            seen.append(environ["PATH_INFO"])
            return wsgi_app(environ, start)

        return call

    surround(other, around)
    assert [ask_error(each, "/x")[0] for each in (app, other)] == [409, 409]
    assert seen == ["/x"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("raised", [SoldOut, LookupError])
def test_an_extension_that_takes_all_exceptions_may_hand_on(
    raised: type[Exception],
    before: bool,  # noqa: FBT001 - both are to be had
) -> None:
    """As Flask-RESTX and Flask-RESTful do, whose `Api` wraps both methods of the application."""
    app: Any = make_app() if before else Flask("service")

    def hand_on(original: Callable[[Exception], Any], exc: Exception) -> Any:
        try:
            raise exc  # noqa: TRY301 - what the documented `Api.handle_error` does
        except Exception as again:  # noqa: BLE001 - likewise
            return original(again)

    app.handle_exception = partial(hand_on, app.handle_exception)
    app.handle_user_exception = partial(hand_on, app.handle_user_exception)
    raising(app, raised)
    if not before:
        install(app)
    assert ask_error(app)[0] == (409 if raised is SoldOut else 500)


def test_commands() -> None:
    """Flask's own, the service's, and what these raise."""
    app = make_app()

    @app.cli.command()
    def fail() -> None:
        raise SoldOut("All gone")

    @app.cli.command()
    def refuse() -> None:
        raise click.UsageError("not so")

    runner = app.test_cli_runner()
    flask = FlaskGroup(create_app=lambda: app)
    assert "static" in runner.invoke(flask, args=["routes"]).output
    assert isinstance(runner.invoke(args=["fail"]).exception, KaikoError)
    refused = runner.invoke(args=["refuse"])
    assert (refused.exit_code, "Error: not so" in refused.output) == (2, True)


def test_an_application_that_nobody_holds_is_freed() -> None:
    """The garbage collector takes it, as one with any other middleware at `wsgi_app`."""
    app = make_app()
    app.test_client().get("/")
    alive = weakref.ref(app)
    del app
    gc.collect()
    assert alive() is None


def test_a_class_that_was_patched_later_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentry and others put a function of their own in place of Flask's."""
    app = add(make_app(), "/x", lambda: "fine")
    called: list[str] = []
    own = Flask.__call__

    def patched(self: Flask, environ: Any, start_response: Any) -> Any:
        called.append(environ["PATH_INFO"])
        return own(self, environ, start_response)

    monkeypatch.setattr(Flask, "__call__", patched)
    assert ask_wsgi(app, "/x").body == b"fine"
    assert called == ["/x"]

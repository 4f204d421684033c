"""What a resource of Flask-RESTX or Flask-RESTful raises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import flask_restful
import flask_restx
import pytest
from flask import Blueprint, Flask, Response, abort, got_request_exception, request
from werkzeug.exceptions import HTTPException

from adapters.asgi.apps import records_of
from adapters.flask.support import (
    INTERNAL,
    SoldOut,
    StockError,
    add,
    ask_error,
    error_of,
    make_app,
    mapping,
    post,
    raising,
)
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Callable

BOTH = pytest.mark.parametrize(
    "library", [flask_restx, flask_restful], ids=lambda each: each.__name__
)
ORDERS = pytest.mark.parametrize("before", [True, False], ids=["api later", "api first"])
SOLD_OUT = (409, "flask_sold_out", "sku", "All gone")


def make(
    library: Any,
    raised: Callable[[], Any],
    *,
    before: bool | None = True,
    api: Any = None,
    **settings: Any,
) -> tuple[Flask, Any]:
    """Return an application with a resource that fails, and its `Api`.

    Arguments:
        library: the `Api`'s.
        raised: called by the resource.
        before: whether the toolkit is installed before the `Api` is made; None leaves it out.
        api: the class of the `Api`, where it is the service's own.
        settings: Flask's.

    """
    app = Flask("resources")
    app.config.update(settings)
    app.logger.disabled = True
    if before:
        install(app, Config(mapping=mapping()))
    made = (api or library.Api)(app)

    class Failing(library.Resource):  # type: ignore[misc]  # it is one of two
        def get(self) -> Any:
            return raised()

        def post(self) -> Any:
            return request.get_json()

    made.add_resource(Failing, "/x")
    if before is False:
        install(app, Config(mapping=mapping()))
    return app, made


def fails(exc: Exception | type[Exception]) -> Callable[[], Any]:
    """Return what raises."""

    def fail() -> None:
        raise exc

    return fail


@BOTH
@ORDERS
@pytest.mark.parametrize("settings", [{}, {"TESTING": True}], ids=["", "testing"])
@pytest.mark.parametrize(
    "case",
    [
        (SoldOut("All gone"), SOLD_OUT),
        (StockError(), (409, "flask_sold_out", "sku", "Mapped")),
        (TimeoutError(), (503, "timeout", None, "The operation timed out")),
    ],
    ids=["typed", "mapped", "known"],
)
def test_what_is_mapped(
    library: Any,
    before: bool,  # noqa: FBT001 - a parameter of the test
    settings: dict[str, Any],
    case: tuple[Exception, object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is its envelope, with one record, and no bug to anybody."""
    raised, expected = case
    app, _ = make(library, fails(raised), before=before, **settings)
    caplog.set_level("INFO")
    signalled: list[object] = []

    def receive(_sender: object, exception: object) -> None:
        signalled.append(exception)

    with got_request_exception.connected_to(receive, app):
        assert ask_error(app) == expected
    assert len(caplog.records) == len(records_of(caplog)) == 1
    assert signalled == []


@BOTH
@ORDERS
@pytest.mark.parametrize(
    "raised", [ValueError("secret"), StockError("unknown")], ids=["", "unmapped"]
)
def test_a_bug(
    library: Any,
    before: bool,  # noqa: FBT001 - a parameter of the test
    raised: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its record has the exception, and it is signalled and logged once, as without us."""
    app, _ = make(library, fails(raised), before=before)
    app.logger.disabled = False
    app.register_error_handler(500, lambda _: ("An Api asks none of these", 418))
    signalled: list[object] = []

    def receive(_sender: object, exception: object) -> None:
        signalled.append(exception)

    with got_request_exception.connected_to(receive, app):
        assert ask_error(app) == INTERNAL
    (record,) = records_of(caplog)
    assert (record.exc_info or (None, None))[1] is raised
    assert signalled == [raised]
    assert len(caplog.records) == 2  # and Flask's


@BOTH
@ORDERS
def test_a_bug_is_propagated(library: Any, before: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001 - a parameter of the test
    """It is raised again after the answer."""
    raised = ValueError("secret")
    app, _ = make(library, fails(raised), before=before, PROPAGATE_EXCEPTIONS=True)
    answer = ask_wsgi(app, "/x")
    assert (error_of(answer)["code"], answer.raised) == ("internal", raised)
    assert len(records_of(caplog)) == 1


@BOTH
@ORDERS
def test_a_bug_that_the_application_takes(library: Any, before: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Where exceptions are propagated, an `Api` hands on to the application's handlers."""
    app, _ = make(library, fails(ValueError("secret")), before=before, PROPAGATE_EXCEPTIONS=True)
    app.register_error_handler(ValueError, lambda _: ("Own words", 418))
    assert ask_error(app)[3] == "Own words"


@BOTH
@ORDERS
@pytest.mark.parametrize(
    ("raised", "expected"),
    [(SoldOut("All gone"), SOLD_OUT), (ValueError("secret"), INTERNAL)],
    ids=["typed", "bug"],
)
def test_of_after_request(
    library: Any,
    before: bool,  # noqa: FBT001 - a parameter of the test
    raised: Exception,
    expected: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An `Api` takes this too, if the request is for a resource."""
    app, _ = make(library, dict, before=before)
    caplog.set_level("INFO", "kaiko")
    left = [raised]

    @app.after_request
    def after(response: Response) -> Response:
        if left:
            raise left.pop()
        return response

    assert ask_error(app) == expected
    assert len(records_of(caplog)) == 1


@BOTH
@ORDERS
@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (lambda library: library.abort(404, message="No cup"), (404, "not_found", None, "No cup")),
        (lambda _: abort(409, "In use"), (409, "conflict", None, "In use")),
        (
            lambda library: library.abort(503, message="secret"),
            (503, "service_unavailable", None, "The service is temporarily unavailable"),
        ),
        (lambda _: abort(Response("Own", 403)), (403, "permission_denied", None, "Own")),
    ],
    ids=["its own", "flask's", "5xx", "response"],
)
def test_abort(
    library: Any,
    before: bool,  # noqa: FBT001 - a parameter of the test
    stop: Callable[[Any], Any],
    expected: tuple[object, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The text of the author's is the message, and nothing of the request is added to it."""
    app, _ = make(library, lambda: stop(library), before=before)
    caplog.set_level("INFO", "kaiko")
    found = ask_error(app)
    if library is flask_restx and expected[3] == "Own":  # its text is lost in Flask-RESTX
        expected = (*expected[:3], found[3])
    assert found == expected
    assert len(records_of(caplog)) == 1


@BOTH
@ORDERS
def test_what_is_refused(library: Any, before: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The router's errors and unreadable JSON, of a resource as of a view."""
    app, api = make(library, dict, before=before)
    api.serve_challenge_on_401 = True
    api.add_resource(type("Slash", (library.Resource,), {"get": lambda _: {}}), "/slash/")
    api.add_resource(type("Who", (library.Resource,), {"get": lambda _: abort(401)}), "/who")
    assert ask_error(app, method="DELETE")[:2] == (405, "method_not_allowed")
    assert "POST" in ask_wsgi(app, "/x", method="DELETE").all("allow")[0]
    assert ask_error(app, "/nowhere")[:2] == (404, "not_found")
    assert post(app, "/x", b"{")[1] == "invalid_json"
    assert ask_wsgi(app, "/slash").status == 308
    answer = ask_wsgi(app, "/who")
    assert error_of(answer)["code"] == "invalid_api_key"
    assert answer.all("www-authenticate")[0].startswith("Basic realm=")


@BOTH
@ORDERS
@pytest.mark.parametrize("raised", [SoldOut("All gone"), ValueError()], ids=["typed", "bug"])
def test_own_handle_error(library: Any, before: bool, raised: Exception) -> None:  # noqa: FBT001 - a parameter of the test
    """One of the service's `Api` is asked, and may hand on."""

    class Api(library.Api):  # type: ignore[misc]  # it is one of two
        def handle_error(self, e: Exception) -> Any:
            if not isinstance(e, SoldOut):
                raise e
            return self.make_response({"message": "Own words"}, 418)

    app, _ = make(library, fails(raised), before=before, api=Api)
    expected = (418, "im_a_teapot", None, "Own words") if isinstance(raised, SoldOut) else INTERNAL
    assert ask_error(app) == expected


@ORDERS
@pytest.mark.parametrize(
    "raised", [SoldOut("All gone"), StockError(), abort], ids=["", "m", "http"]
)
@pytest.mark.parametrize("of_namespace", [False, True], ids=["api", "namespace"])
def test_own_handler_of_restx(before: bool, raised: Any, of_namespace: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """One for the class is asked. One for everything is not asked about what is mapped."""
    app, api = make(
        flask_restx, (lambda: abort(404)) if raised is abort else fails(raised), before=before
    )
    owner = api.namespace("other") if of_namespace else api

    def every(_exc: Exception) -> tuple[dict[str, str], int]:
        return {"message": "Every"}, 418

    api.errorhandler(every)
    api.errorhandler(Exception)(every)
    assert (ask_error(app)[3] == "Every") == (raised is abort)

    del api.error_handlers[Exception]

    def own(_exc: Exception) -> tuple[dict[str, str], int]:
        return {"message": "Own words"}, 418

    owner.errorhandler(HTTPException if raised is abort else type(raised))(own)
    assert ask_error(app) == (418, "im_a_teapot", None, "Own words")


def test_own_default_of_restx() -> None:
    """It is asked about bugs."""
    app, api = make(flask_restx, fails(ValueError("secret")))

    api.errorhandler(lambda _: ({"message": "Default"}, 418))
    assert ask_error(app)[3] == "Default"


@ORDERS
def test_own_errors_of_restful(before: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Its table of errors is asked."""
    app, api = make(flask_restful, fails(SoldOut("All gone")), before=before)
    api.errors = {"SoldOut": {"message": "Own words", "status": 418}}
    assert ask_error(app) == (418, "im_a_teapot", None, "Own words")


@BOTH
@ORDERS
def test_several(library: Any, before: bool, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001 - a parameter of the test
    """On blueprints, and next to plain views."""
    app = Flask("resources")
    app.logger.disabled = True
    caplog.set_level("INFO", "kaiko")
    if before:
        install(app)
    for name in ("one", "two"):
        blueprint = Blueprint(name, name, url_prefix=f"/{name}")
        api = library.Api(blueprint)
        for path, raised in ("/typed", SoldOut("All gone")), ("/bug", ValueError()):
            body = {"get": lambda _, raised=raised: fails(raised)()}
            api.add_resource(type(path[1:], (library.Resource,), body), path)
        app.register_blueprint(api.blueprint)
    add(app, "/typed", fails(SoldOut("All gone")))
    add(app, "/bug", fails(ValueError()))
    if not before:
        install(app)
    for prefix in ("/one", "/two", ""):
        assert ask_error(app, f"{prefix}/typed") == SOLD_OUT
        assert ask_error(app, f"{prefix}/bug") == INTERNAL
    assert len(records_of(caplog)) == 6


@BOTH
def test_paths_that_are_not_ours(library: Any) -> None:
    """There the `Api` answers as without us."""
    app = make_app(Config(paths=["/v2"]))
    api = library.Api(app)
    api.add_resource(type("R", (library.Resource,), {"get": lambda _: fails(SoldOut())()}), "/x")
    answer = ask_wsgi(app, "/x")
    assert (answer.status, answer.all("x-request-id")) == (500, [])


def test_the_document_of_restx() -> None:
    """It is the same as without us."""
    documents = [
        json.loads(ask_wsgi(make(flask_restx, dict, before=before)[0], "/swagger.json").body)
        for before in (None, True, False)
    ]
    assert documents == [documents[0]] * 3
    assert "/x" in documents[0]["paths"]


def test_methods_that_are_replaced_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """As test tools do, by the instance or by the class."""
    app = raising(make_app(), SoldOut)
    assert type(app).handle_user_exception is Flask.handle_user_exception
    with monkeypatch.context() as patch:
        patch.setattr(app, "handle_user_exception", lambda _exc: ("Patched", 418))
        assert ask_error(app)[0] == 418
    assert ask_error(app)[0] == 409
    app.__setattr__("handle_user_exception", lambda _exc: ("Patched", 418))
    del app.handle_user_exception
    assert ask_error(app)[0] == 409

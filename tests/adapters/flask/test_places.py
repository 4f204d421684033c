"""Every place of a Flask application where something can be raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Blueprint, Flask, Response, render_template_string, request, stream_with_context
from flask.sessions import SecureCookieSessionInterface
from flask.signals import request_finished, request_started
from flask.views import MethodView
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.routing import BaseConverter

from adapters.asgi.apps import records_of
from adapters.flask.support import (
    INTERNAL,
    SoldOut,
    StockError,
    add,
    error_of,
    make_app,
    mapping,
    raising,
)
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import Config, current_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.asgi.server import Answer


def ok() -> str:
    return "ok"


def view(app: Flask, fail: Callable[..., Any]) -> None:
    add(app, "/x", fail)


def method_view(app: Flask, fail: Callable[..., Any]) -> None:
    class Items(MethodView):
        def get(self) -> Any:
            return fail()

    add(app, "/x", Items.as_view("items"))


def async_view(app: Flask, fail: Callable[..., Any]) -> None:
    async def items() -> Any:
        return fail()

    add(app, "/x", items)


def nested_blueprint(app: Flask, fail: Callable[..., Any]) -> None:
    outer, inner = Blueprint("outer", "o"), Blueprint("inner", "i")
    inner.add_url_rule("/x", view_func=fail, endpoint="x")
    outer.register_blueprint(inner)
    app.register_blueprint(outer)


def template(app: Flask, fail: Callable[..., Any]) -> None:
    add(app, "/x", lambda: render_template_string("{{ fail() }}", fail=fail))


def before_request(app: Flask, fail: Callable[..., Any]) -> None:
    add(app, "/x", ok)
    app.before_request(fail)


def before_of_a_blueprint(app: Flask, fail: Callable[..., Any]) -> None:
    blueprint = Blueprint("b", "b")
    blueprint.before_request(fail)
    blueprint.add_url_rule("/x", view_func=ok, endpoint="x")
    app.register_blueprint(blueprint)


def url_values(app: Flask, fail: Callable[..., Any]) -> None:
    add(app, "/x", ok)
    app.url_value_preprocessor(fail)


def after_request(app: Flask, fail: Callable[..., Any]) -> None:
    add(app, "/x", ok)
    failed: list[object] = []

    @app.after_request
    def after(response: Response) -> Response:
        if not failed:  # it is called for the answer to the error, too
            failed.append(response)
            fail()
        return response


def converter(app: Flask, fail: Callable[..., Any]) -> None:
    class Failing(BaseConverter):
        def to_python(self, value: str) -> Any:  # noqa: ARG002 - as Werkzeug has it
            return fail()

    app.url_map.converters["failing"] = Failing
    add(app, "/<failing:name>", ok)


def session(app: Flask, fail: Callable[..., Any]) -> None:
    class Sessions(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Any) -> Any:  # noqa: ARG002 - as Flask has it
            return fail()

    add(app, "/x", ok)
    app.session_interface = Sessions()


def error_handler(app: Flask, fail: Callable[..., Any]) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    add(app, "/x", broken)
    app.register_error_handler(ZeroDivisionError, fail)


def teardown_request(app: Flask, fail: Callable[..., Any]) -> None:
    add(app, "/x", ok)
    app.teardown_request(fail)


def teardown_app(app: Flask, fail: Callable[..., Any]) -> None:
    add(app, "/x", ok)
    app.teardown_appcontext(fail)


def request_class(app: Any, fail: Callable[..., Any]) -> None:
    add(app, "/x", ok)
    app.request_class = fail


def first_chunk(app: Flask, fail: Callable[..., Any]) -> None:
    def chunks() -> Iterator[str]:
        yield fail()

    add(app, "/x", lambda: stream_with_context(chunks()))


INSIDE = [view, method_view, nested_blueprint, template, before_request, before_of_a_blueprint]
INSIDE += [url_values, async_view]
OUTSIDE = [after_request, converter, session, error_handler]
"""Where Flask asks no error handler of a class, and calls it a bug."""
AROUND = [teardown_request, teardown_app, request_class, first_chunk]
"""What leaves Flask."""


def ask(place: Callable[[Flask, Any], object], make: Any, **settings: Any) -> tuple[Answer, Flask]:
    app = make_app(Config(mapping=mapping()), **settings)
    failures: list[BaseException] = []

    def fail(*_args: object, **_named: object) -> None:
        if not failures:
            failures.append(make())
        raise failures[0]

    place(app, fail)
    return ask_wsgi(app, "/x"), app


def also(place: object) -> list[str]:
    """Return what Flask logs besides, with or without us: there is no session to be saved."""
    said = "Request finalizing failed with an error while handling an error"
    return [said] if place is session else []


@pytest.mark.parametrize("propagates", [False, True], ids=["", "propagates"])
@pytest.mark.parametrize("place", [*INSIDE, *OUTSIDE, *AROUND], ids=lambda place: place.__name__)
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: SoldOut("All gone"), (409, "flask_sold_out", "All gone")),
        (StockError, (409, "flask_sold_out", "Mapped")),
        (lambda: Forbidden("Not you"), (403, "permission_denied", "Not you")),
    ],
    ids=["typed", "mapped", "http"],
)
def test_mapped(
    place: Any,
    make: Any,
    expected: tuple[object, ...],
    propagates: bool,  # noqa: FBT001 - a parameter of the test
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What has a mapping is that answer wherever it is raised, with one record, and no bug."""
    caplog.set_level("INFO")
    answer, _ = ask(place, make, PROPAGATE_EXCEPTIONS=propagates)
    error = error_of(answer)
    assert (answer.status, error["code"], error["message"]) == expected
    assert answer.raised is None
    (record,) = records_of(caplog)
    assert record.name == "kaiko"
    assert [each.getMessage() for each in caplog.records if each is not record] == also(place)


@pytest.mark.parametrize("place", [*INSIDE, *OUTSIDE], ids=lambda place: place.__name__)
def test_unmapped(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A bug is 500; Flask's record is as without us, and ours has the very exception."""
    bug = LookupError("kaiko_secret")
    answer, _ = ask(place, lambda: bug)
    assert (answer.status, *[error_of(answer)[key] for key in ("code", "message")]) == (
        500,
        "internal",
        INTERNAL[3],
    )
    assert answer.raised is None
    flasks, *others, ours = caplog.records
    assert (flasks.name, ours.name) == ("service", "kaiko.unmapped")
    assert [each.getMessage() for each in others] == also(place)
    for record in flasks, ours:
        assert (record.exc_info or (None, None))[1] is bug


@pytest.mark.parametrize("place", AROUND, ids=lambda place: place.__name__)
def test_unmapped_outside(place: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A bug that leaves Flask is raised to the server after the answer."""
    bug = LookupError("kaiko_secret")
    answer, _ = ask(place, lambda: bug)
    assert error_of(answer)["code"] == "internal"
    assert answer.raised is bug
    assert [record.name for record in caplog.records] == ["kaiko.unmapped"]


def test_teardown_knows_the_id() -> None:
    """So do receivers of signals."""
    app = add(make_app(), "/x", ok)
    seen: list[str | None] = []

    @app.teardown_request
    @app.teardown_appcontext
    def teardown(_exc: object) -> None:
        seen.append(current_request_id())

    def receive(_sender: object, **_named: object) -> None:
        seen.append(current_request_id())

    with request_started.connected_to(receive, app), request_finished.connected_to(receive, app):
        answer = ask_wsgi(app, "/x")
    assert seen == [answer.id] * 4
    assert current_request_id() is None


def test_after_request_sees_the_answer() -> None:
    """What it adds to an envelope stays, in the answer to a bug too; the id is ours."""
    app = make_app()

    def bug() -> None:
        raise LookupError

    def typed() -> None:
        raise SoldOut

    add(app, "/typed", typed)
    add(app, "/bug", bug)

    @app.after_request
    def after(response: Response) -> Response:
        response.headers["X-Added"] = str(response.status_code)
        response.headers["X-Request-ID"] = "own"
        response.set_cookie("seen", "1")
        return response

    for path, status in ("/typed", 409), ("/bug", 500), ("/nowhere", 404):
        answer = ask_wsgi(app, path)
        error_of(answer)
        assert (answer.status, answer.all("x-added")) == (status, [str(status)])
        assert len(answer.all("set-cookie")) == 1
        assert answer.id != "own"


def test_after_request_may_answer_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    """An answer in place of an envelope is rewritten, and a success is left alone."""
    app = make_app()
    caplog.set_level("INFO", "kaiko")

    def typed() -> None:
        raise SoldOut

    add(app, "/x", typed)

    @app.after_request
    def after(response: Response) -> Response:
        if "good" in request.args:
            return Response("fine", 200)
        response.set_data('{"message": "something else"}')
        return response

    answer = ask_wsgi(app, "/x")
    assert (answer.status, error_of(answer)["message"]) == (409, "something else")
    (record,) = records_of(caplog)  # of the error, not of each body
    assert vars(record)["code"] == "flask_sold_out"
    assert ask_wsgi(app, "/x?good=1").body == b"fine"


@pytest.mark.parametrize("raised", [SoldOut, NotFound, LookupError], ids=["typed", "http", "bug"])
def test_a_class_of_responses_that_writes_bodies(
    raised: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """An application's own class may put something around each body: the record is one."""

    class Wrapping(Response):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.set_data(b'{"data": ' + self.get_data() + b"}")

    app = raising(make_app(), raised)
    app.response_class = Wrapping
    caplog.set_level("INFO", "kaiko")
    answer = ask_wsgi(app, "/x")
    error_of(answer)
    assert len(records_of(caplog)) == 1


def test_after_request_may_answer_a_bug_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    """The status that it gives stays, and an error is reported with the exception."""
    app = make_app()

    def bug() -> None:
        raise LookupError

    add(app, "/bug", bug)

    @app.after_request
    def after(response: Response) -> Response:
        if "good" in request.args:
            return Response("fine", 200)
        response.status_code = 503
        response.headers["Retry-After"] = "7"
        return response

    answer = ask_wsgi(app, "/bug")
    assert (answer.status, error_of(answer)["code"]) == (503, "service_unavailable")
    assert answer.all("retry-after") == ["7"]
    (record,) = records_of(caplog)
    assert isinstance((record.exc_info or (None, None))[1], LookupError)
    answer = ask_wsgi(app, "/bug?good=1")
    assert (answer.status, answer.body) == (200, b"fine")

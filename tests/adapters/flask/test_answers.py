"""What a view of Flask raises or returns, and what its router answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from flask import Flask, Response, abort, make_response, redirect, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    InternalServerError,
    SecurityError,
    TooManyRequests,
    Unauthorized,
)
from werkzeug.routing import IntegerConverter

from adapters.flask.support import (
    INTERNAL,
    SoldOut,
    StockError,
    add,
    ask_error,
    error_of,
    make_app,
    mapping,
    raising,
)
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import Config, current_request_id
from kaiko_wsgi.environ import ENVIRON_ID

if TYPE_CHECKING:
    from collections.abc import Callable

SOLD_OUT = (409, "flask_sold_out", "sku", "All gone")
FORBIDDEN = (403, "permission_denied", None, "The API key does not permit this")
CONFLICT = "The request conflicts with the state of the resource"
UNAVAILABLE = (503, "service_unavailable", None, "The service is temporarily unavailable")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: SoldOut("All gone"), SOLD_OUT),
        (StockError, (409, "flask_sold_out", "sku", "Mapped")),
        (lambda: StockError("unknown"), INTERNAL),
        (lambda: ExceptionGroup("g", [SoldOut("All gone")]), SOLD_OUT),
        (lambda: KeyError("kaiko_secret"), INTERNAL),
        (TimeoutError, (503, "timeout", None, "The operation timed out")),
        (lambda: BadRequest("The name is taken"), (400, "bad_request", None, "The name is taken")),
        (BadRequest, (400, "bad_request", None, "The request is invalid")),
        (lambda: Forbidden("Forbidden"), FORBIDDEN),
        (lambda: InternalServerError("secret"), INTERNAL),
        (
            lambda: BadRequest(cast("Any", {"message": "Moved", "code": "moved", "param": "at"})),
            (400, "moved", "at", "Moved"),
        ),
        (
            lambda: SecurityError("Host 'x' is not trusted"),
            (400, "invalid_host", None, "The Host header is not allowed"),
        ),
    ],
)
def test_raised(make: Callable[[], Exception], expected: tuple[object, ...]) -> None:
    """What a view raises has the status, the code and the text of the contract."""
    assert ask_error(raising(make_app(Config(mapping=mapping())), make)) == expected


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (lambda: abort(404), (404, "not_found", None, "The resource was not found")),
        (lambda: abort(404, "No such cup"), (404, "not_found", None, "No such cup")),
        (lambda: abort(503, "db-7 is down"), UNAVAILABLE),
        (lambda: abort(502), UNAVAILABLE),
        (lambda: abort(Response("No tea", 418)), (418, "im_a_teapot", None, "No tea")),
        (
            lambda: abort(make_response({"code": "own", "message": "Mine"}, 400)),
            (400, "own", None, "Mine"),
        ),
        (
            lambda: abort(403, response=Response("Not here", 403)),
            (403, "permission_denied", None, "Not here"),
        ),
        (lambda: ("No such cup", 404), (404, "not_found", None, "No such cup")),
        (lambda: ({"error": "taken"}, 409), (409, "taken", None, CONFLICT)),
        (lambda: BadRequest("returned"), (400, "bad_request", None, "returned")),
        (lambda: None, INTERNAL),
    ],
)
def test_aborted_or_returned(stop: Callable[[], Any], expected: tuple[object, ...]) -> None:
    """`abort`, an error answer of the view's, and a view that returns nothing."""
    app = make_app()
    add(app, "/x", stop)
    assert ask_error(app) == expected


def test_an_http_exception_keeps_its_headers() -> None:
    """A challenge, when to come again, and which methods there are."""
    app = make_app()
    raising(app, lambda: Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "x"})))
    add(app, "/later", _raise(lambda: TooManyRequests(retry_after=7)))
    assert ask_wsgi(app, "/x").all("www-authenticate") == ["Basic realm=x"]
    answer = ask_wsgi(app, "/later")
    assert (error_of(answer)["code"], answer.one("retry-after")) == ("too_many_requests", "7")
    answer = ask_wsgi(app, "/x", method="DELETE")
    assert error_of(answer)["code"] == "method_not_allowed"
    assert {*answer.one("allow").split(", ")} == {"GET", "HEAD", "OPTIONS", "POST"}


def test_successes_pass() -> None:
    """A success, an empty answer, OPTIONS and redirects have the id, and nothing else is new."""
    app = make_app()
    add(app, "/ok", lambda: [current_request_id(), request.environ[ENVIRON_ID]])
    add(app, "/empty", lambda: ("", 204))
    add(app, "/away", lambda: redirect("/ok"))
    add(app, "/slash/", lambda: "")
    add(app, "/moved", lambda: abort(redirect("/ok")))
    answer = ask_wsgi(app, "/ok")
    assert answer.body == f'["{answer.id}","{answer.id}"]\n'.encode()
    for path, status in ("/empty", 204), ("/away", 302), ("/slash", 308), ("/moved", 302):
        answer = ask_wsgi(app, path)
        assert (answer.status, len(answer.all("x-request-id"))) == (status, 1)
    assert ask_wsgi(app, "/slash").one("location") == "http://testserver/slash/"
    assert "HEAD" in ask_wsgi(app, "/ok", method="OPTIONS").one("allow")


def test_the_router() -> None:
    """An unknown path, a path of another type, and a number that no `int` can hold."""
    app = make_app()
    add(app, "/items/<int:number>", str)
    for path in "/nowhere", "/items/a", f"/items/{'1' * 5000}", "/items/1/":
        assert ask_error(app, path)[:2] == (404, "not_found")


def test_a_number_that_an_older_werkzeug_cannot_hold() -> None:
    """Its converter raised what `int` raises."""
    older: dict[str, Any] = {"__name__": "werkzeug.routing.converters"}
    exec("def to_python(self, value):\n    return int(value)", older)  # noqa: S102 - as it was there
    app = make_app()
    made: dict[str, Any] = {"to_python": older["to_python"]}
    app.url_map.converters["int"] = type("IntegerConverter", (IntegerConverter,), made)
    add(app, "/items/<int:number>", str)
    assert ask_error(app, f"/items/{'1' * 5000}")[:2] == (404, "not_found")


@pytest.mark.skipif("TRUSTED_HOSTS" not in Flask.default_config, reason="since Flask 3.1")
@pytest.mark.parametrize("host", ["evil.example", "a..b", "x" * 70 + ".example"])
def test_a_host_that_is_not_trusted(host: str) -> None:
    """Its name is not repeated."""
    app = raising(make_app(TRUSTED_HOSTS=["shop.example"]), SoldOut)
    assert ask_error(app, headers=[("Host", "shop.example")])[0] == 409
    expected = (400, "invalid_host", None, "The Host header is not allowed")
    assert ask_error(app, headers=[("Host", host)]) == expected


def test_a_head_has_no_body() -> None:
    """It has the head of the GET."""
    app = raising(make_app(), SoldOut)
    get, head = ask_wsgi(app, "/x"), ask_wsgi(app, "/x", method="HEAD")
    assert (head.status, head.body) == (409, b"")
    assert head.one("content-length") == get.one("content-length")


def test_one_answer_is_let_through() -> None:
    """Where the service marks the request's environ."""
    app = make_app()

    @app.get("/x")
    def x() -> tuple[str, int]:
        request.environ["kaiko_passthrough"] = True
        return "as it is", 404

    answer = ask_wsgi(app, "/x")
    assert (answer.status, answer.body) == (404, b"as it is")


def test_paths_that_are_not_ours() -> None:
    """Flask answers as it does without us, typed errors included."""
    app = make_app(Config(paths=["/api"], mapping=mapping()))
    for path, exc in ("/typed", SoldOut), ("/mapped", StockError), ("/bug", KeyError):
        add(app, path, _raise(exc))
    add(app, "/gone", lambda: abort(410))
    for path in "/typed", "/mapped", "/bug":
        answer = ask_wsgi(app, path)
        assert (answer.status, answer.all("x-request-id")) == (500, [])
        assert answer.body.startswith(b"<!doctype html>")
    assert ask_wsgi(app, "/gone").body.startswith(b"<!doctype html>")
    assert ask_error(app, "/api/x")[1] == "not_found"


def _raise(exc: Callable[[], Exception]) -> Callable[[], None]:
    def view() -> None:
        raise exc()

    return view

"""webargs and flask-smorest: what they refuse has the codes and the params of the contract."""

from __future__ import annotations

import json
from typing import Any

import flask_smorest
import marshmallow
import pytest
from flask import Flask
from marshmallow import fields
from webargs.flaskparser import use_args
from werkzeug.exceptions import Forbidden

from adapters.flask.support import INTERNAL, add, ask_error, error_of, make_app, post
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_flask._webargs import failures_in
from kaiko_middleware.validation import Failure


class Tag(marshmallow.Schema):
    name = fields.String(required=True)


class NewContext(marshmallow.Schema):
    title = fields.String(required=True)
    size = fields.Integer(data_key="contextSize")
    tags = fields.List(fields.Nested(Tag))
    counts = fields.List(fields.Integer())
    meta = fields.Dict(fields.String(), fields.Integer())
    owner = fields.Nested(Tag)

    @marshmallow.validates_schema
    def refuse(self, data: dict[str, Any], **_: Any) -> None:
        if data["title"] == "refused":
            raise marshmallow.ValidationError("kaiko_secret")


class Page(marshmallow.Schema):
    limit = fields.Integer(required=True)


def with_webargs() -> Flask:
    app = make_app()
    many = use_args(Page(many=True), location="json")(lambda _: "ok")
    add(app, "/many", many, methods=["POST"])
    body = use_args(NewContext(), location="json")(lambda _: "ok")
    add(app, "/x", body, methods=["POST"])
    return add(app, "/page", use_args(Page(), location="query")(lambda _: "ok"))


def with_smorest(*, later: bool = False) -> Flask:
    app = Flask("service")
    app.config.update(API_TITLE="a", API_VERSION="1", OPENAPI_VERSION="3.0.3")
    if not later:
        install(app)
    api = flask_smorest.Api(app)
    if later:
        install(app)
    blueprint = flask_smorest.Blueprint("b", "b")
    body: Any = blueprint.arguments(NewContext)(lambda _: "ok")
    blueprint.add_url_rule("/x", endpoint="x", view_func=body, methods=["POST"])
    api.register_blueprint(blueprint)
    return app


@pytest.mark.parametrize(
    "make",
    [with_webargs, with_smorest, lambda: with_smorest(later=True)],
    ids=["webargs", "", "later"],
)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "missing_field", "title")),
        ({"title": 7}, (422, "invalid_title", "title")),
        ({"title": "a", "contextSize": "x"}, (422, "invalid_value", "contextSize")),
        ({"title": "a", "tags": [{}]}, (400, "missing_field", "tags[0].name")),
        ({"title": "a", "tags": ["x"]}, (422, "invalid_tags", "tags[0]")),
        ({"title": "a", "counts": [1, "x"]}, (422, "invalid_counts", "counts[1]")),
        ({"title": "a", "meta": {"kaiko": "x"}}, (422, "invalid_meta", "meta[*]")),
        ({"title": "a", "owner": {"name": 1}}, (422, "invalid_name", "owner.name")),
        ({"title": "a", "owner": {"name": "b", "kaiko": 1}}, (400, "unknown_field", "owner")),
        ({"title": "a", "kaiko": 1}, (400, "unknown_field", None)),
        ({"title": "refused"}, (422, "invalid_value", None)),
        ("text", (422, "invalid_value", None)),
    ],
    ids=str,
)
def test_bodies(make: Any, body: object, expected: tuple[object, ...]) -> None:
    """The names are the service's, and nothing of the body is repeated."""
    *found, message = post(make(), "/x", json.dumps(body).encode())
    assert tuple(found) == expected
    assert "kaiko" not in message


@pytest.mark.parametrize("make", [with_webargs, with_smorest], ids=["webargs", "smorest"])
def test_unreadable_bodies(make: Any) -> None:
    """No body, and what is not JSON."""
    assert post(make(), "/x", b"")[1] == "missing_body"
    assert post(make(), "/x", b"{")[0] == 400


def test_other_parts() -> None:
    """A parameter of the query, and a list of objects."""
    app = with_webargs()
    assert ask_error(app, "/page?limit=x")[:3] == (400, "invalid_limit", "limit")
    assert ask_error(app, "/page")[:3] == (400, "missing_field", "limit")
    assert post(app, "/many", b'[{"limit": 1}, {}]')[:3] == (400, "missing_field", "[1].limit")


def test_messages_of_another_shape() -> None:
    """A hook of the service's may give a list in place of an object."""
    found = failures_in({"messages": {"headers": ["no"]}, "schema": NewContext()})
    assert found == [Failure("value", "header", None)]


def test_smorests_own_handler_is_no_services() -> None:
    """A bug, `abort` with a text and an unknown path are what they are without it."""
    app = with_smorest()

    def abort(**said: Any) -> Any:
        return lambda: flask_smorest.abort(404, **said)

    add(app, "/bug", lambda: str(1 // 0))
    add(app, "/late", _late)
    add(app, "/told", abort(message="No such cup"))
    add(app, "/untold", abort(errors={"cup": ["gone"]}))
    add(app, "/down", lambda: flask_smorest.abort(503, message="db-7"))
    assert ask_error(app, "/bug") == INTERNAL
    assert ask_error(app, "/late")[:2] == (503, "timeout")
    assert ask_error(app, "/told") == (404, "not_found", None, "No such cup")
    assert ask_error(app, "/untold")[3] == ask_error(app, "/nowhere")[3]
    assert "db-7" not in ask_error(app, "/down")[3]


def _late() -> str:
    raise TimeoutError


def test_fields_that_abort_is_given() -> None:
    """They are sent, as flask-smorest does without us, whatever is refused."""
    wait = {"Retry-After": "7", "X-Own": "1"}

    def abort(status: int, **said: Any) -> Any:
        return lambda: flask_smorest.abort(status, headers=wait, **said)

    app = with_smorest()
    add(app, "/limited", abort(429, message="Slower"))
    add(app, "/text", abort(404))
    add(app, "/refused", abort(422, messages={"json": {"title": ["no"]}}))
    refused = use_args(Page(), location="query", error_headers={**wait})(lambda _: "ok")
    add(app, "/page", refused)
    for path, status in {"/limited": 429, "/text": 404, "/refused": 422, "/page": 400}.items():
        answer = ask_wsgi(app, path)
        assert (answer.status, answer.one("X-Own"), answer.one("Retry-After")) == (status, "1", "7")
    assert error_of(ask_wsgi(app, "/limited"))["message"] == "Slower"
    assert error_of(ask_wsgi(app, "/page"))["param"] == "limit"


def test_headers_in_the_body_of_others() -> None:
    """What somebody else puts on an exception is no field of the answer."""
    refused = Forbidden()
    vars(refused)["data"] = {"message": "No", "headers": {"X-Own": "1"}}

    def view() -> str:
        raise refused

    answer = ask_wsgi(add(make_app(), "/x", view), "/x")
    assert (answer.status, answer.all("X-Own"), error_of(answer)["message"]) == (403, [], "No")

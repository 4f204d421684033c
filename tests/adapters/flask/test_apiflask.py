"""APIFlask: what it refuses and what a view aborts with is answered by the contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import apiflask
import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel, ConfigDict
from werkzeug.exceptions import NotFound

from adapters.flask.support import INTERNAL, SoldOut, StockError, add, ask_error, mapping, post
from adapters.flask.test_webargs import NewContext, Page
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_flask.openapi import document_errors, responses
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM = "application/x-www-form-urlencoded"


class Tagged(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


class Given(BaseModel):
    title: str
    tags: list[Tagged] = []


class Token(BaseModel):
    x_token: int


class CupNotFound(apiflask.HTTPError):
    status_code = 404
    message = "No such cup"
    extra_data: Mapping[str, Any] = {"code": "cup_not_found", "param": "cup"}


def _ok(**_: Any) -> str:
    return "ok"


def _process(spec: Any) -> Any:
    return {**spec, "x-own": 1}


def make_app(config: Config | None = None, **options: Any) -> apiflask.APIFlask:
    app = apiflask.APIFlask("service", **options)
    install(app, config)
    return app


def taking(schema: Any, location: str, app: apiflask.APIFlask | None = None) -> apiflask.APIFlask:
    """Add a view that takes input."""
    app = app or make_app()
    view = app.input(schema, location=location, arg_name="given")(_ok)
    add(app, "/x", view, methods=["GET", "POST"])
    return app


def raising(exc: BaseException, app: apiflask.APIFlask | None = None) -> apiflask.APIFlask:
    """Add a view that raises."""

    def view() -> str:
        raise exc

    app = app or make_app()
    add(app, "/x", view)
    return app


def told(*args: Any, **said: Any) -> tuple[int, str, str | None, str]:
    """Return the answer to a view that aborts."""
    return ask_error(raising(apiflask.HTTPError(*args, **said)))


@pytest.mark.parametrize(
    ("schema", "body", "expected"),
    [
        (NewContext, {}, (400, "missing_field", "title")),
        (NewContext, {"title": "a", "tags": [{"name": 1}]}, (422, "invalid_name", "tags[0].name")),
        (NewContext, {"title": "a", "kaiko": 1}, (400, "unknown_field", None)),
        (Given, {}, (400, "missing_field", "title")),
        (Given, {"title": "a", "tags": [{"name": 1}]}, (422, "invalid_name", "tags[0].name")),
        (
            Given,
            {"title": "a", "tags": [{"name": "b", "kaiko": 1}]},
            (400, "unknown_field", "tags[0]"),
        ),
    ],
    ids=str,
)
def test_bodies(schema: Any, body: object, expected: tuple[object, ...]) -> None:
    """The names are the service's, and nothing of the body is repeated."""
    *found, message = post(taking(schema, "json"), "/x", json.dumps(body).encode())
    assert tuple(found) == expected
    assert "kaiko" not in message


@pytest.mark.parametrize("schema", [NewContext, Given])
def test_unreadable_bodies(schema: Any) -> None:
    """No body, what is not JSON, and a form without fields."""
    app = taking(schema, "json")
    assert post(app, "/x", b"")[:2] == (400, "missing_body")
    assert post(app, "/x", b"{")[:2] == (400, "invalid_json")
    assert post(taking(schema, "form"), "/x", b"", FORM)[:3] == (400, "missing_field", "title")


@pytest.mark.parametrize("location", ["query", "cookies", "headers"])
def test_parameters(location: str) -> None:
    """A parameter that is absent or bad is a 400."""
    app = taking(Page, location)
    assert ask_error(app)[:3] == (400, "missing_field", "limit")
    headers = {"cookies": [("Cookie", "limit=x")], "headers": [("limit", "x")]}.get(location, [])
    assert ask_error(app, "/x?limit=x", headers=headers)[:3] == (400, "invalid_limit", "limit")


def test_header_of_a_model() -> None:
    """A header has the name that is sent."""
    app = taking(Token, "headers")
    assert ask_error(app)[:3] == (400, "missing_field", "x-token")
    refused = ask_error(app, headers=[("X-Token", "x")])
    assert refused[:3] == (400, "invalid_value", "x-token")


def test_abort() -> None:
    """The author's text, code and headers are kept; a 5xx says nothing."""
    usual = ask_error(make_app(), "/nowhere")
    assert told(404) == usual
    assert told(404, "No such cup") == (404, "not_found", None, "No such cup")
    assert told(409, "Taken", {"code": "taken", "message": "other"})[1:] == ("taken", None, "Taken")
    assert told(409, detail="It is taken")[3] == "It is taken"
    assert told(409, detail=["kaiko"])[1] == "conflict"
    assert told(503, "db-7", {"code": "db"})[1:2] == ("service_unavailable",)
    assert "db-7" not in told(503, "db-7")[3]
    assert ask_error(raising(CupNotFound())) == (404, "cup_not_found", "cup", "No such cup")
    limited = ask_wsgi(raising(apiflask.HTTPError(429, headers={"Retry-After": "7"})), "/x")
    assert ("retry-after", "7") in [(name.lower(), value) for name, value in limited.headers]


@pytest.mark.parametrize("json_errors", [True, False])
def test_what_is_not_apiflasks(json_errors: bool) -> None:  # noqa: FBT001 - pytest passes it
    """Flask's errors, a typed error, a mapped one and a bug are answered as on Flask."""
    app = make_app(Config(mapping=mapping()), json_errors=json_errors)
    add(app, "/told", lambda: _raise(NotFound("No such cup")))
    add(app, "/typed", lambda: _raise(SoldOut("Gone")))
    add(app, "/mapped", lambda: _raise(StockError()))
    add(app, "/bug", lambda: str(1 // 0))
    assert ask_error(app, "/told") == (404, "not_found", None, "No such cup")
    assert ask_error(app, "/typed")[1:] == ("flask_sold_out", "sku", "Gone")
    assert ask_error(app, "/mapped")[3] == "Mapped"
    assert ask_error(app, "/bug") == INTERNAL


def _raise(exc: Exception) -> str:
    raise exc


@pytest.mark.parametrize("later", [True, False])
def test_own_error_processor(later: bool) -> None:  # noqa: FBT001 - pytest passes it
    """It is asked about all that APIFlask asks it about, and its answers are rewritten."""
    app = apiflask.APIFlask("service")
    if later:
        install(app)

    @app.error_processor
    def process(error: apiflask.HTTPError) -> Any:
        asked.append(error.status_code)
        body = {"detail": {"kind": "cup"}, "message": f"Own {error.message}", "code": "own"}
        return body, error.status_code, {"X-Own": "1"}

    if not later:
        install(app)
    asked: list[int] = []
    taking(NewContext, "json", app)
    add(app, "/told", lambda: _raise(apiflask.HTTPError(404, "cup")))
    add(app, "/bug", lambda: str(1 // 0))
    assert ask_error(app, "/told") == (404, "own", None, "Own cup")
    assert post(app, "/x", b"{}")[:2] == (422, "own")
    assert ask_error(app, "/nowhere")[1] == "own"
    assert ask_error(app, "/bug")[0] == 500
    assert asked == [404, 422, 404, 500]


def test_challenge() -> None:
    """The scheme that the service asks for stays."""
    app = make_app()
    auth = apiflask.HTTPBasicAuth()
    add(app, "/x", app.auth_required(auth)(lambda: "ok"))
    answer = ask_wsgi(app, "/x")
    assert ask_error(app)[1] == "invalid_api_key"
    assert any(value.startswith("Basic ") for _, value in answer.headers)


def test_paths_that_are_not_ours() -> None:
    """They are answered as without it."""
    app = raising(apiflask.HTTPError(404, "cup"), make_app(Config(paths=["/v2"])))
    assert json.loads(ask_wsgi(app, "/x").body) == {"detail": {}, "message": "cup"}


@pytest.mark.parametrize("processed", [True, False])
def test_document(processed: bool) -> None:  # noqa: FBT001 - pytest passes it
    """It is valid, each error answer is the envelope, and the service's processor is asked."""
    app = make_app()
    if processed:
        app.spec_processor(_process)
    document_errors(app)
    schema: Any = NewContext  # APIFlask's type names a class of its own
    view = app.input(schema)(_ok)
    view = app.doc(responses=responses(SoldOut))(view)
    add(app, "/x", view, methods=["POST"])
    made: Any = json.loads(ask_wsgi(app, "/openapi.json").body)
    validate(made)
    assert ("x-own" in made) is processed
    answers = made["paths"]["/x"]["post"]["responses"]
    assert {"400", "409", "422", "default"} <= answers.keys()
    assert "X-Request-ID" in answers["422"]["headers"]
    examples = answers["409"]["content"]["application/json"]["examples"]
    assert examples["flask_sold_out"]["value"]["error"]["param"] == "sku"

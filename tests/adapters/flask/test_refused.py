"""What Flask-RESTX and Flask-RESTful refuse of a request, by the rules for validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask_restful
import flask_restful.reqparse
import flask_restx
import pytest

from adapters.flask.support import JSON, ask_error, make_app, post

if TYPE_CHECKING:
    from flask import Flask

BOTH = pytest.mark.parametrize(
    "library", [flask_restx, flask_restful], ids=lambda each: each.__name__
)


def parsing(library: Any, *, strict: bool = False, **options: Any) -> Flask:
    """Return an application with a resource that parses its arguments."""
    app = make_app()
    parser = library.reqparse.RequestParser(**options)
    parser.add_argument("size", type=int, required=True, location="args", help="Its size")
    parser.add_argument("kind", choices=("tea", "milk"), location="json")
    parser.add_argument("x-token", required=True, location="headers")

    def parse(_self: object) -> Any:
        return parser.parse_args(strict=strict)

    library.Api(app).add_resource(type("Cups", (library.Resource,), {"post": parse}), "/x")
    return app


TOKEN = ("x-token", "1")


@BOTH
def test_arguments(library: Any) -> None:
    """The first is told, by its name and its place."""
    app = parsing(library)
    asked: dict[str, Any] = {"method": "POST", "headers": [TOKEN, ("Content-Type", JSON)]}
    assert ask_error(app, method="POST", body=b"{}", headers=[("Content-Type", JSON)])[:3] == (
        400,
        "missing_field",
        "size",
    )
    found = ask_error(app, "/x?size=kaiko_secret", body=b"{}", **asked)
    assert found == (400, "invalid_size", "size", "The 'size' parameter has an invalid value")
    found = ask_error(app, "/x?size=1", body=b'{"kind": "kaiko_secret"}', **asked)
    assert found == (422, "invalid_kind", "kind", "The 'kind' field has an invalid value")
    found = post(app, "/x?size=1", b"{}")
    assert found[:3] == (400, "missing_field", "x-token")


@BOTH
def test_several_arguments(library: Any) -> None:
    """They are counted where the parser bundles them."""
    found = post(parsing(library, bundle_errors=True), "/x", b"{}")
    assert found == (
        400,
        "missing_field",
        "size",
        "The 'size' field is required (and 1 more: x-token)",
    )


@BOTH
def test_an_unknown_argument(library: Any) -> None:
    """Its name is the client's."""
    app = parsing(library, strict=True)
    found = ask_error(
        app,
        "/x?size=1&kaiko_secret=1",
        method="POST",
        body=b"{}",
        headers=[TOKEN, ("Content-Type", JSON)],
    )
    assert found == (
        400,
        "unknown_field",
        None,
        "The request body has a field that is not allowed",
    )


@BOTH
@pytest.mark.parametrize("within", [False, True], ids=["view", "argument"])
def test_an_abort_of_the_services_own(library: Any, within: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Nothing is known of it but what it says."""

    class Own(library.reqparse.Argument):  # type: ignore[misc]  # it is one of two
        def handle_validation_error(self, _error: object, _bundle: object) -> None:
            library.abort(400, message="Own words")

    app = make_app()
    parser = library.reqparse.RequestParser(argument_class=Own)
    parser.add_argument("size", required=True, location="args")

    def get(_self: object) -> Any:
        return parser.parse_args() if within else library.abort(400, message="Own words")

    library.Api(app).add_resource(type("Cups", (library.Resource,), {"get": get}), "/x")
    assert ask_error(app) == (400, "bad_request", None, "Own words")


def modelled() -> Flask:
    """Return an application of Flask-RESTX's with models that are validated."""
    app = make_app()
    api = flask_restx.Api(app)
    fields = flask_restx.fields
    part = api.model("Part", {"name": fields.String(required=True), "of": fields.Integer})
    cup = api.model(
        "Cup",
        {
            "size": fields.Integer(required=True, min=1),
            "parts": fields.List(fields.Nested(part)),
            "notes": fields.Wildcard(fields.Integer),
        },
        strict=True,
    )
    free = api.schema_model(
        "Free",
        {
            "type": "object",
            "properties": {
                "meta": {"type": "object", "additionalProperties": {"type": "integer"}},
                "marks": {"type": "object", "patternProperties": {"^a": {"type": "integer"}}},
                "both": {"allOf": [{"required": ["a"]}]},
            },
        },
    )
    for path, model in ("/cup", cup), ("/free", free):
        body = {"post": api.expect(model, validate=True)(lambda _: {})}
        api.add_resource(type(f"C{path[1:]}", (flask_restx.Resource,), body), path)
    return app


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/cup", b"{}", (400, "missing_field", "size")),
        ("/cup", b'{"size": "kaiko_secret"}', (422, "invalid_size", "size")),
        ("/cup", b'{"size": 1, "kaiko_secret": 1}', (400, "unknown_field", None)),
        ("/cup", b'{"size": 1, "parts": [{}]}', (400, "missing_field", "parts[0].name")),
        (
            "/cup",
            b'{"size": 1, "parts": [{"name": "a", "of": "b"}]}',
            (422, "invalid_of", "parts[0].of"),
        ),
        ("/cup", b"[]", (422, "invalid_value", None)),
        ("/cup", b"{", (400, "invalid_json", None)),
        ("/cup", b"", (400, "missing_body", None)),
        ("/free", b'{"meta": {"kaiko_secret": "a"}}', (422, "invalid_meta", "meta[*]")),
        ("/free", b'{"marks": {"a_kaiko_secret": "a"}}', (422, "invalid_marks", "marks[*]")),
        ("/free", b'{"both": {}}', (400, "missing_field", "both.a")),
    ],
)
def test_models(path: str, body: bytes, expected: tuple[object, ...]) -> None:
    """The names are those of the model."""
    found = post(modelled(), path, body)
    assert found[:3] == expected
    assert "kaiko_secret" not in found[3]

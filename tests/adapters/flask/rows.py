"""Every way by which an error leaves a Flask service, and what must become of it."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

import flask_restful
import flask_restx
from flask import Response, abort, redirect, request, send_file
from flask_httpauth import HTTPTokenAuth
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields
from pydantic import BaseModel
from webargs.flaskparser import use_args
from werkzeug.exceptions import BadRequest, HTTPException, NotFound, Unauthorized

from adapters.django.row import Raised
from adapters.flask.support import (
    HTML,
    JSON,
    SoldOut,
    StockError,
    add,
    make_app,
    mapping,
    raising,
    surround,
)
from adapters.flask.test_places import AROUND, INSIDE, OUTSIDE
from adapters.starlette.row import Alone, Ask, Cut, Ended, Envelope, Gone, Row
from kaiko_middleware import Config, parse_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
SOLD_OUT = Envelope(409, "flask_sold_out")
INTERNAL = Envelope(500, "internal")
NOT_FOUND = Envelope(404, "not_found")
INVALID_JSON = Envelope(400, "invalid_json")
TOO_LARGE = Envelope(413, "payload_too_large")
NO_ERROR = "no error"


def bug() -> Exception:
    return KeyError("kaiko_secret")


def _row(name: str, becomes: Any, app: Callable[[], Any], ask: Ask | None = None) -> Row:
    return Row(name, app, ask or Ask(), becomes)


def raises(make: Any, **settings: Any) -> Callable[[], Any]:
    """Return a maker of an application whose view raises."""
    return lambda: raising(make_app(Config(mapping=mapping()), **settings), make)


def returns(view: Callable[..., Any], path: str = "/x", **settings: Any) -> Callable[[], Any]:
    """Return a maker of an application with one view."""
    return lambda: add(make_app(**settings), path, view, methods=["GET", "POST"])


def placed(place: Callable[..., object], make: Any) -> Callable[[], Any]:
    """Return a maker of an application that raises at a place."""

    def made() -> Any:
        app, exc = make_app(), make()

        def fail(*_args: object, **_named: object) -> None:
            raise exc

        place(app, fail)
        return app

    return made


def streams(kind: str, *chunks: str) -> Callable[[], Any]:
    """Return a maker of an application whose stream fails."""

    def stream() -> Iterator[str]:
        yield from chunks
        raise SoldOut

    return returns(lambda: Response(stream(), content_type=kind))


def around(middleware: Callable[[Any], Any]) -> Callable[[], Any]:
    """Return a maker of an application with WSGI middleware that is put around it later."""

    def made() -> Any:
        app = make_app()
        surround(app, middleware)
        return app

    return made


def handling(key: Any, handler: Callable[[Exception], Any], make: Any) -> Callable[[], Any]:
    """Return a maker of an application with an error handler of its own."""

    def made() -> Any:
        app = raises(make)()
        app.register_error_handler(key, handler)
        return app

    return made


def _post(body: bytes, kind: str = JSON, path: str = "/x") -> Ask:
    return Ask(path, "POST", (("Content-Type", kind),) if kind else (), (body,))


def _read_json() -> dict[str, object]:
    return {"got": request.json}


def _fail(*_given: object) -> Any:
    raise SoldOut


def _broken(*_given: object) -> Any:
    raise bug()


def _let_through() -> tuple[str, int]:
    request.environ["kaiko_passthrough"] = True
    return "Own", 404


def _bare_401(_app: Any) -> Callable[..., list[bytes]]:
    def call(_environ: Any, start: Any) -> list[bytes]:
        start("401 Unauthorized", [("Content-Type", "text/plain")])
        return [b"Who are you"]

    return call


class Cup(BaseModel):
    size: int


class CupSchema(Schema):
    size = fields.Integer(required=True)


def _validated() -> Any:
    app = make_app(API_TITLE="V2", API_VERSION="2", OPENAPI_VERSION="3.0.3")
    take: Any = use_args(CupSchema)
    add(app, "/webargs", take(lambda _: ""), methods=["POST"])
    add(app, "/model", lambda: parse_body(Cup, request.get_data()).model_dump(), methods=["POST"])
    add(app, "/form", lambda: request.form["name"], methods=["POST"])
    add(app, "/query", lambda: request.args["name"])
    blueprint: Any = Blueprint("cups", "cups")

    blueprint.post("/smorest")(blueprint.arguments(CupSchema)(lambda _: ""))
    Api(app).register_blueprint(blueprint)
    return app


def _guarded() -> Any:
    auth = HTTPTokenAuth()
    auth.verify_token(lambda _token: None)
    return returns(auth.login_required(lambda: "fine"))()


def _resource(library: Any, stop: Callable[[], Any]) -> Callable[[], Any]:
    def made() -> Any:
        app = make_app()
        api = library.Api(app)
        api.add_resource(type("R", (library.Resource,), {"get": lambda _: stop()}), "/x")
        return app

    return made


class _Odd(HTTPException):
    code = 499


def _kebab(place: Any) -> str:  # ty knows no name of a callable
    return str(place.__name__).replace("_", "-")


_PLACES = [*INSIDE, *OUTSIDE, *AROUND]
_BODYLESS = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n%s\r\n'

EVERY: tuple[Row, ...] = (
    # Your code raises
    *(_row(f"raised/{_kebab(each)}", SOLD_OUT, placed(each, SoldOut)) for each in _PLACES),
    *(_row(f"uncaught/{_kebab(each)}", INTERNAL, placed(each, bug)) for each in _PLACES),
    _row("uncaught/group", INTERNAL, raises(lambda: ExceptionGroup("g", [SoldOut(), bug()]))),
    _row("uncaught/mapped", SOLD_OUT, raises(StockError)),
    _row("uncaught/timeout", Envelope(503, "timeout"), raises(TimeoutError)),
    _row("uncaught/recursion", INTERNAL, raises(RecursionError)),
    _row("uncaught/restx", INTERNAL, _resource(flask_restx, _broken)),
    _row("uncaught/restful", INTERNAL, _resource(flask_restful, _broken)),
    _row("raised/group", SOLD_OUT, raises(lambda: ExceptionGroup("g", [SoldOut()]))),
    _row("raised/restx", SOLD_OUT, _resource(flask_restx, _fail)),
    _row("raised/restful", SOLD_OUT, _resource(flask_restful, _fail)),
    _row("HTTPException/abort", NOT_FOUND, returns(lambda: abort(404, "No such cup"))),
    _row("HTTPException/502", Envelope(503, "service_unavailable"), returns(lambda: abort(502))),
    _row(
        "HTTPException/response",
        Envelope(418, "im_a_teapot"),
        returns(lambda: abort(Response("No tea", 418))),
    ),
    _row("HTTPException/odd-status", Envelope(499, "request_rejected"), raises(_Odd)),
    _row("HTTPException/302", Alone(302, NO_ERROR), returns(lambda: abort(redirect("/y")))),
    _row("HTTPException/restx", NOT_FOUND, _resource(flask_restx, lambda: abort(404))),
    _row("HTTPException/restful", NOT_FOUND, _resource(flask_restful, lambda: abort(404))),
    # Cancelled, interrupted, exiting
    _row("BaseException/exit", INTERNAL, raises(SystemExit)),
    _row("BaseException/keyboard", INTERNAL, raises(KeyboardInterrupt)),
    _row("BaseException/cancelled", INTERNAL, raises(CancelledError)),
    _row("BaseException/generator-exit", Raised(), raises(GeneratorExit)),
    # Your code returns an error, or what cannot be sent
    _row("returned/text", NOT_FOUND, returns(lambda: ("No such cup", 404))),
    _row("returned/json", Envelope(409, "taken"), returns(lambda: ({"error": "taken"}, 409))),
    _row("returned/html", Envelope(410, "gone"), returns(lambda: ("<html></html>", 410))),
    _row("returned/exception", Envelope(400, "bad_request"), returns(lambda: BadRequest("Taken"))),
    _row("returned/nothing", INTERNAL, returns(lambda: None)),
    _row("returned/another-type", INTERNAL, returns(lambda: 7)),
    _row("returned/302", Alone(302, NO_ERROR), returns(lambda: redirect("/y"))),
    _row("returned/passthrough", Alone(404, "let through by the service"), returns(_let_through)),
    _row("response/status", INTERNAL, returns(lambda: Response("x", 999))),
    # Routing, hosts and redirects
    _row("routing/404", NOT_FOUND, make_app),
    _row("routing/type", NOT_FOUND, returns(str, "/i/<int:n>"), Ask("/i/a")),
    _row("routing/long-number", NOT_FOUND, returns(str, "/i/<int:n>"), Ask(f"/i/{'1' * 5000}")),
    _row("routing/slash", Alone(308, NO_ERROR), returns(str, "/x/")),
    _row(
        "method/405",
        Envelope(405, "method_not_allowed"),
        returns(str),
        Ask("/x", "DELETE"),
    ),
    _row("method/unknown", Envelope(405, "method_not_allowed"), returns(str), Ask("/x", "BREW")),
    _row(
        "method/restx",
        Envelope(405, "method_not_allowed"),
        _resource(flask_restx, dict),
        Ask("/x", "PUT"),
    ),
    # Bodies and their limits
    _row("body/bad-json", INVALID_JSON, returns(_read_json), _post(b"{")),
    _row("body/undecodable", INVALID_JSON, returns(_read_json), _post(b"\xff")),
    _row("body/deep-json", INVALID_JSON, returns(_read_json), _post(b"[" * 200_000)),
    _row("body/long-number", INVALID_JSON, returns(_read_json), _post(b"1" * 5000)),
    _row("body/empty", Envelope(400, "missing_body"), returns(_read_json), _post(b"")),
    _row(
        "body/wrong-type",
        Envelope(415, "unsupported_media_type"),
        returns(_read_json),
        _post(b"a=1", FORM),
    ),
    _row(
        "body-limit/length",
        TOO_LARGE,
        returns(lambda: request.data, MAX_CONTENT_LENGTH=10),
        _post(b"x" * 11, "text/plain"),
    ),
    _row(
        "body-limit/form",
        TOO_LARGE,
        returns(lambda: request.form["name"]),
        _post(_BODYLESS % (b"x" * 600_000), MULTIPART),
    ),
    _row(
        "body-limit/parts",
        TOO_LARGE,
        returns(lambda: request.form["name"]),
        _post(_BODYLESS % b"x" * 1002 + b"--b--", MULTIPART),
    ),
    _row(
        "disconnect/body",
        Gone(),
        returns(lambda: request.data),
        Ask("/x", "POST", (("Content-Type", "text/plain"), ("Content-Length", "100")), (b"short",)),
    ),
    # Validation
    _row(
        "validation/parse_body",
        Envelope(422, "invalid_size"),
        _validated,
        _post(b'{"size": "x"}', JSON, "/model"),
    ),
    _row("validation/form", Envelope(400, "missing_field"), _validated, _post(b"", FORM, "/form")),
    _row("validation/query", Envelope(400, "missing_field"), _validated, Ask("/query")),
    _row(
        "validation/webargs",
        Envelope(422, "invalid_size"),
        _validated,
        _post(b'{"size": "x"}', JSON, "/webargs"),
    ),
    _row(
        "validation/smorest",
        Envelope(400, "missing_field"),
        _validated,
        _post(b"{}", JSON, "/smorest"),
    ),
    # Who may do what
    _row(
        "auth/abort",
        Envelope(401, "invalid_api_key", (("www-authenticate", "ApiKey"),)),
        raises(Unauthorized),
    ),
    _row("auth/flask-httpauth", Envelope(401, "invalid_api_key"), _guarded),
    _row("permission/abort", Envelope(403, "permission_denied"), returns(lambda: abort(403))),
    # Streams and files
    _row("stream/first-chunk", SOLD_OUT, streams("text/plain")),
    _row("stream/events", Ended("flask_sold_out"), streams("text/event-stream", "data: 1\n\n")),
    _row("stream/text", Cut(b"a"), streams("text/plain", "a")),
    _row("file/missing", INTERNAL, returns(lambda: send_file("/nowhere/at-all"))),
    _row(
        "file/range",
        Envelope(416, "range_not_satisfiable"),
        returns(lambda: send_file(__file__)),
        Ask(headers=(("Range", "bytes=9999999-"),)),
    ),
    _row("static/404", NOT_FOUND, make_app, Ask("/static/none.css")),
    # WebSockets
    _row(
        "websocket/handshake",
        NOT_FOUND,
        make_app,
        Ask(headers=(("Connection", "Upgrade"), ("Upgrade", "websocket"))),
    ),
    # Middleware, error handlers, debug mode
    _row("middleware/raises", SOLD_OUT, around(lambda _: _fail)),
    _row("middleware/bug", INTERNAL, around(lambda _: _broken)),
    _row("middleware/answers", Envelope(401, "invalid_api_key"), around(_bare_401)),
    _row(
        "handler/class",
        Envelope(418, "im_a_teapot"),
        handling(StockError, lambda _: ("Own words", 418), StockError),
    ),
    _row(
        "handler/status",
        Envelope(404, "not_found"),
        handling(404, lambda _: ("Own words", 404), NotFound),
    ),
    _row("handler/fails", INTERNAL, handling(StockError, _broken, StockError)),
    _row(
        "handler/500",
        Envelope(503, "service_unavailable"),
        handling(500, lambda _: ("Later", 503), bug),
    ),
    _row("handler/everything", SOLD_OUT, handling(Exception, lambda _: ("Own", 418), SoldOut)),
    _row("debug/json", INTERNAL, raises(bug, DEBUG=True)),
    _row(
        "debug/browser",
        Alone(0, "a debug page, for a browser"),
        raises(bug, DEBUG=True),
        Ask(headers=tuple(HTML)),
    ),
    _row("settings/TRAP_HTTP_EXCEPTIONS", INTERNAL, raises(BadRequest, TRAP_HTTP_EXCEPTIONS=True)),
    _row("settings/PROPAGATE_EXCEPTIONS", INTERNAL, raises(bug, PROPAGATE_EXCEPTIONS=True)),
)

"""What Flask cannot read of a request, or does not find in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Request, request
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest

from adapters.flask.support import JSON, add, ask_error, make_app, post
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from adapters.asgi.server import Answer

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
INVALID_JSON = (400, "invalid_json", None, "The request body is not valid JSON")
TOO_LARGE = (413, "payload_too_large", None, "The request body is too large")


def part(name: str, value: bytes = b"1") -> bytes:
    """Return a part of a form."""
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
        name.encode(),
        value,
    )


class Cup(BaseModel):
    size: int


def reader(**settings: Any) -> Flask:
    """Return an application that reads requests."""
    app = make_app(**settings)
    add(app, "/json", lambda: {"got": request.json}, methods=["POST"])
    add(app, "/forced", _forced, methods=["POST"])
    add(app, "/form", lambda: request.form["name"], methods=["POST"])
    add(app, "/file", lambda: str(request.files["cup"]), methods=["POST"])
    add(app, "/query", lambda: request.args["name"])
    add(app, "/data", request_size, methods=["POST"])
    add(app, "/cup", _cup, methods=["POST"])
    return app


def _forced() -> dict[str, object]:
    return {"got": request.get_json(force=True)}


def request_size() -> str:
    return str(len(request.data))


def _cup() -> dict[str, object]:
    return parse_body(Cup, request.get_data()).model_dump()


@pytest.mark.parametrize("settings", [{}, {"DEBUG": True}], ids=["", "debug"])
@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"{", JSON, INVALID_JSON),
        (b"\xff", JSON, INVALID_JSON),
        (b"[" * 200_000, JSON, INVALID_JSON),
        (b"1" * 5000, JSON, INVALID_JSON),
        (b"", JSON, (400, "missing_body", None, "A request body is required")),
        (
            b"name=1",
            FORM,
            (
                415,
                "unsupported_media_type",
                None,
                "The content type of the request is not supported",
            ),
        ),
    ],
)
def test_json(
    settings: dict[str, Any], body: bytes, kind: str, expected: tuple[object, ...]
) -> None:
    """Neither the reader's text nor Werkzeug's is sent."""
    assert post(reader(**settings), "/json", body, kind) == expected


def test_json_that_is_forced() -> None:
    """It is read whatever its type is."""
    assert post(reader(), "/forced", b"{", None) == INVALID_JSON


class Strict(Request):
    """A service's own request."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:  # noqa: ARG002 - as Werkzeug has it
        raise BadRequest("Send JSON, please")


def test_the_services_own_words_for_json() -> None:
    """Its own `on_json_loading_failed` is obeyed."""
    app = reader()
    app.request_class = Strict
    assert post(app, "/json", b"{")[3] == "Send JSON, please"


@pytest.mark.parametrize(
    ("path", "name"),
    [("/form", "name"), ("/file", "cup"), ("/query", "name")],
)
def test_what_is_missing(path: str, name: str) -> None:
    """The name that the service asked for is the param."""
    method = "POST" if path in {"/form", "/file"} else "GET"
    expected = (400, "missing_field", name, f"The '{name}' field is required")
    assert ask_error(reader(), path, method=method) == expected


def test_a_body_for_a_model() -> None:
    """`parse_body` says what is wrong with a body."""
    assert post(reader(), "/cup", b'{"size": "x"}')[:3] == (422, "invalid_size", "size")
    assert post(reader(), "/cup", b"{}")[:3] == (400, "missing_field", "size")
    assert post(reader(), "/cup", b"{") == INVALID_JSON


def ask_body(app: Flask, path: str, kind: str, body: bytes) -> Answer:
    headers = [("Content-Type", kind)]
    return ask_wsgi(app, path, method="POST", headers=headers, body=body)


@pytest.mark.parametrize(
    ("path", "kind", "body", "settings"),
    [
        ("/data", "text/plain", b"x" * 11, {"MAX_CONTENT_LENGTH": 10}),
        ("/form", FORM, b"name=123456", {"MAX_CONTENT_LENGTH": 10}),
        ("/form", MULTIPART, part("name", b"x" * 600_000), {}),
        ("/form", MULTIPART, b"".join(part(f"n{n}") for n in range(1002)) + b"--b--", {}),
    ],
    ids=["length", "form", "memory", "parts"],
)
def test_too_large(path: str, kind: str, body: bytes, settings: dict[str, Any]) -> None:
    """Each of Flask's limits is a 413."""
    app = reader(**settings)
    headers = [("Content-Type", kind)]
    assert ask_error(app, path, method="POST", headers=headers, body=body) == TOO_LARGE


def test_a_client_that_left() -> None:
    """A body that ends early has nobody to answer: one debug record."""
    app = reader()
    headers = [("Content-Type", "text/plain"), ("Content-Length", "100")]
    answer = ask_wsgi(app, "/data", method="POST", headers=headers, body=b"short")
    assert answer.raised is None
    assert answer.status == 500


def test_a_recursion_of_the_services_is_a_bug() -> None:
    """Only the request's own JSON is the client's."""

    def deep() -> object:
        return deep()

    assert ask_error(add(make_app(), "/x", deep))[1] == "internal"

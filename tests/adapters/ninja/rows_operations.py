"""Rows of what operations raise, and of what validation refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.http import Http404, HttpRequest
from ninja import Schema, UploadedFile, errors
from ninja.params import functions as params
from pydantic import field_validator

from adapters.django.row import Alone, Ask, Envelope, Raised, Row
from adapters.ninja.apis import araising, project, raising

if TYPE_CHECKING:
    from collections.abc import Callable

INTERNAL = Envelope(500, "internal")
NOT_FOUND = Envelope(404, "not_found")
NO_KEY = Envelope(401, "invalid_api_key", (("WWW-Authenticate", "ApiKey"),))
INVALID = Envelope(422, "invalid_value")
FORM = "application/x-www-form-urlencoded"


def post(body: bytes, kind: str = "application/json") -> Ask:
    """Return a request with a body."""
    return Ask(method="POST", headers=(("Content-Type", kind),), body=body)


class Item(Schema):
    """What most bodies are."""

    name: str
    price: float

    @field_validator("name")
    @classmethod
    def check(cls, name: str) -> str:
        """Refuse one in an ordinary way, and one in another."""
        if name == "bad":
            raise ValueError("secret")
        if name == "crash":
            raise ZeroDivisionError("secret")
        return name


def both(name: str, make: Callable[[], BaseException], becomes: Any) -> tuple[Row, Row]:
    """Return the rows of a synchronous and of an asynchronous operation."""
    return (
        Row(f"raised/{name}", raising(make), becomes),
        Row(f"raised-async/{name}", araising(make), becomes),
    )


def _odd() -> errors.ValidationError:
    return errors.ValidationError([{"loc": ["body", "x"], "msg": object(), "input": "secret"}])


def _type_error() -> TypeError:
    return TypeError("f() missing 1 required positional argument: 'secret'")


RAISED = (
    *both("boom", lambda: RuntimeError("secret"), INTERNAL),
    *both("http204", lambda: errors.HttpError(204, "nothing"), Alone(204)),
    *both("http302", lambda: errors.HttpError(302, "there"), Alone(302)),
    *both("http409", lambda: errors.HttpError(409, "Taken"), Envelope(409, "conflict")),
    *both("http502", lambda: errors.HttpError(502, "secret"), Envelope(503, "service_unavailable")),
    *both("http700", lambda: errors.HttpError(700, "secret"), INTERNAL),
    *both("auth", errors.AuthenticationError, NO_KEY),
    *both("forbidden", errors.AuthorizationError, Envelope(403, "permission_denied")),
    *both(
        "throttled",
        lambda: errors.Throttled(12),
        Envelope(429, "too_many_requests", (("Retry-After", "12"),)),
    ),
    *both(
        "validation",
        lambda: errors.ValidationError([{"loc": ["body", "x"], "msg": "secret"}]),
        INVALID,
    ),
    *both("validation-object", _odd, INVALID),
    *both("validation-empty", lambda: errors.ValidationError([]), INVALID),
    *both("http404", lambda: Http404("secret"), NOT_FOUND),
    *both("denied", lambda: PermissionDenied("secret"), Envelope(403, "permission_denied")),
    *both("suspicious", lambda: SuspiciousOperation("secret"), Envelope(400, "bad_request")),
    *both("dj-validation", lambda: ValidationError("secret"), INTERNAL),
    *both("type-error", _type_error, INTERNAL),
    *both("timeout", TimeoutError, Envelope(503, "timeout")),
    *both(
        "group",
        lambda: ExceptionGroup("g", [errors.HttpError(409, "Taken")]),
        Envelope(409, "conflict"),
    ),
)


class Odd(BaseException):
    """No Exception, and none of Python's own."""


BASE = (
    Row("BaseException/async-base", araising(lambda: Odd("secret")), Raised()),
    *(
        Row(f"BaseException/{name}", project, INTERNAL, wrapper_only=True)
        for name, project in (
            ("exit", raising(lambda: SystemExit(1))),
            ("async-exit", araising(lambda: SystemExit(1))),
        )
    ),
)


def _by_path(request: HttpRequest, n: int) -> int:
    del request
    return n


def _by_query(request: HttpRequest, n: int, limit: int, other: int = 1) -> int:
    del request
    return n + limit + other


def _by_header(
    request: HttpRequest, x_token: str = params.Header(...), sid: str = params.Cookie(...)
) -> str:
    del request
    return x_token + sid


def _by_body(request: HttpRequest, item: Item) -> str:
    del request
    return item.name


def _by_bodies(request: HttpRequest, item: Item, other: Item) -> str:
    del request
    return item.name + other.name


def _by_form(
    request: HttpRequest, name: str = params.Form(...), age: int = params.Form(...)
) -> str:
    del request
    return name * age


def _by_file(request: HttpRequest, file: Annotated[UploadedFile, params.File(...)]) -> str:
    del request
    return str(file.name)


BODY = project(_by_body, method="POST")

VALIDATED = (
    Row("routing/django-converter", project(_by_path, "/x/{int:n}"), NOT_FOUND, Ask("/x/secret")),
    Row(
        "validation/path", project(_by_path, "/x/{n}"), Envelope(400, "invalid_n"), Ask("/x/secret")
    ),
    Row(
        "method/405",
        project(_by_path, "/x/{n}"),
        Envelope(405, "method_not_allowed"),
        Ask("/x/1", "POST"),
    ),
    Row("validation/query-missing", project(_by_query), Envelope(400, "missing_field")),
    Row(
        "validation/query-several",
        project(_by_query),
        Envelope(400, "invalid_n"),
        Ask("/x?n=secret&limit=secret&other=secret"),
    ),
    Row("validation/header-cookie", project(_by_header), Envelope(400, "missing_field")),
    Row("validation/body-empty", BODY, Envelope(400, "missing_body"), post(b"")),
    Row("validation/json-malformed", BODY, Envelope(400, "invalid_json"), post(b"{secret")),
    Row("validation/json-not-utf8", BODY, Envelope(400, "invalid_json"), post(b"\xff\xfe")),
    Row("validation/json-deep", BODY, Envelope(400, "invalid_json"), post(b"[" * 100_000)),
    # Ninja reads attributes as well as members, and a list has none.
    Row("validation/wrong-shape", BODY, Envelope(400, "missing_field"), post(b'["secret"]')),
    Row("validation/wrong-type", BODY, Envelope(400, "missing_field"), post(b"7")),
    Row("validation/null", BODY, Envelope(400, "missing_field"), post(b"null")),
    Row("validation/fields", BODY, Envelope(400, "missing_field"), post(b'{"name": "x"}')),
    Row(
        "validation/value-error",
        BODY,
        Envelope(422, "invalid_name"),
        post(b'{"name": "bad", "price": 1}'),
    ),
    Row("validation/validator-crashes", BODY, INTERNAL, post(b'{"name": "crash", "price": 1}')),
    Row(
        "validation/NaN",
        BODY,
        Envelope(422, "invalid_name"),
        post(b'{"name": NaN, "price": 1}'),
    ),
    Row(
        "validation/lone-surrogate",
        BODY,
        Envelope(422, "invalid_price"),
        post(rb'{"name": "x", "price": "\ud800"}'),
    ),
    Row(
        "validation/body-embedded",
        project(_by_bodies, method="POST"),
        Envelope(400, "missing_field"),
        post(b'{"item": {"name": "x", "price": 1}}'),
    ),
    Row(
        "validation/form",
        project(_by_form, method="POST"),
        Envelope(400, "missing_field"),
        post(b"x=secret", FORM),
    ),
    Row(
        "validation/form-value",
        project(_by_form, method="POST"),
        Envelope(422, "invalid_age"),
        post(b"name=x&age=secret", FORM),
    ),
    Row(
        "validation/form-json",
        project(_by_form, method="POST"),
        Envelope(415, "unsupported_media_type"),
        post(b'{"name": "x"}'),
    ),
    Row(
        "validation/file-missing",
        project(_by_file, method="POST"),
        Envelope(400, "missing_field"),
        post(b"--b--\r\n", "multipart/form-data; boundary=b"),
    ),
)

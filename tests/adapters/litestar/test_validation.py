"""What Litestar refuses, with status, code, param and message by section 7 of the contract."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from fastapi import FastAPI
from litestar import Request, get
from litestar.params import FromPath, FromQuery
from pydantic import VERSION

import kaiko_fastapi
from adapters.asgi.server import http_scope
from adapters.litestar.support import FORM, JSON, MULTIPART, ask_error, error_of, make_app, post
from adapters.litestar.validated import Code, Item, decode_code, make
from kaiko_litestar._failures import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.asgi.server import Answer

APP = make()

UNREADABLE = (400, "invalid_json", None, "The request body is not valid JSON")
NO_BODY = (400, "missing_body", None, "A request body is required")
BAD_BODY = (422, "invalid_value", None, "The request body has an invalid value")
UNKNOWN = (400, "unknown_field", None, "The request body has a field that is not allowed")
WRONG_TYPE = (
    415,
    "unsupported_media_type",
    None,
    "The content type of the request is not supported",
)
BAD_FORM = (400, "invalid_form", None, "The form data cannot be read")
NO_FIELD = (400, "missing_field", None, "A required field is absent")


def missing(path: str, more: str = "") -> tuple[int, str, str, str]:
    return 400, "missing_field", path, f"The '{path}' field is required{more}"


def bad(path: str, code: str, more: str = "") -> tuple[int, str, str, str]:
    return 422, code, path, f"The '{path}' field has an invalid value{more}"


def said(answer: Answer) -> tuple[int, str, str | None, str]:
    error = error_of(answer)
    return answer.status, error["code"], error["param"], error["message"]


FROM_DEFAULT = pytest.mark.skipif(
    VERSION in {"2.12.0", "2.12.1", "2.12.2", "2.12.3"},
    reason="this pydantic finds each field in the defaultdict that Litestar makes of a form",
)
SECRET = b"kaiko_secret"
DEEP = b"[" * 100_000
LONG = b'{"sku": "a", "count": ' + b"9" * 5000 + b"}"
BODIES: list[tuple[str, bytes, tuple[int, str, str | None, str]]] = [
    ("/model", b"{}", missing("sku", " (and 1 more: count)")),
    ("/model", b'{"sku": "a", "count": "kaiko_secret"}', bad("count", "invalid_count")),
    ("/model", b'{"sku": "a", "count": 1, "kaiko_secret": 1}', UNKNOWN),
    ("/model", b"null", BAD_BODY),
    ("/model", b"[]", BAD_BODY),
    ("/model", b"", NO_BODY),
    ("/optional", b'{"count": 1}', missing("sku")),
    ("/order", b"{}", missing("name")),
    ("/order", b'{"name": "a", "items": [{"sku": "b", "count": 1}, {"count": "x"}]}',
     missing("items[1].sku", " (and 1 more: items[1].count)")),
    ("/models", b'[{"sku": "a"}]', missing("[0].count")),
    ("/models", b"{}", BAD_BODY),
    ("/struct", b'{"sku": "a"}', missing("count")),
    ("/struct", b'{"sku": "a", "count": "x"}', bad("count", "invalid_count")),
    ("/struct", b'{"sku": "a", "count": 1, "tags": [1, "x"]}', bad("tags[1]", "invalid_tags")),
    ("/struct", b'{"sku": "a", "count": 1, "meta": {"kaiko_secret": "x"}}',
     bad("meta[*]", "invalid_meta")),
    ("/struct", b'{"sku": "a", "count": 1, "innerStruct": {"sku": "b"}}',
     missing("innerStruct.count")),
    ("/struct", b'{"sku": "a", "count": 1, "innerStruct": {"sku": "b", "count": 1, "z": 1}}',
     (400, "unknown_field", "innerStruct", UNKNOWN[3])),
    # A name of the client's that looks like msgspec's word for a place.
    ("/struct", b'{"sku": "a", "count": 1, "x` - at `$.kaiko_secret": 1}',
     UNKNOWN),
    ("/keyed", b'{"kaiko_secret": {"count": "x"}}', bad("[*].count", "invalid_count")),
    ("/numbers", b'{"kaiko_secret": "x"}', bad("[*]", "invalid_value")),
    ("/dto", b'{"name": "a"}', missing("size")),
    ("/dto", b'{"name": "a", "size": "x"}', bad("size", "invalid_size")),
    ("/dto", b'{"name": "a", "size": 1, "x` - at `$.kaiko_secret": 1}',
     UNKNOWN),
    ("/dto", b"{", UNREADABLE),
    ("/model-dto", b'{"sku": "a"}', missing("count")),
    ("/model-dto", b'{"sku": "a", "count": -1}', bad("count", "invalid_count")),
    *[(path, body, UNREADABLE) for path in ("/model", "/struct", "/by-hand")
      for body in (b"{", b"\xff\xfe", DEEP, LONG, b"NaN", b'{"a": "\\ud800"}')],
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    BODIES,
    ids=[f"{at}{path}" for at, (path, _, _) in enumerate(BODIES)],
)
def test_json(path: str, body: bytes, expected: Sequence[object]) -> None:
    """The path has the client's names, and nothing of what was sent comes back."""
    answer = post(APP, path, body)
    assert said(answer) == expected
    assert SECRET not in answer.body


@pytest.mark.parametrize("body", [b"{", b'{"sku": 1}', b"{}", b'{"sku":"a","count":1,"z":1}', b""])
def test_a_model_is_refused_as_fastapi_does(body: bytes) -> None:
    """The bytes are the same but for the id."""
    fastapi = FastAPI()
    kaiko_fastapi.install(fastapi)

    @fastapi.post("/model")
    async def model(data: Item) -> None:
        del data

    seen = [error_of(post(app, "/model", body)) for app in (fastapi, APP)]
    assert seen[0] | {"request_id": ""} == seen[1] | {"request_id": ""}


@pytest.mark.parametrize(
    ("path", "body", "kind", "expected"),
    [
        ("/form", b"sku=a", FORM, missing("count")),
        ("/form", b"sku=a&count=x", FORM, bad("count", "invalid_count")),
        ("/form", b"", FORM, missing("sku", " (and 1 more: count)")),
        ("/form", b"", None, missing("sku", " (and 1 more: count)")),
        ("/form", b'{"sku": "a"}', JSON, WRONG_TYPE),
        pytest.param(
            "/multipart", b"", MULTIPART, missing("sku", " (and 1 more: count)"), marks=FROM_DEFAULT
        ),
        ("/multipart", b"garbage", MULTIPART, BAD_FORM),
        ("/multipart", b"x", "multipart/form-data", BAD_FORM),
        ("/multipart", b'{"sku": "a"}', JSON, WRONG_TYPE),
        ("/file", b"", MULTIPART, NO_FIELD),
        ("/files", b"", MULTIPART, NO_FIELD),
        ("/form-by-hand", b"x", "multipart/form-data", BAD_FORM),
        ("/form-by-hand", b"garbage", MULTIPART, BAD_FORM),
        ("/model", b"sku=a", FORM, WRONG_TYPE),
        ("/model", b"hello", "text/plain", WRONG_TYPE),
        ("/model", b"hello", None, UNREADABLE),
        ("/model", b'{"sku": "a"}', "text/plain", missing("count")),
    ],
)
def test_forms_and_content_types(
    path: str, body: bytes, kind: str | None, expected: Sequence[object]
) -> None:
    """A form without fields lacks them, and one of another type is of the wrong type."""
    assert said(post(APP, path, body, kind)) == expected


def _part(text: bytes, more: bytes = b"", name: bytes = b"sku") -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name, more, text)


@pytest.mark.parametrize("path", ["/multipart", "/file", "/files", "/form-by-hand"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (_part(b"\xff"), BAD_FORM),
        (_part(b"a", b"\r\nContent-Type: text/plain; charset=zzz"), BAD_FORM),
        (_part(b"a") * 5, (400, "too_many_fields", None, "The request has too many fields")),
    ],
    ids=["bytes", "charset", "many"],
)
def test_unreadable_parts(path: str, body: bytes, expected: Sequence[object]) -> None:
    """No client can make a 500 of a form."""
    assert said(post(APP, path, body + b"--b--\r\n", MULTIPART)) == expected


def test_a_form_without_a_file() -> None:
    """A text in place of a file is no file."""
    body = _part(b"a") + b"--b--\r\n"
    assert said(post(APP, "/file", body, MULTIPART)) == NO_FIELD
    assert said(post(APP, "/files", body, MULTIPART)) == bad("[0]", "invalid_value")


def test_messagepack() -> None:
    """Its fields are named as JSON's are, and it is never called JSON."""
    kind = "application/x-msgpack"
    body = msgspec.msgpack.encode({"sku": "a"})
    assert said(post(APP, "/msgpack", body, kind)) == missing("count")
    assert said(post(APP, "/msgpack", b"\xc1", kind))[:2] == (400, "bad_request")


QUERY = "first=1&nextOne=2"
HEADERS = [("X-Token", "1"), ("Cookie", "crumb=1")]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/items/1?" + QUERY, HEADERS, ("number", "invalid_number", "")),
        ("/items/9?first=x&nextOne=2", HEADERS, ("first", "invalid_first", "")),
        ("/items/9?first=1&nextOne=kaiko_secret", HEADERS, ("nextOne", "invalid_value", "")),
        ("/items/9?tags=1&tags=x&" + QUERY, HEADERS, ("tags[1]", "invalid_tags", "")),
        ("/items/9?" + QUERY, [("X-Token", "x"), HEADERS[1]], ("X-Token", "invalid_value", "")),
        ("/items/9?" + QUERY, [HEADERS[0], ("Cookie", "crumb=x")], ("crumb", "invalid_crumb", "")),
        (
            "/items/1?first=1&nextOne=x",
            [("X-Token", "x"), HEADERS[1]],
            ("number", "invalid_number", " (and 2 more: nextOne, X-Token)"),
        ),
        ("/dependent?page=x", [], ("page", "invalid_page", "")),
        ("/dependent?page=1&size=x", [], ("size", "invalid_size", "")),
        ("/decoded?number=1&code=refused", [], ("code", "invalid_code", "")),
    ],
)
def test_bad_parameters(
    path: str, headers: list[tuple[str, str]], expected: tuple[str, str, str]
) -> None:
    """A parameter has its name on the wire, wherever it comes from."""
    name, code, more = expected
    text = f"The '{name}' parameter has an invalid value{more}"
    assert ask_error(APP, path, headers=headers) == (400, code, name, text)


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/items/9?nextOne=1", HEADERS, missing("first")),
        ("/items/9?" + QUERY, [HEADERS[0]], missing("crumb")),
        ("/items/9", [], missing("first", " (and 3 more: nextOne, X-Token, crumb)")),
        ("/dependent", [], missing("page")),
        ("/dependent?size=1", [], missing("page")),
    ],
)
def test_missing_parameters(
    path: str, headers: list[tuple[str, str]], expected: Sequence[object]
) -> None:
    """All are named, in the order of the signature."""
    assert ask_error(APP, path, headers=headers) == expected


@pytest.mark.parametrize(
    ("path", "name", "code", "more"),
    [
        ("/items/9?first=x", "first", "invalid_first", " (and 1 more: nextOne)"),
        ("/items/1?tags=1&tags=x&first=1", "number", "invalid_number",
         " (and 2 more: nextOne, tags[1])"),
        ("/dependent?size=x", "size", "invalid_size", " (and 1 more: page)"),
    ],
)  # fmt: skip
def test_bad_and_missing_parameters(path: str, name: str, code: str, more: str) -> None:
    """Both are named, though Litestar stops at one that is missing."""
    text = f"The '{name}' parameter has an invalid value{more}"
    assert ask_error(APP, path, headers=HEADERS) == (400, code, name, text)


@pytest.mark.parametrize("number", ["x", "9" * 5000, "1.5"])
def test_a_path_that_does_not_match_is_not_found(number: str) -> None:
    """It is the router that reads a number of a path."""
    assert ask_error(APP, f"/items/{number}")[:2] == (404, "not_found")


def test_a_dependency_of_another_type_is_a_bug() -> None:
    """The client did nothing wrong."""
    assert ask_error(APP, "/mistaken")[:2] == (500, "internal")


def test_a_decoder_that_fails_is_a_bug() -> None:
    """It is the service's, unless something else is refused as well."""
    assert ask_error(APP, "/decoded?number=1&code=mistake")[:2] == (500, "internal")
    assert list(refused("mistake", Code, decode_code)) == [("value", "")]


@pytest.mark.parametrize(("exc", "code"), [(OSError, "internal"), (TimeoutError, "timeout")])
def test_a_server_that_cannot_read_is_no_fault_of_the_clients(
    exc: type[Exception], code: str
) -> None:
    """Only what the client sent is."""
    sent: list[Any] = []

    async def receive() -> Any:
        raise exc

    async def send(message: Any) -> None:
        sent.append(message)

    scope = http_scope("/model", method="POST", headers=[("Content-Length", "9")])
    asyncio.run(APP(scope, receive, send))
    assert json.loads(sent[1]["body"])["error"]["code"] == code


@get("/number/{n:decimal}")
async def number(n: FromPath[Decimal]) -> str:
    """Take a number from the path."""
    return str(n)


@get("/wait/{n:timedelta}")
async def wait(n: FromPath[timedelta]) -> str:
    """Take a number of seconds from the path."""
    return str(n)


@get("/since")
async def since(at: FromQuery[datetime]) -> str:
    """Take a point in time."""
    return str(at)


@get("/reads")
async def reads(request: Request[Any, Any, Any]) -> str:
    """Read what a client says it takes, and where it came to."""
    return f"{request.accept}{request.url}"


@get("/own/{n:int}")
async def own_fault(n: FromPath[int]) -> str:
    """Fail as these do."""
    raise OverflowError(n)


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/number/x", [], 404, "not_found"),
        (f"/wait/{'9' * 30}", [], 404, "not_found"),
        # Which of two errors of msgspec's it is depends on its version and Python's.
        ("/since?at=253402300800", [], 400, "bad_request invalid_at"),
        ("/reads", [("Accept", "text/html;q=1e999")], 400, "bad_request"),
        ("/reads", [("Host", "testserver:x")], 400, "invalid_host"),
        ("/own/1", [], 500, "internal"),
    ],
    ids=["decimal", "timedelta", "date", "weight", "port", "the service's own"],
)
def test_what_litestar_stumbles_at_is_the_clients(
    path: str, headers: list[tuple[str, str]], status: int, code: str
) -> None:
    """A number that nothing can hold, or a header that says nothing."""
    app = make_app([number, wait, since, reads, own_fault])
    answered, said = ask_error(app, path, headers=headers)[:2]
    assert answered == status
    assert said in code.split()


def test_a_host_that_is_none() -> None:
    """It is refused before any route is looked for."""
    assert ask_error(APP, "/named/a", headers=[("Host", "a b")])[:2] == (400, "invalid_host")

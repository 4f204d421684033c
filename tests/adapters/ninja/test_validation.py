"""What Ninja's validation refuses is told in the client's words, never in Python's."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import pytest
from django.http import HttpRequest
from hypothesis import given
from hypothesis import strategies as st
from ninja import File, Form, Path, Query, Schema, UploadedFile
from ninja.errors import ValidationError
from ninja.params import functions as params
from pydantic import ConfigDict, Field, model_validator

from adapters.drf.asking import WSGI, ask, error, refused
from adapters.ninja.apis import Api, new_api, project, serving

FORM = "application/x-www-form-urlencoded"


class Message(Schema):
    """A nested one."""

    role: str
    text: str = ""


class Cat(Schema):
    """One of a union."""

    kind: Literal["cat"]
    lives: int


class Dog(Schema):
    """The other."""

    kind: Literal["dog"]
    tricks: list[int]


class Chat(Schema):
    """A body."""

    messages: list[Message]
    model: str = Field(alias="modelName")
    meta: dict[str, int] = Field(default_factory=dict)
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    either: int | list[int] = 0


class Closed(Schema):
    """One that takes no other fields."""

    model_config = ConfigDict(extra="forbid")

    inner: dict[str, int] = Field(default_factory=dict)
    message: Message | None = None


def chat(request: HttpRequest, payload: Chat) -> str:
    """Take a body."""
    del request, payload
    return "fine"


def closed(request: HttpRequest, payload: Closed) -> str:
    """Take another."""
    del request, payload
    return "fine"


def chats(request: HttpRequest, payload: list[Message]) -> str:
    """Take many at once."""
    del request, payload
    return "fine"


def two(request: HttpRequest, first: Message, second: Message) -> str:
    """Take two, by their names."""
    del request, first, second
    return "fine"


def scalar(request: HttpRequest, limit: int = params.Body(...)) -> str:
    """Take a body that is a number."""
    del request, limit
    return "fine"


CHAT = project(chat, method="POST")
FINE: dict[str, object] = {"messages": [{"role": "user"}], "modelName": "gpt-4"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"modelName": "x"}, (400, "missing_field", "messages")),
        ({"messages": []}, (400, "missing_field", "modelName")),
        ({**FINE, "messages": [{"role": 7}]}, (422, "invalid_role", "messages[0].role")),
        ({**FINE, "messages": [{}]}, (400, "missing_field", "messages[0].role")),
        ({**FINE, "messages": 7}, (422, "invalid_messages", "messages")),
        ({**FINE, "meta": {"kaiko_live_abc": "x"}}, (422, "invalid_meta", "meta[*]")),
        ({**FINE, "pet": {"kind": "cat"}}, (400, "missing_field", "pet.lives")),
        (
            {**FINE, "pet": {"kind": "dog", "tricks": ["x"]}},
            (422, "invalid_tricks", "pet.tricks[0]"),
        ),
        ({**FINE, "pet": {"kind": "cow"}}, (422, "invalid_kind", "pet.kind")),
        ({**FINE, "pet": {}}, (400, "missing_field", "pet.kind")),
        ({**FINE, "either": "x"}, (422, "invalid_either", "either")),
    ],
)
def test_body(body: object, expected: object) -> None:
    """The one argument that is the body has no name in a path."""
    assert refused(CHAT, body) == expected


@pytest.mark.parametrize(
    ("operation", "body", "expected"),
    [
        (chats, [{"role": "x"}, {}], (400, "missing_field", "[1].role")),
        (chats, {"role": "x"}, (422, "invalid_value", None)),
        (two, {"first": {"role": "x"}}, (400, "missing_field", "second")),
        (two, {"first": {}, "second": {}}, (400, "missing_field", "first.role")),
        (scalar, "many", (422, "invalid_value", None)),
        (closed, {"secret": 1}, (400, "unknown_field", None)),
        (closed, {"inner": {"secret": "x"}}, (422, "invalid_inner", "inner[*]")),
    ],
)
def test_other_bodies(operation: Any, body: object, expected: object) -> None:
    """Arguments that are members of the body are named, since the client names them."""
    assert refused(project(operation, method="POST"), body) == expected


def test_several() -> None:
    """The others are named, too."""
    said = error(CHAT, {"messages": [{}], "meta": {"x": "y"}})
    assert said["message"] == (
        "The 'messages[0].role' field is required (and 2 more: modelName, meta[*])"
    )


def numbers(request: HttpRequest, payload: list[int | list[int]]) -> str:
    """Take many, each of which can be refused in two ways."""
    del request, payload
    return "fine"


def test_very_many() -> None:
    """Two hundred records are read, those of 100 items; the four after them are counted."""
    said = error(project(numbers, method="POST"), ["x"] * 102)
    assert said["message"].startswith("The '[0]' field has an invalid value (and 103 more: [1], ")


@pytest.mark.parametrize("operation", [chat, chats, two, scalar])
def test_no_body(operation: Any) -> None:
    """A body that is needed and absent is told as that."""
    said = refused(project(operation, method="POST"), method="POST")
    assert said == (400, "missing_body", None)


class Filters(Schema):
    """Parameters of a query that are a model."""

    limit: int = 10
    tags: list[int] = Field(default_factory=list)
    order: str = Field("id", alias="orderBy", max_length=4)

    @model_validator(mode="after")
    def check(self) -> Filters:
        """Refuse the whole."""
        if self.limit == 13:
            raise ValueError("secret")
        return self


class Outer(Schema):
    """Nested, which Ninja flattens."""

    inner: Filters
    own: int


def query(
    request: HttpRequest, filters: Annotated[Filters, params.Query(...)], plain: int = 1
) -> str:
    """Take a model and a plain one."""
    del request, filters, plain
    return "fine"


def nested(request: HttpRequest, filters: Query[Outer]) -> str:
    """Take a nested model."""
    del request, filters
    return "fine"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("limit=secret", (400, "invalid_limit", "limit")),
        ("tags=1&tags=secret", (400, "invalid_tags", "tags[1]")),
        ("orderBy=secret", (400, "invalid_value", "orderBy")),
        ("plain=secret", (400, "invalid_plain", "plain")),
        ("limit=13", (400, "invalid_value", None)),
    ],
)
def test_query(sent: str, expected: object) -> None:
    """A parameter is named as in the query; the argument that holds a model is not."""
    assert refused(project(query), where=f"/x?{sent}") == expected


def test_nested_query() -> None:
    """Models within models are flat to the client."""
    asked = project(nested)
    assert refused(asked, where="/x?limit=secret&own=1") == (400, "invalid_limit", "limit")
    assert refused(asked, where="/x?limit=1") == (400, "missing_field", "own")


def test_messages_of_parameters() -> None:
    """A parameter is called that."""
    said = error(project(query), where="/x?limit=secret")
    assert said["message"] == "The 'limit' parameter has an invalid value"


class Parts(Schema):
    """Parameters of a path that are a model."""

    year: int
    month: int


def by_path(request: HttpRequest, date: Path[Parts]) -> str:
    """Take them."""
    del request, date
    return "fine"


def headers(
    request: HttpRequest,
    x_token: Annotated[int, params.Header(...)],
    sid: Annotated[int, params.Cookie(...)],
) -> str:
    """Take both kinds."""
    del request, x_token, sid
    return "fine"


def test_path_header_cookie() -> None:
    """All parts of a request but its body are 400."""
    dated = project(by_path, "/x/{year}/{month}")
    assert refused(dated, where="/x/2026/secret") == (400, "invalid_month", "month")
    asked = project(headers)
    assert refused(asked) == (400, "missing_field", "x-token")
    sent = [("X-Token", "secret"), ("Cookie", "sid=secret")]
    said = error(asked, headers=sent)
    assert (said["status"], said["code"], said["param"]) == (400, "invalid_value", "x-token")
    assert said["message"].endswith("(and 1 more: sid)")


class Login(Schema):
    """A form that is a model."""

    user: str
    age: int


def form(request: HttpRequest, data: Form[Login], again: int = params.Form(1)) -> str:
    """Take it."""
    del request, data, again
    return "fine"


def upload(request: HttpRequest, details: Message, file: File[UploadedFile]) -> str:
    """Take a file, and JSON in a field of the same form."""
    del request, details, file
    return "fine"


def sent(asked: Api, body: bytes, kind: str) -> tuple[int, str, str | None]:
    """Send a body of another type."""
    answer = WSGI.ask(asked, method="POST", headers=[("Content-Type", kind)], body=body)
    said = json.loads(answer.body)["error"]
    return answer.status, said["code"], said["param"]


MULTIPART = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"user=x&age=secret", FORM, (422, "invalid_age", "age")),
        (b"age=1", FORM, (400, "missing_field", "user")),
        (b"user=x&age=1&again=secret", FORM, (422, "invalid_again", "again")),
        (b'{"user": "x"}', "application/json", (415, "unsupported_media_type", None)),
        (b"", FORM, (400, "missing_field", "user")),
    ],
)
def test_form(body: bytes, kind: str, expected: object) -> None:
    """A form is a body: its values are 422; what is none is 415."""
    assert sent(project(form, method="POST"), body, kind) == expected


def part(name: str, value: bytes) -> bytes:
    """Return a part of a multipart body."""
    return b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (
        name.encode(),
        value,
    )


FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (part("details", b"{}") + FILE, (400, "missing_field", "details.role")),
        (part("details", b'{"role": "x"}'), (400, "missing_field", "file")),
        (part("details", b"{secret"), (400, "invalid_json", None)),
        (part("other", b"secret") + FILE, (400, "missing_field", "details")),
    ],
)
def test_multipart(body: bytes, expected: object) -> None:
    """Its fields have names, and may hold JSON."""
    asked = project(upload, method="POST")
    assert sent(asked, body + b"--b--\r\n", MULTIPART) == expected


def test_raised_by_hand() -> None:
    """A validation error of the service's has no names that anybody declared."""

    def operation(request: HttpRequest) -> str:
        del request
        raise ValidationError([{"loc": ("body", "secret"), "type": "x", "msg": "secret"}])

    assert refused(project(operation)) == (422, "invalid_value", None)


def test_an_api_that_makes_other_errors() -> None:
    """What a service overrides stays in force."""
    api = new_api()
    make: Any = api.validation_error_from_error_contexts
    made: list[object] = []

    def counting(contexts: Any) -> Any:
        made.append(contexts)
        return make(contexts)

    held: Any = api
    held.validation_error_from_error_contexts = counting
    api.get("/x")(query)
    assert refused(serving(api), where="/x?limit=secret") == (400, "invalid_limit", "limit")
    assert len(made) == 1


KEYS = st.text(min_size=1, max_size=8)
NESTED = st.recursive(
    st.none() | st.integers(-3, 3) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
CHATS = st.fixed_dictionaries(
    {"modelName": NESTED},
    optional={"messages": NESTED, "meta": NESTED, "pet": NESTED, "either": NESTED},
)
DECLARED = re.compile(
    r"messages(\[\d+\](\.(role|text))?)?|modelName|meta(\[\*\])?|either(\[\d+\])?"
    r"|pet(\.(kind|lives|tricks(\[\d+\])?))?"
)


@given(body=CHATS | NESTED)
def test_no_key_of_a_client_enters_a_path(body: object) -> None:
    """Whatever is sent, param and message name what the schema declares, and nothing else."""
    answer = ask(CHAT, body)
    if answer.status == 200:
        return
    said = json.loads(answer.body)["error"]
    assert said["param"] is None or DECLARED.fullmatch(said["param"])
    named = re.findall(r"'(.*?)' field|more: (.*)\)", said["message"])
    for name in (part for pair in named for each in pair for part in each.split(", ") if part):
        assert DECLARED.fullmatch(name)

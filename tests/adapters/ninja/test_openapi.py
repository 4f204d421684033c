"""The document of an API says what is answered, and is valid OpenAPI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpRequest
from ninja import Form, NinjaAPI, Path, Query, Schema
from ninja.openapi.docs import Redoc, Swagger
from ninja.security import APIKeyHeader
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters.drf.asking import WSGI
from adapters.ninja.apis import bare_api, serving
from kaiko_middleware import Config, ConflictError, ErrorEnvelope, KaikoError, NotFoundError
from kaiko_ninja import install, responses

if TYPE_CHECKING:
    from collections.abc import Callable

Document = dict[str, Any]
REF = {"$ref": "#/components/schemas/ErrorEnvelope"}


class ThreadNotFound(NotFoundError, code="ninja_thread_not_found", param="thread_id"):
    """The thread does not exist."""


class ThreadLocked(ConflictError, code="ninja_thread_locked", message="It is being edited"):
    """Editors hold a lock."""


class ThreadClosed(NotFoundError, code="ninja_thread_closed"):
    """It was closed."""


class Chat(Schema):
    """A body."""

    messages: list[str]
    model: str = "small"


class Why(Schema):
    """What a service says of its errors in its own words."""

    why: str


class Key(APIKeyHeader):
    """A key that is always refused."""

    param_name = "x-api-key"

    def authenticate(self, request: HttpRequest, key: str | None) -> None:
        """Refuse it."""


def plain(request: HttpRequest) -> None:
    """Take nothing."""


def listed(request: HttpRequest, limit: int) -> None:
    """Take a required parameter."""


def chat(request: HttpRequest, body: Chat) -> None:
    """Take a body."""


def form(request: HttpRequest, body: Form[Chat]) -> None:
    """Take a form."""


def thread(request: HttpRequest, thread_id: Path[int], after: Query[int] = 0) -> None:
    """Take a parameter of the path."""


def documented(
    operation: Callable[..., Any],
    where: str = "/x",
    *,
    config: Config | None = None,
    api: NinjaAPI | None = None,
    **how: Any,
) -> Document:
    """Return what the valid document of one operation says that it answers."""
    api = api or bare_api()
    install(api, config)
    api.api_operation(["POST"], where, **how)(operation)
    made: Document = api.get_openapi_schema(path_prefix="/v2")
    assert api.get_openapi_schema(path_prefix="/v2") == made
    served: Document = json.loads(json.dumps(made))
    OpenAPIV31SpecValidator(served).validate()
    (item,), (read,) = made["paths"].values(), served["paths"].values()
    # Ninja's own keys are numbers, and stay so for code that reads its document.
    assert all(type(key) is int or key == "default" for key in item["post"]["responses"])
    answers: Document = read["post"]["responses"]
    return answers


def codes(answer: Document) -> list[str]:
    """Return the codes of the envelopes that an answer shows."""
    media: Document = answer["content"]["application/json"]
    assert media["schema"] == REF
    for code, example in media["examples"].items():
        envelope = ErrorEnvelope.parse(json.dumps(example["value"]))
        assert envelope is not None
        assert envelope.error.code == code
    return list(media["examples"])


def test_nothing_is_taken() -> None:
    """An operation that takes nothing fails only for reasons that nobody foresees."""
    answers = documented(plain)
    assert list(answers) == ["200", "default"]
    assert codes(answers["default"]) == ["internal", "service_unavailable"]


def test_body() -> None:
    """A body that is JSON can be absent, malformed, incomplete and wrong."""
    answers = documented(chat)
    assert list(answers) == ["200", "400", "422", "default"]
    assert codes(answers["400"]) == ["missing_field", "invalid_json", "missing_body"]
    shown = answers["400"]["content"]["application/json"]["examples"]
    assert shown["missing_field"]["value"]["error"]["param"] == "messages"
    assert codes(answers["422"]) == ["invalid_messages"]


def test_form() -> None:
    """A form is no JSON, so that it cannot be malformed JSON."""
    answers = documented(form)
    assert codes(answers["400"]) == ["missing_field", "missing_body"]


def test_parameters() -> None:
    """They are 400, and one of the path is never absent but may lead nowhere."""
    assert codes(documented(listed)["400"]) == ["missing_field", "invalid_limit"]
    answers = documented(thread, "/x/{thread_id}")
    assert list(answers) == ["200", "400", "404", "default"]
    assert codes(answers["400"]) == ["invalid_thread_id"]
    assert codes(answers["404"]) == ["not_found"]


def test_key() -> None:
    """Where a key is asked for, it may be refused."""
    answers = documented(plain, auth=Key())
    assert list(answers) == ["200", "401", "403", "default"]
    assert codes(answers["401"]) == ["invalid_api_key"]
    assert "WWW-Authenticate" in answers["401"]["headers"]


def test_responses() -> None:
    """Several codes of one status stand side by side, with what is usual for it."""
    said = {200: Chat, **responses(ThreadNotFound, ThreadClosed, ConflictError)}
    answers = documented(thread, "/x/{thread_id}", response=said)
    assert list(answers) == ["200", "400", "404", "409", "default"]
    assert codes(answers["404"]) == [ThreadNotFound.code, ThreadClosed.code, "not_found"]
    example = answers["404"]["content"]["application/json"]["examples"][ThreadNotFound.code]
    assert example == {
        "summary": "The resource was not found",
        "value": {
            "error": {
                "type": "not_found_error",
                "code": ThreadNotFound.code,
                "message": "The resource was not found",
                "param": "thread_id",
                "request_id": "req-7f65ab21d1",
            }
        },
    }


@pytest.mark.parametrize("cls", [ThreadNotFound, ThreadLocked])
def test_message_is_the_one_that_is_sent(cls: type[KaikoError]) -> None:
    """The class's own or the row's."""

    def fails(request: HttpRequest) -> None:
        del request
        raise cls

    api = bare_api()
    answers = documented(fails, "/y", response={200: Chat, **responses(cls)}, api=api)
    shown = answers[str(cls.status)]["content"]["application/json"]["examples"][cls.code]
    answer = json.loads(WSGI.ask(serving(api), "/y", method="POST").body)["error"]
    assert shown["value"]["error"] | {"request_id": answer["request_id"]} == answer


@pytest.mark.parametrize("wrong", [404, "not_found", ValueError, NotFoundError(), None])
def test_classes_are_wanted(wrong: Any) -> None:
    """A mistake is told at once, not when the document is made."""
    with pytest.raises(TypeError, match="takes classes of KaikoError"):
        responses(wrong)


def test_own_schema() -> None:
    """Whatever a service says of its errors, an envelope is what leaves; or else its own."""
    how: dict[str, Any] = {"response": {200: Chat, 418: Why}}
    assert documented(plain, **how)["418"]["content"] == {"application/json": {"schema": REF}}
    kept = documented(plain, config=Config(rewrite_answers=False), **how)
    assert kept["418"] == {
        "description": "I'm a Teapot",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Why"}}},
    }
    assert "default" in kept


def test_own_example() -> None:
    """Examples of the service's that are envelopes stay; others are no answers."""

    def shown(**media: Any) -> Any:
        extra = {"responses": {418: {"content": {"application/json": media}}}}
        answers = documented(plain, response={200: Chat, 418: Why}, openapi_extra=extra)
        return answers["418"]["content"]["application/json"].get("examples")

    error = {
        "type": "invalid_request_error",
        "code": "teapot",
        "message": "Short and stout",
        "param": None,
        "request_id": "req-1",
    }
    envelope = {"summary": "Short and stout", "value": {"error": error}}
    assert shown(example={"error": error}) == {"teapot": envelope}
    assert shown(example={"why": "so"}) is None
    assert shown(example="so") is None
    both = {"short": envelope, "odd": {"value": {"why": "so"}}}
    assert shown(examples=both) == {"teapot": envelope}


def test_settings() -> None:
    """The names and the paths are those of the API's own settings; the rest is Ninja's."""
    config = Config(paths=("/v2",), request_id_header="X-Trace")
    assert "X-Trace" in documented(plain, config=config)["default"]["headers"]
    assert [str(key) for key in documented(plain, config=Config(paths=("/v3",)))] == ["200"]


def test_settings_of_the_project() -> None:
    """Without its own, an API has the project's."""
    api = bare_api(openapi_url="/openapi.json")
    install(api)
    api.post("/x")(listed)
    project = serving(api, KAIKO_MIDDLEWARE={"request_id_header": "X-Trace"})
    said = json.loads(WSGI.ask(project, "/openapi.json").body)
    assert "X-Trace" in said["paths"]["/x"]["post"]["responses"]["400"]["headers"]


@pytest.mark.parametrize("docs", [Swagger, Redoc])
def test_served(docs: type[Swagger | Redoc]) -> None:
    """The document is served as it is made, and its page leads to it."""
    api = bare_api(docs=docs())
    install(api)
    api.post("/x")(chat)
    asked = serving(api)
    served = json.loads(WSGI.ask(asked, "/openapi.json").body)
    assert served == json.loads(json.dumps(api.get_openapi_schema(path_prefix="/")))
    page = WSGI.ask(asked, "/docs")
    assert page.status == 200
    assert b"/openapi.json" in page.body

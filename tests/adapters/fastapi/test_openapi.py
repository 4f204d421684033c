"""The OpenAPI document says what is answered, and nothing that is not."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Annotated, Any, cast

import pytest
from fastapi import APIRouter, Body, FastAPI, Query, Security
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.security import APIKeyHeader
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from adapters.asgi.server import ask
from adapters.fastapi.models import Chat
from adapters.fastapi.routes import make_app
from kaiko_fastapi import install, responses
from kaiko_middleware import (
    AuthenticationError,
    Config,
    ConflictError,
    ErrorEnvelope,
    InvalidRequestError,
    InvalidValueError,
    KaikoError,
    MissingFieldError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
)


class ThreadNotFound(NotFoundError, code="documented_thread_not_found", param="thread_id"):
    """The thread does not exist."""


class ThreadLocked(ConflictError, code="documented_thread_locked", message="It is being edited"):
    """Editors hold a lock."""


class ModelUnknown(NotFoundError, code="documented_model_unknown", param="model"):
    """No such model."""


class ModelMalformed(InvalidRequestError, code="documented_model_malformed", param="model"):
    """The model's name is malformed."""


class NeedsArguments(ConflictError, code="documented_needs_arguments"):
    """It cannot be made without arguments."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def thread(thread_id: int) -> None:
    """A route of which only the path is validated."""


def ask_model(chat: Chat) -> None:
    """A route with a body."""


def listed(limit: Annotated[int, Query()]) -> None:
    """A route with a required parameter."""


def plain() -> None:
    """A route that validates nothing."""


Document = dict[str, Any]
REF = "#/components/schemas/ErrorEnvelope"


def document(app: FastAPI, config: Config | None = None) -> Document:
    """Install the adapter, and return a valid document that is the same each time."""
    install(app, config)
    first = app.openapi()
    kept = deepcopy(first)
    assert app.openapi() == kept
    app.openapi_schema = None
    assert app.openapi() == kept
    OpenAPIV31SpecValidator(cast("Any", kept)).validate()  # its stub wants a class
    return kept


def operation(made: Document, path: str, method: str = "get") -> Document:
    """Return one operation of a document."""
    return cast("Document", made["paths"][path][method])  # OpenAPI says so


def with_route(endpoint: Any, **how: Any) -> FastAPI:
    """Return an application with one route."""
    app = FastAPI()
    app.add_api_route("/v2/x", endpoint, **how)
    return app


def examples(response: Document) -> dict[str, Any]:
    """Return the envelopes that a response shows, by code."""
    media = response["content"]["application/json"]
    assert media["schema"] == {"$ref": REF}
    shown = {name: each["value"] for name, each in media["examples"].items()}
    for name, value in shown.items():
        assert ErrorEnvelope.parse(json.dumps(value)) is not None
        assert value["error"]["code"] == name
    return shown


class TestAutomatic:
    """FastAPI's 422 for whatever it validates."""

    def test_body(self) -> None:
        """A route with a body answers 400 and 422, told of its own fields."""
        made = operation(document(with_route(ask_model, methods=["POST"])), "/v2/x", "post")
        assert list(made["responses"]) == ["200", "400", "422", "default"]
        refused = examples(made["responses"]["400"])
        assert list(refused) == ["missing_field", "invalid_json", "missing_body"]
        assert refused["missing_field"]["error"]["param"] == "messages"
        assert list(examples(made["responses"]["422"])) == ["invalid_messages"]

    def test_parameters(self) -> None:
        """A route with parameters alone never answers 422."""
        made = operation(document(with_route(listed)), "/v2/x")
        assert list(made["responses"]) == ["200", "400", "default"]
        assert list(examples(made["responses"]["400"])) == ["missing_field", "invalid_limit"]

    def test_path_is_never_absent(self) -> None:
        """A parameter of the path can be bad but not missing, and may lead nowhere."""
        app = FastAPI()
        app.add_api_route("/v2/threads/{thread_id}", thread)
        made = operation(document(app), "/v2/threads/{thread_id}")
        assert list(examples(made["responses"]["400"])) == ["invalid_thread_id"]
        assert list(examples(made["responses"]["404"])) == ["not_found"]

    def test_key(self) -> None:
        """Where a key is asked for, it may be absent or refused."""

        def keyed(key: Annotated[str, Security(APIKeyHeader(name="x-api-key"))]) -> None: ...

        made = operation(document(with_route(keyed)), "/v2/x")["responses"]
        assert list(made) == ["200", "401", "403", "default"]
        assert list(examples(made["401"])) == ["invalid_api_key"]
        assert "WWW-Authenticate" in made["401"]["headers"]

    def test_nothing_validated(self) -> None:
        """A route that takes nothing can still fail."""
        made = operation(document(with_route(plain)), "/v2/x")
        assert list(made["responses"]) == ["200", "default"]
        assert list(examples(made["responses"]["default"])) == ["internal", "service_unavailable"]

    def test_hidden_parameter(self) -> None:
        """A parameter that the document does not show is validated all the same."""

        def hidden(limit: int = Query(1, include_in_schema=False)) -> None: ...

        made = operation(document(with_route(hidden)), "/v2/x")
        assert made["responses"]["400"]["content"]["application/json"] == {"schema": {"$ref": REF}}

    def test_body_of_no_fields(self) -> None:
        """A body that is no object has no field to tell of."""

        def numbers(numbers: list[int]) -> None: ...

        made = operation(document(with_route(numbers, methods=["POST"])), "/v2/x", "post")
        assert list(examples(made["responses"]["400"])) == ["invalid_json", "missing_body"]
        assert list(examples(made["responses"]["422"])) == ["invalid_value"]

    def test_no_trace_of_fastapis_schema(self) -> None:
        """Every kind of input is documented with the envelope alone."""
        made = document(make_app())
        assert "HTTPValidationError" not in json.dumps(made)
        schemas = made["components"]["schemas"]
        assert {"ErrorEnvelope", "ErrorBody"} <= schemas.keys()
        assert "ValidationError" not in schemas
        assert schemas["ErrorEnvelope"]["properties"]["error"] == {
            "$ref": "#/components/schemas/ErrorBody"
        }

    @pytest.mark.parametrize(
        ("said", "shown"),
        [("4XX", ["200", "4XX", "default"]), ("default", ["200", "400", "default"])],
    )
    def test_own_word(self, said: str, shown: list[str]) -> None:
        """What the service documents for many statuses stays, in its words."""
        own = {said: {"description": "It failed", "model": ErrorEnvelope}}
        made = operation(document(with_route(listed, responses=own)), "/v2/x")
        assert list(made["responses"]) == shown
        assert made["responses"][said]["description"] == "It failed"

    def test_own_schema(self) -> None:
        """A schema of the service's own is not what clients get, unless answers stay."""

        class Own(BaseModel):
            why: str

        own = {400: {"model": Own}}
        made = operation(document(with_route(listed, responses=own)), "/v2/x")
        assert list(examples(made["responses"]["400"])) == ["missing_field", "invalid_limit"]
        as_they_are = Config(rewrite_answers=False)
        made = operation(document(with_route(listed, responses=own), as_they_are), "/v2/x")
        schema = made["responses"]["400"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Own"}

    def test_own_examples(self) -> None:
        """Envelopes that the service shows come first; what is none would be a false promise."""
        envelope = {"error": {"type": "invalid_request_error", "code": "odd", "message": "So"}}
        envelope["error"]["request_id"] = "req-1"
        content = {
            "application/json": {"example": {"a": 1}, "examples": {"b": {"value": envelope}}}
        }
        own = {"model": ErrorEnvelope, "content": content}
        made = operation(document(with_route(listed, responses={400: own})), "/v2/x")
        shown = examples(made["responses"]["400"])
        assert list(shown) == ["odd", "missing_field", "invalid_limit"]

    def test_uncovered_path(self) -> None:
        """A path that is left alone keeps what FastAPI answers there."""
        made = document(with_route(listed), Config(paths=("/v3",)))
        refused = operation(made, "/v2/x")["responses"]["422"]
        assert refused["description"] == "Validation Error"
        assert "ValidationError" in made["components"]["schemas"]

    def test_others_answers(self) -> None:
        """Callbacks and webhooks are answered by others: no error of ours is promised."""
        callbacks = APIRouter()
        callbacks.add_api_route("{$request.body#/url}", ask_model, methods=["POST"])
        app = FastAPI()
        app.post("/v2/x", callbacks=callbacks.routes)(ask_model)
        app.webhooks.add_api_route("sent", ask_model, methods=["POST"])
        app.webhooks.add_api_route("seen", plain, methods=["POST"])
        made = document(app)
        called = operation(made, "/v2/x", "post")["callbacks"]["ask_model"]
        (item,) = called.values()
        assert list(item["post"]["responses"]) == ["200"]
        assert list(made["webhooks"]["sent"]["post"]["responses"]) == ["200"]

    def test_names_taken(self) -> None:
        """A model of the service's own that is called ErrorEnvelope stays what it is."""
        own = type("ErrorEnvelope", (BaseModel,), {"__annotations__": {"why": str}})

        def taken(body: Annotated[Any, Body()]) -> None: ...

        app = with_route(taken, methods=["POST"], responses={418: {"model": own}})
        made = document(app)
        schemas = made["components"]["schemas"]
        assert list(schemas["ErrorEnvelope"]["properties"]) == ["why"]
        said = operation(made, "/v2/x", "post")["responses"]["400"]["content"]
        assert said["application/json"]["schema"] == {
            "$ref": "#/components/schemas/KaikoErrorEnvelope"
        }
        assert schemas["KaikoErrorEnvelope"]["properties"]["error"] == {
            "$ref": "#/components/schemas/KaikoErrorBody"
        }

    def test_name_shared(self) -> None:
        """Beside such a model, an entry of ours still refers to the envelope."""
        own = type("ErrorEnvelope", (BaseModel,), {"__annotations__": {"why": str}})
        entries = {418: {"model": own}, **responses(ThreadNotFound)}
        made = document(with_route(plain, responses=entries))
        shown = examples(operation(made, "/v2/x")["responses"]["404"])
        assert list(shown) == [ThreadNotFound.code]
        named = [name for name in made["components"]["schemas"] if "ErrorEnvelope" in name]
        assert len(named) == 2


class TestResponses:
    """What `responses()` documents."""

    def test_several_codes_on_one_status(self) -> None:
        """They share an entry, with an example each."""
        app = with_route(plain, responses=responses(ThreadNotFound, ModelUnknown, ThreadNotFound))
        shown = examples(operation(document(app), "/v2/x")["responses"]["404"])
        assert shown[ThreadNotFound.code] == {
            "error": {
                "type": "not_found_error",
                "code": ThreadNotFound.code,
                "message": "The resource was not found",
                "param": "thread_id",
                "request_id": "req-7f65ab21d1",
            }
        }
        assert list(shown) == [ThreadNotFound.code, ModelUnknown.code]

    @pytest.mark.parametrize("cls", [ThreadNotFound, ThreadLocked, NotFoundError])
    def test_message_is_the_one_that_is_sent(self, cls: type[KaikoError]) -> None:
        """The class's own or the row's; the summary is for developers."""

        def fails() -> None:
            raise cls

        app = with_route(fails, responses=responses(cls))
        shown = examples(operation(document(app), "/v2/x")["responses"][str(cls.status)])
        answer = json.loads(ask(app, "/v2/x").body)["error"]
        documented = shown[answer["code"]]["error"]
        assert documented | {"request_id": answer["request_id"]} == answer

    def test_beside_the_automatic(self) -> None:
        """A code on 400 is shown before those of validation."""
        app = with_route(listed, responses=responses(ModelMalformed))
        shown = examples(operation(document(app), "/v2/x")["responses"]["400"])
        assert list(shown) == [ModelMalformed.code, "missing_field", "invalid_limit"]

    @pytest.mark.parametrize(
        ("cls", "status", "names"),
        [
            (ThreadNotFound, 404, set[str]()),
            (AuthenticationError, 401, {"WWW-Authenticate"}),
            (
                RateLimitError,
                429,
                {
                    "Retry-After",
                    "X-RateLimit-Limit",
                    "X-RateLimit-Remaining",
                    "X-RateLimit-Reset",
                },
            ),
            (ServiceUnavailableError, 503, {"Retry-After"}),
        ],
    )
    def test_headers(self, cls: type[KaikoError], status: int, names: set[str]) -> None:
        """The headers of the contract, and those of the status."""
        made = document(with_route(plain, responses=responses(cls)))
        headers = operation(made, "/v2/x")["responses"][str(status)]["headers"]
        assert headers.keys() == {"X-Request-ID", "X-Should-Retry"} | names

    def test_id_header_of_the_configuration(self) -> None:
        """The id header is documented by the name it has."""
        app = with_route(listed, responses=responses(ThreadNotFound))
        made = operation(document(app, Config(request_id_header="X-Trace")), "/v2/x")
        for status in ("400", "404"):
            headers = made["responses"][status]["headers"]
            assert headers.keys() == {"X-Trace", "X-Should-Retry"}

    @pytest.mark.parametrize("kind", [HTMLResponse, PlainTextResponse])
    def test_content_type_is_json(self, kind: type[HTMLResponse]) -> None:
        """Errors are JSON, whatever the route answers else."""
        app = with_route(plain, response_class=kind, responses=responses(ThreadNotFound))
        content = operation(document(app), "/v2/x")["responses"]["404"]["content"]
        assert list(content) == ["application/json"]
        assert content["application/json"]["schema"] == {"$ref": REF}

    def test_whole_application(self) -> None:
        """It does for a router or an application as for a route."""
        app = FastAPI(responses=responses(AuthenticationError))
        router = APIRouter(responses=responses(ServerError))
        router.add_api_route("/x", plain, responses=responses(ThreadNotFound))
        app.include_router(router, prefix="/v2")
        made = operation(document(app), "/v2/x")
        assert sorted(made["responses"]) == ["200", "401", "404", "500", "default"]

    def test_without_install(self) -> None:
        """The entries make a valid document by themselves."""
        app = with_route(plain, responses=responses(ThreadNotFound))
        made = app.openapi()
        OpenAPIV31SpecValidator(cast("Any", made)).validate()  # likewise
        assert "ErrorEnvelope" in made["components"]["schemas"]

    def test_rows(self) -> None:
        """A row's class is documented with the code that it has when it is raised bare."""
        made = responses(MissingFieldError, InvalidValueError, NotFoundError)
        shown = {
            status: list(entry["content"]["application/json"]["examples"])
            for status, entry in made.items()
        }
        assert shown == {400: ["missing_field"], 404: ["not_found"], 422: ["invalid_value"]}
        (example,) = made[400]["content"]["application/json"]["examples"].values()
        assert example["value"]["error"]["message"] == "The 'messages' field is required"

    def test_class_that_needs_arguments(self) -> None:
        """A class that cannot be made is documented from what it fixes."""
        made = responses(NeedsArguments)
        (example,) = made[409]["content"]["application/json"]["examples"].values()
        assert example["value"]["error"]["code"] == NeedsArguments.code
        assert example["summary"] == "It cannot be made without arguments."

    @pytest.mark.parametrize("wrong", [404, "not_found", ValueError, NotFoundError(), None])
    def test_anything_else_is_refused(self, wrong: Any) -> None:
        """A mistake is told at once, not when the document is made."""
        with pytest.raises(TypeError, match="classes of KaikoError"):
            responses(wrong)


class TestDocument:
    """How the document is made and served."""

    def test_served(self) -> None:
        """The document and its pages are served as before."""
        app = make_app()
        install(app)
        served = ask(app, "/openapi.json")
        assert json.loads(served.body) == app.openapi()
        for page in ("/docs", "/redoc"):
            answer = ask(app, page)
            assert answer.status == 200
            assert b"/openapi.json" in answer.body

    def test_routes_added_later(self) -> None:
        """A route that came after the first document is in the next one."""
        app = with_route(plain)
        document(app)
        app.add_api_route("/v2/y", listed)
        app.openapi_schema = None
        made = app.openapi()
        assert list(operation(made, "/v2/y")["responses"]) == ["200", "400", "default"]

    def test_own_function(self) -> None:
        """A service's own `app.openapi` is asked, and what it makes is rewritten."""
        app = with_route(listed)

        def own() -> Document:
            return get_openapi(title="Own", version="3", routes=app.routes)

        app.openapi = own  # type: ignore[method-assign]  # as FastAPI's documentation does
        made = document(app)
        assert made["info"]["title"] == "Own"
        assert list(operation(made, "/v2/x")["responses"]) == ["200", "400", "default"]

    def test_own_document_is_not_touched(self) -> None:
        """What the service's function returned is copied, not changed."""
        app = with_route(listed)
        fixed = get_openapi(title="Own", version="3", routes=app.routes)
        kept = deepcopy(fixed)
        app.openapi = lambda: fixed  # type: ignore[method-assign]  # as above
        document(app)
        assert fixed == kept

    def test_reference_of_the_service(self) -> None:
        """A schema of FastAPI's that the service refers to by itself stays."""
        own = {
            "description": "As FastAPI has it",
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/ValidationError"}
                }
            },
        }
        made = document(with_route(listed, responses={207: own}))
        assert "ValidationError" in made["components"]["schemas"]

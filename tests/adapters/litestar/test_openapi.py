"""The OpenAPI document shows the errors that clients get."""

from __future__ import annotations

from typing import Any, cast

import pytest
from litestar import Litestar, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath, FromQuery, JSONBody
from openapi_spec_validator import validate
from pydantic import BaseModel

from adapters.asgi.server import ask
from adapters.litestar.support import make_app
from kaiko_litestar import KaikoPlugin, responses
from kaiko_middleware import Config, ConflictError, NotFoundError, RateLimitError


class UserGone(NotFoundError, code="litestar_user_gone", param="user_id"):
    """The user left."""


class Taken(ConflictError, code="litestar_taken", message="Take another name"):
    """The name is taken."""


class User(BaseModel):
    name: str


@get("/users/{user_id:int}", responses=responses(UserGone, RateLimitError))
async def read(user_id: FromPath[int], page: FromQuery[int] = 1) -> User:
    """Read one."""
    del user_id, page
    raise UserGone


RAISED = cast("Any", [Taken, UserGone, PermissionDeniedException])  # Litestar wants its own


@post("/users", raises=RAISED)
async def create(data: JSONBody[User]) -> User:
    """Make one."""
    return data


@get("/plain")
async def plain() -> None:
    """Take nothing."""


def document(**settings: Any) -> dict[str, Any]:
    app = make_app([read, create, plain], **settings)
    found: dict[str, Any] = app.openapi_schema.to_schema()
    return found


def answers(path: str, method: str = "get", **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = document(**settings)["paths"][path][method]["responses"]
    return found


def test_the_document_is_valid() -> None:
    """Every error has the envelope, and nothing of Litestar's own is left."""
    found = document()
    validate(found)
    assert "status_code" not in str(found)
    assert [*document()["components"]["schemas"]].count("ErrorEnvelope") == 1


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/users/{user_id}", "get", ["200", "400", "404", "429", "default"]),
        ("/users", "post", ["201", "400", "403", "404", "409", "422", "default"]),
        ("/plain", "get", ["200", "default"]),
    ],
)
def test_each_handler(path: str, method: str, statuses: list[str]) -> None:
    """It shows its own errors, those of its parameters and its body, and a default."""
    found = answers(path, method)
    assert [*found] == statuses
    for status in statuses[1:]:
        schema = found[status]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorEnvelope"}


def test_examples() -> None:
    """Each code has one, whether it is in `responses=` or in `raises=`."""
    read_errors, create_errors = answers("/users/{user_id}"), answers("/users", "post")
    for found, code in ((read_errors["404"], UserGone), (create_errors["409"], Taken)):
        examples = found["content"]["application/json"]["examples"]
        shown = examples[code.code]["value"]["error"]
        assert (shown["code"], shown["message"]) == (code.code, code().message)
    assert code().message == "Take another name"
    assert "Retry-After" in read_errors["429"]["headers"]
    assert create_errors["403"]["description"] == "The API key does not permit this"


def test_what_is_served_is_the_same_document() -> None:
    """The route of the document, and a second call."""
    app = make_app([read, create, plain])
    served = ask(app, "/schema/openapi.json")
    assert served.status == 200
    assert b"litestar_user_gone" in served.body
    assert app.openapi_schema.to_schema() == app.openapi_schema.to_schema()


def test_uncovered_handlers_are_as_litestar_has_them() -> None:
    """As their answers are."""
    handlers = [read, plain]
    bare = Litestar(handlers, logging_config=None).openapi_schema.to_schema()
    app = make_app(handlers, Config(paths=("/api",)))
    assert app.openapi_schema.to_schema()["paths"] == bare["paths"]


def test_without_a_document() -> None:
    """A service may have none."""
    app: Any = Litestar([plain], plugins=[KaikoPlugin()], openapi_config=None, logging_config=None)
    assert ask(app, "/schema/openapi.json").status == 404


def test_the_services_settings_are_left_alone() -> None:
    """They may be another application's, too."""
    settings = OpenAPIConfig("Users", "1")
    document(openapi_config=settings)
    bare = Litestar([plain], openapi_config=settings, logging_config=None)
    assert [*bare.openapi_schema.to_schema()["paths"]["/plain"]["get"]["responses"]] == ["200"]


def test_responses_take_classes() -> None:
    """A mistake is said at once."""
    with pytest.raises(TypeError, match="takes classes of KaikoError"):
        responses(cast("Any", KeyError))  # wrong on purpose

"""The error answers are in the document, however and whenever the service makes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, cast
from unittest.mock import patch

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from adapters.asgi.server import ask
from kaiko_fastapi import install
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Callable

Document = dict[str, Any]
Key = Annotated[str, Depends(APIKeyHeader(name="x-api-key"))]

SAID = ["200", "400", "401", "403", "404", "default"]
"""What an operation with a key and a path parameter answers, here as with django-ninja."""


class Item(BaseModel):
    """A model with a default: FastAPI has one schema for it as input, and one as output."""

    name: str = "unnamed"


def order(order_id: int, _key: Key) -> int:
    """A route with a path parameter, behind a key."""
    return order_id


def make_app(**options: Any) -> FastAPI:
    """Return an application with one route, installed."""
    app = FastAPI(**options)
    app.add_api_route("/v2/orders/{order_id}", order)
    install(app)
    return app


def recipe(app: FastAPI) -> Callable[[], Document]:
    """Return the function that FastAPI's page "Extending OpenAPI" assigns."""

    def custom_openapi() -> Document:
        if app.openapi_schema:
            return app.openapi_schema
        schema = get_openapi(title="Custom", version="2.5.0", routes=app.routes)
        schema["info"]["x-logo"] = {"url": "/logo.png"}
        app.openapi_schema = schema
        return app.openapi_schema

    return custom_openapi


def said(document: Document, path: str = "/v2/orders/{order_id}") -> list[str]:
    """Return the statuses of a valid document's operation."""
    OpenAPIV31SpecValidator(cast("Any", document)).validate()  # its stub wants a class
    assert "HTTPValidationError" not in json.dumps(document)
    return list(document["paths"][path]["get"]["responses"])


def test_function_assigned_after_install() -> None:
    """The recipe of FastAPI's documentation: called by a script, served, and called again."""
    app = make_app()
    app.openapi = recipe(app)  # type: ignore[method-assign]  # as FastAPI's documentation does
    document = app.openapi()
    assert document["info"]["x-logo"] == {"url": "/logo.png"}
    assert said(document) == SAID
    assert json.loads(ask(app, "/openapi.json").body) == document
    assert app.openapi() is document is app.openapi_schema


def test_function_assigned_after_the_first_document() -> None:
    """A later function counts from then on."""
    app = make_app()
    app.openapi()
    app.openapi_schema = None
    app.openapi = recipe(app)  # type: ignore[method-assign]  # as above
    assert said(app.openapi()) == SAID
    assert app.openapi()["info"]["title"] == "Custom"


def test_function_that_asks_the_one_before() -> None:
    """What it adds to that document is in the contract as well, each time."""
    app = make_app()
    before = app.openapi

    def own() -> Document:
        document = before()
        document["paths"]["/v2/added"] = {"get": {"responses": {"200": {"description": "So"}}}}
        return document

    app.openapi = own  # type: ignore[method-assign]  # as above
    for _ in range(3):
        assert said(app.openapi(), "/v2/added") == ["200", "default"]
        assert said(app.openapi()) == SAID


def test_document_changed_in_place() -> None:
    """A function may change its document again each time it is asked."""
    app = make_app()

    def own() -> Document:
        document = FastAPI.openapi(app)
        document["paths"]["/v2/added"] = {"get": {"responses": {"200": {"description": "So"}}}}
        return document

    app.openapi = own  # type: ignore[method-assign]  # as above
    for _ in range(3):
        assert said(app.openapi(), "/v2/added") == ["200", "default"]


def test_document_assigned() -> None:
    """A document that the service stores itself is one of the service's own."""
    app = make_app()
    app.openapi()
    made = get_openapi(title="Stored", version="1", routes=app.routes)
    app.openapi_schema = made
    document = app.openapi()
    assert document["info"]["title"] == "Stored"
    assert said(document) == SAID


def test_function_taken_back() -> None:
    """A test tool that patches `openapi` leaves what was there, and the default can come back."""
    app = make_app()
    before = app.openapi
    with patch.object(app, "openapi", recipe(app)):
        assert said(app.openapi()) == SAID
        app.openapi_schema = None
    assert app.openapi()["info"]["title"] == "FastAPI"
    app.openapi = before  # type: ignore[method-assign]  # as above
    assert app.openapi is before
    assert said(app.openapi()) == SAID
    app.openapi = recipe(app)  # type: ignore[method-assign]  # as above
    del app.openapi
    app.openapi_schema = None
    assert app.openapi()["info"]["title"] == "FastAPI"
    assert said(app.openapi()) == SAID


def test_class_of_the_service() -> None:
    """It is asked for the document, stays what it seems, and hears of no subclass."""

    class Service(FastAPI):
        """A service's own class."""

        __slots__ = ("unusual",)

        def __init_subclass__(cls, *, name: str) -> None:
            raise AssertionError(name)

        def openapi(self) -> Document:
            return {**super().openapi(), "x-own": True}

    app = Service()
    app.add_api_route("/v2/orders/{order_id}", order)
    install(app)
    assert isinstance(app, Service)
    assert type(app).__qualname__ == Service.__qualname__
    assert type(app).__doc__ == Service.__doc__
    document = app.openapi()
    assert document["x-own"] is True
    assert said(document) == SAID
    assert FastAPI().__class__ is FastAPI


def test_mounted_application() -> None:
    """It has its own document, which its own install and function make."""
    inner, outer = make_app(), make_app()
    inner.openapi = recipe(inner)  # type: ignore[method-assign]  # as above
    outer.mount("/inner", inner)
    served = json.loads(ask(outer, "/inner/openapi.json").body)
    assert served["info"]["title"] == "Custom"
    assert served["servers"] == [{"url": "/inner"}]
    assert said(served) == SAID
    assert said(outer.openapi()) == SAID


def test_where_it_is_served() -> None:
    """The document is the same at another URL, or at none."""
    app = make_app(openapi_url="/v2/schema.json")
    assert said(json.loads(ask(app, "/v2/schema.json").body)) == SAID
    assert said(make_app(openapi_url=None).openapi()) == SAID


def test_schemas_and_webhooks() -> None:
    """The service's function decides about schemas; what others answer gets no errors of ours."""

    def listed(item: Item) -> Item:
        return item

    app = make_app()
    app.add_api_route("/v2/items", listed, methods=["POST"])
    app.webhooks.add_api_route("sent", listed, methods=["POST"])

    def own() -> Document:
        return get_openapi(
            title="Own",
            version="1",
            routes=app.routes,
            webhooks=app.webhooks.routes,
            separate_input_output_schemas=False,
        )

    app.openapi = own  # type: ignore[method-assign]  # as above
    document = app.openapi()
    assert said(document) == SAID
    assert {"Item", "ErrorEnvelope"} <= document["components"]["schemas"].keys()
    items = document["paths"]["/v2/items"]["post"]["responses"]
    assert list(items) == ["200", "400", "422", "default"]
    assert list(document["webhooks"]["sent"]["post"]["responses"]) == ["200"]


def test_configured() -> None:
    """The settings count for the service's function too."""
    app = FastAPI()
    app.add_api_route("/v1/orders/{order_id}", order)
    app.add_api_route("/v2/orders/{order_id}", order)
    install(app, Config(paths=("/v2",), request_id_header="X-Trace"))
    app.openapi = recipe(app)  # type: ignore[method-assign]  # as above
    paths = app.openapi()["paths"]
    assert list(paths["/v1/orders/{order_id}"]["get"]["responses"]) == ["200", "422"]
    answers = paths["/v2/orders/{order_id}"]["get"]["responses"]
    assert list(answers) == SAID
    assert "X-Trace" in answers["404"]["headers"]

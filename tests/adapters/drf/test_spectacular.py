"""The document of drf-spectacular shows the envelope, and is valid OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from openapi_spec_validator import validate
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.views import APIView

from adapters.django.stacks import Urls
from adapters.drf.views import Child, Thing
from kaiko_drf.spectacular import responses
from kaiko_middleware import ConflictError, NotFoundError, ServiceUnavailableError

if TYPE_CHECKING:
    from rest_framework.response import Response

ENVELOPE = {"$ref": "#/components/schemas/ErrorEnvelope"}
GENERATOR: Any = SchemaGenerator  # which is not typed
VERSIONS = ["3.0.3", "3.1.0"]


class ContextNotFound(NotFoundError, code="drf_context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class ContextGone(
    NotFoundError, code="drf_context_gone", status=404, message="It is gone for good"
):
    """It was deleted."""


class Things(GenericAPIView[Any]):
    """Takes and returns things."""

    serializer_class = Thing
    authentication_classes = (BasicAuthentication,)

    @extend_schema(responses={200: Thing, **responses(ContextNotFound, ContextGone)})
    def get(self, request: Any, context_id: str) -> Response:
        """Find one."""
        raise NotImplementedError

    @extend_schema(
        responses={
            201: Thing,
            409: OpenApiResponse(response=Child, description="Another has that name"),
            418: OpenApiResponse(description="I am one"),
            410: None,
            **responses(ServiceUnavailableError),
        }
    )
    def post(self, request: Any, context_id: str) -> Response:
        """Make one."""
        raise NotImplementedError


class Open(APIView):
    """Takes nothing, and lets everybody in."""

    authentication_classes = ()

    @extend_schema(responses={200: Child, "4XX": OpenApiResponse(description="Your fault")})
    def get(self, request: Any) -> Response:
        """Return something."""
        raise NotImplementedError


URLS = Urls([path("v2/things/<str:context_id>", Things.as_view()), path("open", Open.as_view())])


def document(version: str = "3.1.0", **settings: Any) -> Any:
    """Generate the document of the routes above."""
    spectacular = {
        "OAS_VERSION": version,
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "kaiko_drf.spectacular.postprocess_errors",
        ],
        **settings.pop("spectacular", {}),
    }
    with override_settings(ROOT_URLCONF=URLS, **settings), patched_settings(spectacular):
        return GENERATOR(patterns=URLS.urlpatterns).get_schema(public=True)


def answers(of: Any, where: str = "/v2/things/{context_id}", method: str = "get") -> Any:
    """Return what an operation answers."""
    return of["paths"][where][method]["responses"]


@pytest.mark.parametrize("version", VERSIONS)
def test_document_is_valid(version: str) -> None:
    """With everything in it, in either version."""
    validate(document(version))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_error_is_an_envelope(version: str) -> None:
    """Whatever a view says of its errors, this is what leaves."""
    made = document(version)
    for item in made["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if status[0] in "45d":
                    assert answer["content"]["application/json"]["schema"] == ENVELOPE
                    assert list(answer["content"]) == ["application/json"]
                    assert answer["headers"]["X-Request-ID"]["required"]
                    assert answer["description"] not in {"", "No response body"}


def codes(answer: Any) -> list[str]:
    """Return the codes that an answer has examples of."""
    shown: dict[str, Any] = answer["content"]["application/json"].get("examples", {})
    assert [example["value"]["error"]["code"] for example in shown.values()] == list(shown)
    return list(shown)


def test_codes_of_a_view() -> None:
    """Several codes on one status are shown side by side, with what is usual for it."""
    found = answers(document())
    assert codes(found["404"]) == ["drf_context_not_found", "drf_context_gone", "not_found"]
    shown = found["404"]["content"]["application/json"]["examples"]["drf_context_not_found"]
    assert shown["value"]["error"]["param"] == "context_id"
    assert shown["value"]["error"]["message"] == "The resource was not found"
    deleted = found["404"]["content"]["application/json"]["examples"]["drf_context_gone"]
    assert deleted["value"]["error"]["message"] == ContextGone().message == "It is gone for good"
    assert shown["summary"] == "The context does not exist, or it has expired."
    assert found["404"]["description"] == "The resource was not found"


def test_what_is_usual() -> None:
    """What validation and authentication answer is told of the view's own names."""
    found = answers(document(), method="post")
    assert codes(found["400"]) == [
        "missing_field",
        "invalid_context_id",
        "invalid_json",
        "missing_body",
    ]
    error = found["400"]["content"]["application/json"]["examples"]["missing_field"]["value"][
        "error"
    ]
    assert error["param"] == "name"
    assert codes(found["422"]) == ["invalid_name"]
    assert codes(found["401"]) == ["invalid_api_key"]
    assert codes(found["403"]) == ["permission_denied"]
    assert codes(found["404"]) == ["not_found"]
    assert codes(found["503"]) == ["service_unavailable"]
    assert codes(found["default"]) == ["internal", "service_unavailable"]
    assert "Retry-After" in found["503"]["headers"]
    assert "WWW-Authenticate" in found["401"]["headers"]
    assert found["409"]["description"] == "Another has that name"
    assert found["418"]["description"] == "I am one"
    assert found["410"]["description"] == "The resource is gone"


def test_what_a_service_says_of_a_range_stands() -> None:
    """A view that speaks of all 4xx is not told which there are."""
    found = answers(document(), "/open")
    assert list(found) == ["200", "4XX", "default"]
    assert found["4XX"]["description"] == "Your fault"


def test_paths_left_out() -> None:
    """Where the contract does not hold, nothing is said."""
    made = document(KAIKO_MIDDLEWARE={"paths": ["/v2"], "request_id_header": "X-Trace"})
    assert answers(made, "/open")["4XX"]["description"] == "Your fault"
    assert "default" not in answers(made, "/open")
    assert "X-Trace" in answers(made)["404"]["headers"]


def test_a_prefix_that_is_cut_off() -> None:
    """Paths are then not those that are served, so all of them count."""
    made = document(
        KAIKO_MIDDLEWARE={"paths": ["/v2"]},
        spectacular={"SCHEMA_PATH_PREFIX": "/v2", "SCHEMA_PATH_PREFIX_TRIM": True},
    )
    assert "default" in answers(made, "/things/{context_id}")


def test_own_schemas_keep_their_names() -> None:
    """A serializer of the service's that is called so, too, is not overwritten."""

    class ErrorEnvelopeSerializer(serializers.Serializer[Any]):
        n = serializers.IntegerField()

    class Own(APIView):
        @extend_schema(responses={200: ErrorEnvelopeSerializer})
        def get(self, request: Any) -> Response:
            raise NotImplementedError

    hooks = {"POSTPROCESSING_HOOKS": ["kaiko_drf.spectacular.postprocess_errors"]}
    urls = Urls([path("own", Own.as_view())])
    with override_settings(ROOT_URLCONF=urls), patched_settings(hooks):
        made = GENERATOR(patterns=urls.urlpatterns).get_schema(public=True)
    validate(made)
    assert set(made["components"]["schemas"]) == {
        "ErrorEnvelope", "KaikoErrorBody", "KaikoErrorEnvelope",
    }  # fmt: skip


def test_generated_again() -> None:
    """Generating it twice gives the same document."""
    assert document() == document()


def test_classes_are_wanted() -> None:
    """An instance is a slip."""
    wrong: Any = ConflictError()
    with pytest.raises(TypeError, match="takes classes of KaikoError"):
        responses(wrong)

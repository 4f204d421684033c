"""The error answers in the OpenAPI document of drf-spectacular.

    SPECTACULAR_SETTINGS = {
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "kaiko_drf.spectacular.postprocess_errors",
        ],
    }

Each operation then shows the envelope for failures of validation and authentication and for a
missing resource. Document other errors at the view that raises them, with `responses`:

    @extend_schema(responses={200: ContextSerializer, **responses(ContextNotFound)})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.extras import require

require("kaiko_drf.spectacular", "drf_spectacular", install="drf-spectacular")

from django.utils.translation import gettext
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from kaiko_django.conf import current_pipeline
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.openapi import document_errors, errors_of, examples

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError

__all__ = ["postprocess_errors", "responses"]


def postprocess_errors(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Add the error answers to the document; for `POSTPROCESSING_HOOKS`.

    Arguments:
        result: the document, which is changed in place.

    """
    nothing = gettext("No response body")  # drf-spectacular's text for no serializer
    operations = [each for item in result["paths"].values() for each in item.values()]
    for answer in (each for said in operations for each in said["responses"].values()):
        if "content" not in answer and answer.get("description") == nothing:
            answer["description"] = ""
    # If a prefix is cut off, the document's paths are not the served ones.
    everywhere = bool(spectacular_settings.SCHEMA_PATH_PREFIX_TRIM)
    document_errors(result, current_pipeline().config, everywhere=everywhere)
    return result


def responses(*classes: type[KaikoError]) -> dict[int, OpenApiResponse]:
    """Return the `responses` for `extend_schema` of a view that raises `classes`.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: an argument is something else.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> documented = responses(NotFoundError, ConflictError)
    >>> [*documented], documented[409].description
    ([404, 409], 'The request conflicts with the state of the resource')
    """
    return {
        status: OpenApiResponse(
            response={"type": "object"},  # the hook refers to the envelope
            description=STATUSES[status].message,
            examples=[
                OpenApiExample(code, value=example["value"], summary=example["summary"])
                for code, example in examples(errors).items()
            ],
        )
        for status, errors in errors_of(*classes).items()
    }

"""The OpenAPI document of drf-spectacular says what is answered: the envelope, everywhere.

    SPECTACULAR_SETTINGS = {
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "kaiko_drf.spectacular.postprocess_errors",
        ],
    }

Each operation then shows the envelope for what validation, authentication and a missing
resource answer. What else it raises is said at the view, with `responses`:

    @extend_schema(responses={200: ContextSerializer, **responses(ContextNotFound)})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from kaiko_django.conf import current_setup
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.openapi import document_errors, errors_of, examples

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError

__all__ = ["postprocess_errors", "responses"]


def postprocess_errors(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Let the document say what is answered; for `POSTPROCESSING_HOOKS`.

    Arguments:
        result: the document; it is changed in place.

    """
    nothing = gettext("No response body")  # what drf-spectacular says in place of a serializer
    operations = [each for item in result["paths"].values() for each in item.values()]
    for answer in (each for said in operations for each in said["responses"].values()):
        if "content" not in answer and answer.get("description") == nothing:
            answer["description"] = ""
    # Where a prefix is cut off, paths are not those that are served.
    everywhere = bool(spectacular_settings.SCHEMA_PATH_PREFIX_TRIM)
    document_errors(result, current_setup().config, everywhere=everywhere)
    return result


def responses(*classes: type[KaikoError]) -> dict[int, OpenApiResponse]:
    """Return what `extend_schema(responses=…)` says of a view that raises `classes`.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: something else is given.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> documented = responses(NotFoundError, ConflictError)
    >>> [*documented], documented[409].description
    ([404, 409], 'Duplicate external_id in same context')
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

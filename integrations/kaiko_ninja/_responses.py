"""The envelope as a Ninja schema, with an example for each code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from kaiko_middleware import ErrorEnvelope
from kaiko_middleware.openapi import errors_of, examples

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError

__all__ = ["response_models"]


def response_models(*classes: type[KaikoError]) -> dict[int, Any]:
    """Return a model for each status of `classes`."""
    # `document_errors` finds the examples there, and sorts them by code.
    return {
        status: Annotated[
            ErrorEnvelope,
            Field(examples=[example["value"] for example in examples(errors).values()]),
        ]
        for status, errors in errors_of(*classes).items()
    }

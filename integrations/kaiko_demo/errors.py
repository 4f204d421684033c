"""The demo's own codes, one class each: a service writes no more to define an error.

The class fixes code, status and type, the default message, and what a client does about it; all of
it is checked when the class is defined. The code that raises it may say something more precise.
Where the demo needs no special code, it raises the classes of the rows (`RateLimitError`,
`PayloadTooLargeError`, …). The meanings are those of the V2 API (section 2 of its contract).
"""

from __future__ import annotations

from kaiko_middleware import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidValueError,
    NotFoundError,
)

__all__ = [
    "ContextNotFound",
    "DuplicateId",
    "InvalidApiKey",
    "InvalidModel",
    "InvalidRole",
    "KeyRevoked",
    "ModelNotFound",
]


class InvalidModel(
    InvalidRequestError,
    code="invalid_model",
    param="model",
    message="The name of the model is malformed",
    resolution="Check the name of the model, such as emotion-v2 or gpt-4.",
):
    """A name that no model can have; a well-formed one that is not served is ModelNotFound."""


class InvalidApiKey(
    AuthenticationError,
    code="invalid_api_key",
    message="Missing or invalid API key",
    resolution="Check that the x-api-key header carries a complete, current key.",
):
    """A guard gives this code to a key in x-api-key that is not a current key of production."""


class KeyRevoked(
    ForbiddenError,
    code="key_revoked",
    message="API key revoked or insufficient permissions",
    resolution="Generate a new key in the console.",
):
    """A guard gives this code to a key that was revoked in the console."""


class ContextNotFound(
    NotFoundError,
    code="context_not_found",
    param="context_id",
    message="Resource not found or context expired",
    resolution="Verify the context_id; contexts expire after 24 hours by default.",
):
    """The context does not exist, or it has expired."""


class ModelNotFound(
    NotFoundError,
    code="model_not_found",
    param="model",
    message="The model is not served",
    resolution="Verify the name of the model, such as emotion-v2 or gpt-4.",
):
    """No model of this name is served."""


class DuplicateId(
    ConflictError,
    code="duplicate_id",
    param="external_id",
    message="Duplicate external_id in same context",
    resolution="Use an external_id that is unique for each message of the context.",
):
    """A message with this external_id is in the context already."""


class InvalidRole(
    InvalidValueError,
    code="invalid_role",
    message="Invalid value for a field",
    resolution="Use a valid role: user, assistant or system.",
):
    """Validation gives this code to a role of a message; the class says how to resolve it."""

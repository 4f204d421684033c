"""The demo's own codes, one class each: this is all a service writes to define an error.

Code, status and type are fixed by the class and checked when it is defined; what is left
for the place that raises is the message. The rows themselves (`RateLimitError`,
`PayloadTooLargeError`, …) are raised as they are where the demo needs no code of its own.
"""

from __future__ import annotations

from kaiko_middleware import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
)

__all__ = [
    "ContextNotFound",
    "DuplicateId",
    "InvalidApiKey",
    "InvalidModel",
    "KeyRevoked",
    "ModelNotFound",
]


class InvalidModel(InvalidRequestError, code="invalid_model", param="model"):
    """The model's name is not written as a model's name can be."""


class InvalidApiKey(AuthenticationError, code="invalid_api_key"):
    """The API key is missing, malformed or not known."""


class KeyRevoked(ForbiddenError, code="key_revoked"):
    """The API key has been revoked: generate a new one in the console."""


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class ModelNotFound(NotFoundError, code="model_not_found", param="model"):
    """No model of this name is served."""


class DuplicateId(ConflictError, code="duplicate_id", param="external_id"):
    """A message with this external_id is in the context already."""

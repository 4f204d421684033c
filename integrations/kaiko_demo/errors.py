"""The demo's own codes, one class each: a service writes no more to define an error.

The class fixes code, status and type, and they are checked when it is defined. The code that
raises it gives the message. Where the demo needs no special code, it raises the classes of the
rows (`RateLimitError`, `PayloadTooLargeError`, …).
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

"""The wire model: the envelope as pydantic sees it, for schemas and for reading answers.

Rendering does not use it (a template is ten times faster); it says what rendering keeps
to, gives the JSON Schema, and reads a peer's answer strictly. Importing this module loads
pydantic. Implements section 1 of the V2 contract.
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from .catalog import ErrorType

__all__ = ["ErrorBody", "ErrorEnvelope"]


class ErrorBody(BaseModel, extra="forbid", frozen=True, strict=True):
    """What `error` holds: exactly these five members, in this order."""

    type: Annotated[ErrorType, Field(description="The kind of error; the set is closed.")]
    code: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"),
        Field(description="The machine-readable reason; the set is open."),
    ]
    message: Annotated[
        str,
        StringConstraints(min_length=1, max_length=1024),
        Field(description="What went wrong, written for a person."),
    ]
    param: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,256}$")] | None,
        Field(description="The parameter to blame, or null."),
    ]
    request_id: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9._:/+=\-]{1,128}$"),
        Field(description="The id that support can find; also in X-Request-ID."),
    ]


class ErrorEnvelope(BaseModel, extra="forbid", frozen=True, strict=True, title="ErrorEnvelope"):
    """The JSON body of every error answer."""

    error: ErrorBody

    @classmethod
    def parse(cls, body: bytes | str) -> ErrorEnvelope | None:
        """Return the envelope that `body` is, or None where it is none; never raises.

        Strict: members beyond the five, or of another type, make it none. Their order is
        not looked at (RFC 8259, section 4).

        >>> ErrorEnvelope.parse(b'{"detail": "Not Found"}') is None
        True
        """
        try:
            data: object = json.loads(body)
            return cls.model_validate(data)
        except (TypeError, ValueError, RecursionError):
            return None

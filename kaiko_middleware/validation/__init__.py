"""Validation failures: one rule for every validator.

`parse_body` and `validation_error` are for services. The rest is for adapters of frameworks that
have a validator. Implements section 7 of the V2 contract.
"""

from __future__ import annotations

from .failures import (
    Failure,
    Kind,
    Where,
    error_from_failures,
    error_from_records,
    failure,
)
from .pydantic_errors import parse_body, validation_error

__all__ = [
    "Failure",
    "Kind",
    "Where",
    "error_from_failures",
    "error_from_records",
    "failure",
    "parse_body",
    "validation_error",
]

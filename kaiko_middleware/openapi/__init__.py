"""Errors in an OpenAPI document: the envelope on every operation, with examples.

A framework's generator knows neither our answers for validation failures nor that every error
answer is rewritten. `document_errors` adds both to a finished document of OpenAPI 3.0 or 3.1.
`errors_of` and `examples` are the parts for an adapter's own `responses(…)`, and `error_components`
describes a service's codes without its operations. Nothing here imports a framework; pydantic is
loaded when used. Implements sections 1 to 4 and 7 of the V2 contract as a schema.
"""

from __future__ import annotations

from .components import error_components
from .document import document_errors, errors_of, examples
from .headers import headers_of

__all__ = ["document_errors", "error_components", "errors_of", "examples", "headers_of"]

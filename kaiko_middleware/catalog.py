"""The catalogue: what every status and every code means, as data.

Ten rows are documented to clients (`ROWS`); every other error status a framework can
answer with is folded onto them or kept, by one table (`STATUSES`). The codes a process
knows, the service's own included, are listed by `known_codes`. Code, documentation,
checks and tests all read these tables; nothing else in the project repeats them.
Implements sections 2 and 3 of the V2 contract.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from .codes import registered_codes

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ROWS",
    "STATUSES",
    "CodeEntry",
    "ErrorType",
    "Row",
    "Status",
    "known_codes",
    "status_entry",
]

ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "forbidden_error",
    "not_found_error",
    "conflict_error",
    "rate_limit_error",
    "server_error",
]
"""The closed set of values that `error.type` can have."""


class Row(NamedTuple):
    """One documented row of the contract (section 2).

    `code` is what an error of this status gets when it brings no code,
    `example` the code the published documentation shows for it.
    """

    status: int
    type: ErrorType
    code: str
    example: str
    meaning: str
    resolution: str
    retryable: bool


class Status(NamedTuple):
    """What becomes of an answer with status `received`: the whole of section 3 as a record.

    `message` is shown where the answer has no text that may be shown.
    """

    received: int
    status: int
    type: ErrorType
    code: str
    message: str
    retryable: bool


class CodeEntry(NamedTuple):
    """A code that this process can answer with, and what a client should do about it."""

    code: str
    status: int
    type: ErrorType
    meaning: str
    resolution: str
    retryable: bool


ROWS: tuple[Row, ...] = (
    Row(
        400,
        "invalid_request_error",
        "bad_request",
        "missing_field",
        "Invalid request body or parameters",
        "Check that the required fields (messages, model) are present and well-formed.",
        False,
    ),
    Row(
        401,
        "authentication_error",
        "invalid_api_key",
        "invalid_api_key",
        "Missing or invalid API key",
        "Check that the x-api-key header carries a complete, current key.",
        False,
    ),
    Row(
        403,
        "forbidden_error",
        "permission_denied",
        "key_revoked",
        "API key revoked or insufficient permissions",
        "Generate a new key in the console, or ask for the permission.",
        False,
    ),
    Row(
        404,
        "not_found_error",
        "not_found",
        "context_not_found",
        "Resource not found or context expired",
        "Verify the context_id or the model name; contexts expire.",
        False,
    ),
    Row(
        409,
        "conflict_error",
        "conflict",
        "duplicate_id",
        "Duplicate external_id in same context",
        "Use an external_id that is unique for each message of the context.",
        False,
    ),
    Row(
        413,
        "invalid_request_error",
        "payload_too_large",
        "payload_too_large",
        "Request body exceeds size limit",
        "Make the message smaller, or split the batch.",
        False,
    ),
    Row(
        422,
        "invalid_request_error",
        "invalid_value",
        "invalid_role",
        "Invalid value for a field",
        "Use an allowed value; roles are user, assistant and system.",
        False,
    ),
    Row(
        429,
        "rate_limit_error",
        "too_many_requests",
        "too_many_requests",
        "Rate limit exceeded",
        "Wait as long as Retry-After says, then retry with exponential backoff.",
        True,
    ),
    Row(
        500,
        "server_error",
        "internal",
        "internal",
        "Unexpected server error",
        "Retry; contact support with the request_id if it persists.",
        True,
    ),
    Row(
        503,
        "server_error",
        "service_unavailable",
        "service_unavailable",
        "Service temporarily unavailable",
        "Check the status page and retry later.",
        True,
    ),
)
"""The ten documented rows, by ascending status."""

_INVALID: ErrorType = "invalid_request_error"
# Kept 4xx statuses that are no row: type, code, message. The texts are ours and fixed,
# since the phrases of Python's http module change between versions.
_KEPT: tuple[tuple[int, ErrorType, str, str], ...] = (
    (402, "forbidden_error", "payment_required", "Payment is required"),
    (405, _INVALID, "method_not_allowed", "The method is not allowed for this resource"),
    (406, _INVALID, "not_acceptable", "No representation matches the Accept header"),
    (
        407,
        "authentication_error",
        "proxy_authentication_required",
        "Proxy authentication is required",
    ),
    (408, _INVALID, "request_timeout", "The request took too long to arrive"),
    (410, "not_found_error", "gone", "The resource is gone"),
    (411, _INVALID, "length_required", "A Content-Length header is required"),
    (412, "conflict_error", "precondition_failed", "A precondition of the request failed"),
    (414, _INVALID, "uri_too_long", "The request URI is too long"),
    (
        415,
        _INVALID,
        "unsupported_media_type",
        "The content type of the request is not supported",
    ),
    (416, _INVALID, "range_not_satisfiable", "The requested range cannot be satisfied"),
    (417, _INVALID, "expectation_failed", "The Expect header cannot be met"),
    (418, _INVALID, "im_a_teapot", "The server is a teapot"),
    (421, _INVALID, "misdirected_request", "The request reached the wrong server"),
    (423, "conflict_error", "locked", "The resource is locked"),
    (424, _INVALID, "failed_dependency", "A request that this one depends on failed"),
    (425, _INVALID, "too_early", "The request came too early to be replayed safely"),
    (426, _INVALID, "upgrade_required", "The client must switch to another protocol"),
    (428, "conflict_error", "precondition_required", "The request must be conditional"),
    (431, _INVALID, "header_fields_too_large", "The request header fields are too large"),
    (
        451,
        "forbidden_error",
        "unavailable_for_legal_reasons",
        "The resource is unavailable for legal reasons",
    ),
)
_REJECTED = "The request was rejected"
# By whether the status is retryable.
_RESOLUTIONS = {
    True: "Send the request again.",
    False: "Correct the request before sending it again.",
}
_RETRIED = frozenset({408, 425})
# These say that asking again will not help; every other 5xx is a passing outage.
_PERMANENT = frozenset({501, 505, 506, 508, 510, 511})


def _statuses() -> dict[int, Status]:
    table = {row.status: row for row in ROWS}
    entries: dict[int, Status] = {}
    for received in range(400, 500):
        entries[received] = Status(
            received, received, _INVALID, "request_rejected", _REJECTED, False
        )
    for received, type_, code, message in _KEPT:
        entries[received] = Status(received, received, type_, code, message, received in _RETRIED)
    for received in range(500, 600):
        row = table[500 if received in _PERMANENT else 503]
        entries[received] = Status(
            received, row.status, row.type, row.code, row.meaning, row.status == 503
        )
    for row in ROWS:
        entries[row.status] = Status(
            row.status, row.status, row.type, row.code, row.meaning, row.retryable
        )
    return entries


STATUSES: Mapping[int, Status] = MappingProxyType(_statuses())
"""Every error status, 400 to 599, and what is answered for it."""


def status_entry(status: int) -> Status:
    """Return what is answered for `status`; one outside 400 to 599 is a 500 (section 3)."""
    return STATUSES.get(status) or STATUSES[500]._replace(received=status)


def known_codes() -> tuple[CodeEntry, ...]:
    """Return every code that this process knows, sorted by status and code.

    These are the codes of `ROWS` and `STATUSES`, those that validation gives, and those
    of the service's own error classes, whose meaning is their docstring's first line.
    """
    rows = {row.status: row for row in ROWS}
    found: dict[tuple[int, str], CodeEntry] = {}
    for entry in STATUSES.values():
        if entry.received == entry.status:
            row = rows.get(entry.status)
            resolution = row.resolution if row else _RESOLUTIONS[entry.retryable]
            found[entry.status, entry.code] = CodeEntry(
                entry.code, entry.status, entry.type, entry.message, resolution, entry.retryable
            )
    for status, code, meaning, resolution in _OWN:
        entry = STATUSES[status]
        found[status, code] = CodeEntry(
            code, status, entry.type, meaning, resolution, entry.retryable
        )
    for cls, code, status, retryable, description in registered_codes():
        if cls.__module__ == "kaiko_middleware.errors":
            continue  # the toolkit's own classes are described above, in words for clients
        base = found[status, STATUSES[status].code]
        found[status, code] = CodeEntry(
            code, status, base.type, description or base.meaning, base.resolution, retryable
        )
    return tuple(found[key] for key in sorted(found))


# The codes that the toolkit gives besides those of the statuses (sections 7 and 8).
_OWN: tuple[tuple[int, str, str, str], ...] = (
    (400, "missing_field", "A required field is absent", "Send the field that param names."),
    (400, "invalid_json", "The request body is not valid JSON", "Send well-formed JSON."),
    (400, "missing_body", "A request body is required", "Send a body."),
    (
        400,
        "unknown_field",
        "The request body has a field that is not allowed",
        "Remove the field; param names the object it is in.",
    ),
    (400, "invalid_host", "The Host header is not allowed", "Call the documented host."),
    (400, "invalid_form", "The form data cannot be read", "Send well-formed form data."),
    (400, "too_many_fields", "The request has too many fields", "Send fewer fields."),
    (403, "csrf_failed", "CSRF verification failed", "Send the CSRF cookie and token."),
    (503, "timeout", "The operation timed out", "Retry with exponential backoff."),
)

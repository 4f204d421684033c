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

from ._text import clean_message, clean_param, safe_str
from .codes import registered_codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "ROWS",
    "STATUSES",
    "TOOLKIT_STATUSES",
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

    `code` is what an error of this status gets when it brings no code, `meaning` its default
    message. `example` is the code that the published documentation of the V2 API shows for it:
    where it is another one, it is a code of that service, as `kaiko_demo` defines it.
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
    """A code that this process can answer with, and what a client should do about it.

    `meaning` is the message that is sent where the code is raised without one. `description` is for
    developers and never sent: the first line of the class's docstring, empty where there is none.
    `param` is the class's; `defined` is the class as `module:Class`, empty for the toolkit's codes.
    """

    code: str
    status: int
    type: ErrorType
    meaning: str
    resolution: str
    retryable: bool
    description: str = ""
    param: str | None = None
    defined: str = ""


# The type of each 4xx that has another one than `invalid_request_error`.
_TYPES: dict[int, ErrorType] = {
    401: "authentication_error",
    402: "forbidden_error",
    403: "forbidden_error",
    404: "not_found_error",
    407: "authentication_error",
    409: "conflict_error",
    410: "not_found_error",
    412: "conflict_error",
    423: "conflict_error",
    428: "conflict_error",
    429: "rate_limit_error",
    451: "forbidden_error",
}
_RETRIED = frozenset({408, 425, 429, 500, 503})
# These say that asking again will not help; every other 5xx is a passing outage.
_PERMANENT = frozenset({501, 505, 506, 508, 510, 511})
# What to do about a status; `_RESOLUTION` counts for the others, by whether to retry.
_RESOLUTIONS = {
    400: "Check that the required fields and parameters are present and well-formed.",
    401: "Check that the request carries a complete, current API key.",
    403: "Use an API key that has the permission, or ask for it.",
    404: "Check the path and the identifiers in the request.",
    409: "Fetch the current state of the resource and change the request to fit it.",
    413: "Make the request smaller, or split it.",
    422: "Send a value that the field allows; param names the field.",
    429: "Wait as long as Retry-After says, then retry with exponential backoff.",
    500: "Retry; contact support with the request_id if it persists.",
    503: "Retry later, with exponential backoff.",
}
_RESOLUTION = {
    True: "Send the request again.",
    False: "Correct the request before sending it again.",
}


def _type_of(status: int) -> ErrorType:
    return _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")


def _row(status: int, code: str, example: str, meaning: str) -> Row:
    retryable = status in _RETRIED
    return Row(status, _type_of(status), code, example, meaning, _RESOLUTIONS[status], retryable)


ROWS: tuple[Row, ...] = (
    _row(400, "bad_request", "missing_field", "The request is invalid"),
    _row(401, "invalid_api_key", "invalid_api_key", "Missing or invalid API key"),
    _row(403, "permission_denied", "key_revoked", "The API key does not permit this"),
    _row(404, "not_found", "context_not_found", "The resource was not found"),
    _row(409, "conflict", "duplicate_id", "The request conflicts with the state of the resource"),
    _row(413, "payload_too_large", "payload_too_large", "The request body is too large"),
    _row(422, "invalid_value", "invalid_role", "A field has an invalid value"),
    _row(429, "too_many_requests", "too_many_requests", "Too many requests"),
    _row(500, "internal", "internal", "Unexpected server error"),
    _row(
        503,
        "service_unavailable",
        "service_unavailable",
        "The service is temporarily unavailable",
    ),
)
"""The ten documented rows, by ascending status."""

# Kept 4xx statuses that are no row: code and message. The texts are ours and fixed, since
# the phrases of Python's http module change between versions.
_KEPT = {
    402: ("payment_required", "Payment is required"),
    405: ("method_not_allowed", "The method is not allowed for this resource"),
    406: ("not_acceptable", "No representation matches the Accept header"),
    407: ("proxy_authentication_required", "Proxy authentication is required"),
    408: ("request_timeout", "The request took too long to arrive"),
    410: ("gone", "The resource is gone"),
    411: ("length_required", "A Content-Length header is required"),
    412: ("precondition_failed", "A precondition of the request failed"),
    414: ("uri_too_long", "The request URI is too long"),
    415: ("unsupported_media_type", "The content type of the request is not supported"),
    416: ("range_not_satisfiable", "The requested range cannot be satisfied"),
    417: ("expectation_failed", "The Expect header cannot be met"),
    418: ("im_a_teapot", "The server is a teapot"),
    421: ("misdirected_request", "The request reached the wrong server"),
    423: ("locked", "The resource is locked"),
    424: ("failed_dependency", "A request that this one depends on failed"),
    425: ("too_early", "The request came too early to be replayed safely"),
    426: ("upgrade_required", "The client must switch to another protocol"),
    428: ("precondition_required", "The request must be conditional"),
    431: ("header_fields_too_large", "The request header fields are too large"),
    451: ("unavailable_for_legal_reasons", "The resource is unavailable for legal reasons"),
}
_REJECTED = "request_rejected", "The request was rejected"


def _statuses() -> Iterator[Status]:
    named = {row.status: (row.code, row.meaning) for row in ROWS} | _KEPT
    for received in range(400, 600):
        status = received
        if received > 500:
            status = 500 if received in _PERMANENT else 503
        code, message = named.get(status, _REJECTED)
        retryable = received in _RETRIED or status == 503
        yield Status(received, status, _type_of(status), code, message, retryable)


STATUSES: Mapping[int, Status] = MappingProxyType({entry.received: entry for entry in _statuses()})
"""Every error status, 400 to 599, and what is answered for it."""


def status_entry(status: int) -> Status:
    """Return what is answered for `status`; one outside 400 to 599 is a 500 (section 3)."""
    return STATUSES.get(status) or STATUSES[500]._replace(received=status)


OWN_CODES: dict[str, tuple[int, str, str]] = {
    "missing_field": (400, "A required field is absent", "Send the field that param names."),
    "invalid_json": (400, "The request body is not valid JSON", "Send well-formed JSON."),
    "missing_body": (400, "A request body is required", "Send a body."),
    "unknown_field": (
        400,
        "The request body has a field that is not allowed",
        "Remove the field; param names the object it is in.",
    ),
    "invalid_host": (400, "The Host header is not allowed", "Call the documented host."),
    "invalid_form": (400, "The form data cannot be read", "Send well-formed form data."),
    "too_many_fields": (400, "The request has too many fields", "Send fewer fields."),
    "csrf_failed": (403, "CSRF verification failed", "Send the CSRF cookie and token."),
    "content_policy_violation": (
        422,
        "The content was refused by a content policy",
        "Change the content; the same content is refused again.",
    ),
    "timeout": (503, "The operation timed out", "Retry with exponential backoff."),
}
"""The codes that the toolkit gives besides those of the statuses (sections 7, 8 and 10): the
status, the message and the resolution of each."""


def _toolkit_statuses() -> dict[str, frozenset[int]]:
    found = {code: {status} for code, (status, _, _) in OWN_CODES.items()}
    for entry in STATUSES.values():
        if entry.received == entry.status:
            found.setdefault(entry.code, set()).add(entry.status)
    return {code: frozenset(statuses) for code, statuses in found.items()}


TOOLKIT_STATUSES: Mapping[str, frozenset[int]] = MappingProxyType(_toolkit_statuses())
"""The statuses of each code that the toolkit itself gives; a class cannot give it another."""


def known_codes() -> tuple[CodeEntry, ...]:
    """Return every code that this process knows, sorted by status and code.

    These are the codes of `ROWS` and `STATUSES`, those that the toolkit gives to validation
    failures and known exceptions, and those of the service's own error classes, whose meaning is
    their default message. A `code=` at a raise site is not known.
    """
    found: dict[tuple[int, str], CodeEntry] = {}
    for received, status, type_, code, message, retryable in STATUSES.values():
        if received == status:
            resolution = _RESOLUTIONS.get(status, _RESOLUTION[retryable])
            found[status, code] = CodeEntry(code, status, type_, message, resolution, retryable)
    for code, (status, meaning, resolution) in OWN_CODES.items():
        base = found[status, STATUSES[status].code]
        found[status, code] = base._replace(code=code, meaning=meaning, resolution=resolution)
    for cls, code, status, retryable, text, advice, description in registered_codes():
        if cls.__module__ == "kaiko_middleware.errors":
            continue  # the toolkit's own classes are described above, in words for clients
        base = found[status, STATUSES[status].code]
        found[status, code] = base._replace(
            code=code,
            meaning=clean_message(safe_str(text), base.meaning),
            resolution=base.resolution if advice is None else safe_str(advice),
            retryable=retryable,
            description=description,
            param=clean_param(getattr(cls, "param", None)),
            defined=f"{cls.__module__}:{cls.__qualname__}",
        )
    return tuple(found[key] for key in sorted(found))

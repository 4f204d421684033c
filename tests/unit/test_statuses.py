"""Sections 2 and 3 of the contract as a table of their own, written from the page, not the code."""

from __future__ import annotations

import http
from typing import Any

import pytest

from kaiko_middleware import ConflictError, render
from kaiko_middleware.author_text import is_phrase
from kaiko_middleware.catalog import ROWS, STATUSES, CodeEntry, known_codes, status_entry
from kaiko_middleware.known_exceptions import KNOWN
from kaiko_middleware.make_error import error_for_status
from unit.support import REQUEST_ID, Lazy, Throttled, error_of, header

INVALID, AUTH, FORBIDDEN = "invalid_request_error", "authentication_error", "forbidden_error"
NOT_FOUND, CONFLICT = "not_found_error", "conflict_error"
RATE, SERVER = "rate_limit_error", "server_error"

# status received: status answered, type, code, X-Should-Retry
TABLE: dict[int, tuple[int, str, str, str]] = {
    400: (400, INVALID, "bad_request", "false"),
    401: (401, AUTH, "invalid_api_key", "false"),
    402: (402, FORBIDDEN, "payment_required", "false"),
    403: (403, FORBIDDEN, "permission_denied", "false"),
    404: (404, NOT_FOUND, "not_found", "false"),
    405: (405, INVALID, "method_not_allowed", "false"),
    406: (406, INVALID, "not_acceptable", "false"),
    407: (407, AUTH, "proxy_authentication_required", "false"),
    408: (408, INVALID, "request_timeout", "true"),
    409: (409, CONFLICT, "conflict", "false"),
    410: (410, NOT_FOUND, "gone", "false"),
    411: (411, INVALID, "length_required", "false"),
    412: (412, CONFLICT, "precondition_failed", "false"),
    413: (413, INVALID, "payload_too_large", "false"),
    414: (414, INVALID, "uri_too_long", "false"),
    415: (415, INVALID, "unsupported_media_type", "false"),
    416: (416, INVALID, "range_not_satisfiable", "false"),
    417: (417, INVALID, "expectation_failed", "false"),
    418: (418, INVALID, "im_a_teapot", "false"),
    421: (421, INVALID, "misdirected_request", "false"),
    422: (422, INVALID, "invalid_value", "false"),
    423: (423, CONFLICT, "locked", "false"),
    424: (424, INVALID, "failed_dependency", "false"),
    425: (425, INVALID, "too_early", "true"),
    426: (426, INVALID, "upgrade_required", "false"),
    428: (428, CONFLICT, "precondition_required", "false"),
    429: (429, RATE, "too_many_requests", "true"),
    431: (431, INVALID, "header_fields_too_large", "false"),
    451: (451, FORBIDDEN, "unavailable_for_legal_reasons", "false"),
    **{
        status: (status, INVALID, "request_rejected", "false")
        for status in (419, 420, 427, 430, 432, 440, 444, 450, 452, 460, 494, 498, 499)
    },
    500: (500, SERVER, "internal", "true"),
    **dict.fromkeys((501, 505, 506, 508, 510, 511), (500, SERVER, "internal", "false")),
    **dict.fromkeys(
        (502, 503, 504, 507, 509, *range(520, 531), 540, 561, 598, 599),
        (503, SERVER, "service_unavailable", "true"),
    ),
    **dict.fromkeys(
        (-1, 0, 99, 100, 200, 204, 302, 304, 399, 600, 700, 10**9),
        (500, SERVER, "internal", "true"),
    ),
}


@pytest.mark.parametrize("status", TABLE)
def test_a_status_becomes_what_the_contract_says(status: int) -> None:
    """Status, type, code and retry of sections 2 and 3, as they go out."""
    reply = render(error_for_status(status), REQUEST_ID)
    error = error_of(reply.body)
    (retry,) = header(reply, "X-Should-Retry")
    assert (reply.status, error["type"], error["code"], retry) == TABLE[status]


def test_every_error_status_is_in_the_tables() -> None:
    """400 to 599 without a gap, and nothing else."""
    assert list(STATUSES) == list(range(400, 600))
    assert all(received == entry.received for received, entry in STATUSES.items())
    assert status_entry(700).received == 700


def test_only_these_5xx_statuses_leave() -> None:
    """5xx collapse onto the two documented ones."""
    assert {entry.status for received, entry in STATUSES.items() if received >= 500} == {500, 503}
    assert all(STATUSES[received].status == received for received in range(400, 500))


def test_the_rows_are_the_ten_documented_ones() -> None:
    """Status, type, example code and retry as clients read them."""
    assert [(row.status, row.type, row.example, row.retryable) for row in ROWS] == [
        (400, INVALID, "missing_field", False),
        (401, AUTH, "invalid_api_key", False),
        (403, FORBIDDEN, "key_revoked", False),
        (404, NOT_FOUND, "context_not_found", False),
        (409, CONFLICT, "duplicate_id", False),
        (413, INVALID, "payload_too_large", False),
        (422, INVALID, "invalid_role", False),
        (429, RATE, "too_many_requests", True),
        (500, SERVER, "internal", True),
        (503, SERVER, "service_unavailable", True),
    ]
    assert all(row.resolution for row in ROWS)


def test_messages_are_one_per_status_and_none_is_a_phrase() -> None:
    """The texts are ours, since Python's change between versions."""
    rows = {row.status for row in ROWS}
    named = [entry for entry in STATUSES.values() if entry.status == entry.received]
    codes = {entry.code for entry in named}
    assert len({entry.message for entry in named}) == len(codes)
    assert [s for s, entry in STATUSES.items() if is_phrase(entry.message, s)] == [429]
    assert {STATUSES[status].message for status in rows} == {row.meaning for row in ROWS}


@pytest.mark.parametrize("status", [s for s in http.HTTPStatus if 400 <= s <= 499])
def test_this_pythons_phrase_is_known(status: http.HTTPStatus) -> None:
    """Whatever Python runs this test."""
    assert is_phrase(status.phrase, status)


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (413, "Request Entity Too Large"),
        (413, "Payload Too Large"),
        (413, "Content Too Large"),
        (414, "Request-URI Too Long"),
        (414, "URI Too Long"),
        (416, "Requested Range Not Satisfiable"),
        (416, "Range Not Satisfiable"),
        (418, "I'm a Teapot"),
        (422, "Unprocessable Entity"),
        (422, "Unprocessable Content"),
        (404, "not found"),
        (404, " Not Found. "),
    ],
)
def test_the_phrases_of_every_python_are_known(status: int, phrase: str) -> None:
    """3.13 renamed four of them."""
    assert is_phrase(phrase, status)


def test_a_phrase_of_another_status_is_an_authors_text() -> None:
    """`Conflict` as the detail of a 400 was written by somebody."""
    assert not is_phrase("Conflict", 400)
    assert not is_phrase("Not Found", 499)
    assert not is_phrase("", 404)


def test_the_catalogue_lists_every_code_once_per_status() -> None:
    """Sorted, without repetition, each with words for a client."""
    entries = known_codes()
    keys = [(entry.status, entry.code) for entry in entries]
    assert keys == sorted(set(keys))
    assert all(entry.meaning and entry.resolution for entry in entries)
    assert {(entry.status, entry.code) for entry in STATUSES.values()} <= set(keys)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "missing_field"),
        (400, "invalid_json"),
        (400, "missing_body"),
        (400, "unknown_field"),
        (400, "invalid_host"),
        (400, "invalid_form"),
        (400, "too_many_fields"),
        (403, "csrf_failed"),
        (422, "content_policy_violation"),
        (503, "timeout"),
    ],
)
def test_the_catalogue_knows_the_codes_of_validation_and_frameworks(status: int, code: str) -> None:
    """Codes that no class of a service's defines."""
    assert (status, code) in {(entry.status, entry.code) for entry in known_codes()}


def entry_of(code: str) -> CodeEntry:
    """Return what the catalogue says of a code."""
    (entry,) = (entry for entry in known_codes() if entry.code == code)
    return entry


def test_a_services_class_enters_the_catalogue() -> None:
    """Without texts of its own it has the row's; its docstring is for developers."""
    entry = entry_of(Throttled.code)
    assert entry.meaning == "Too many requests"
    assert (entry.status, entry.type, entry.retryable) == (429, RATE, True)
    assert entry.resolution == next(row.resolution for row in ROWS if row.status == 429)
    assert entry.description == "The plan allows no more requests today."


def test_the_catalogue_has_a_classs_own_texts() -> None:
    """What is sent, and what a client does about it."""

    class OutOfInk(
        Throttled, code="unit_out_of_ink", message="No ink", resolution="Refill it."
    ): ...

    entry = entry_of(OutOfInk.code)
    assert (entry.meaning, entry.resolution, entry.description) == ("No ink", "Refill it.", "")


def test_the_catalogue_translates_when_it_is_read() -> None:
    """A class is defined before any language is chosen."""

    texts: Any = {"message": Lazy("Nein"), "resolution": Lazy("Wartet.")}
    type("Translated", (ConflictError,), texts, code="unit_translated")
    entry = entry_of("unit_translated")
    assert (entry.meaning, entry.resolution) == ("Nein", "Wartet.")


def test_every_code_that_a_mapped_exception_gets_is_in_the_catalogue() -> None:
    """Those of the table of known exceptions, by what each of its handlers makes."""
    known = {(entry.status, entry.code) for entry in known_codes()}
    made = [handler(ValueError()) for handler in KNOWN.values()]
    errors = [error for error in made if error is not None]
    assert len({error.code for error in errors}) > 8
    assert {(error.status, error.code) for error in errors} <= known

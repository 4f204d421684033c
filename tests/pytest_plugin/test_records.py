"""`kaiko_records`: a request's log records, by its id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pytest_plugin.service import client

if TYPE_CHECKING:
    from kaiko_pytest import RequestRecords

log = logging.getLogger("lamps")


def test_a_requests_records_are_found_by_its_id(kaiko_records: RequestRecords) -> None:
    """Each once, at INFO too, and none of another request."""
    first, second = (client.get("/lamps/declared").headers["X-Request-ID"] for _ in range(2))
    (record,) = kaiko_records(first)
    assert (record.name, record.levelname) == ("kaiko", "INFO")
    assert vars(record)["code"] == "lamp_not_found"
    assert [vars(each)["request_id"] for each in kaiko_records.all if each.name == "kaiko"] == [
        first,
        second,
    ]


def test_an_unmapped_exceptions_record_is_there(kaiko_records: RequestRecords) -> None:
    """It is on a child of `kaiko`; other loggers' records can be left out."""
    request_id = client.get("/lamps/bug").headers["X-Request-ID"]
    (record,) = kaiko_records(request_id, logger="kaiko")
    assert record.name == "kaiko.unmapped"
    assert kaiko_records(request_id, logger="kai") == []


def test_records_of_no_request_have_no_id(kaiko_records: RequestRecords) -> None:
    """They are among all of them."""
    log.warning("outside")
    assert [record.getMessage() for record in kaiko_records.all] == ["outside"]
    assert [record.getMessage() for record in kaiko_records("-")] == ["outside"]


def test_loggers_are_left_as_they_were() -> None:
    """Also one that a configuration has disabled."""
    from kaiko_pytest._records import collect

    kaiko = logging.getLogger("kaiko")
    before = kaiko.level, [*kaiko.handlers]
    kaiko.disabled, kaiko.propagate = True, False
    try:
        with collect() as records:
            request_id = client.get("/lamps/declared").headers["X-Request-ID"]
        assert len(records(request_id)) == 1
        assert kaiko.disabled
        assert (kaiko.level, kaiko.handlers) == before
    finally:
        kaiko.disabled, kaiko.propagate = False, True

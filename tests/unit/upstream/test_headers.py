"""What counts as an answer's headers: hostile, or not even headers, they do no harm."""

from __future__ import annotations

from http.client import HTTPMessage
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kaiko_middleware.upstream import Upstream
from kaiko_middleware.upstream._answers import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

UP = Upstream("up")


class Own(httpx2.HTTPError):
    """A service's own exception, which calls something else `headers`."""

    status_code = 503

    def __init__(self, headers: object) -> None:
        super().__init__("x")
        self.headers = headers


class Broken:
    """Its iterator fails."""

    def __iter__(self) -> Iterator[tuple[str, str]]:
        yield "Retry-After", "7"
        raise RuntimeError


@pytest.mark.parametrize(
    "headers", [5, None, "Retry-After", ["Retry-After"], [("a", "b", "c")], [5], Broken(), dict]
)
def test_what_is_no_headers_counts_as_none(headers: Any) -> None:
    """The status is read all the same."""
    error = UP.error_from_exception(Own(headers))
    assert (error.status, error.retry_after) == (503, None)
    again = UP.error_from_response(503, headers, b"")
    assert again is not None
    assert (again.status, again.retry_after) == (503, None)


def test_headers_of_the_standard_library_are_read() -> None:
    """They have items, but are no `Mapping`."""
    message = HTTPMessage()
    message["Retry-After"] = "7"
    assert UP.error_from_exception(Own(message)).retry_after == 7


def test_a_name_and_a_value_are_read_up_to_a_kilobyte() -> None:
    """No field that means anything has a longer one."""
    for name, value in (("N" * 10_000_000, "v" * 9999), (b"N" * 10_000_000, b"v" * 9999)):
        assert lower([(name, value)]) == {"n" * 1024: "v" * 1024}
        assert lower([(name, value), (name, value)]) == {"n" * 1024: "v" * 1024}


def test_no_more_than_a_thousand_fields_are_read() -> None:
    """The others are not even asked for."""
    asked: list[int] = []

    def pairs() -> Iterator[tuple[str, str]]:
        for number in range(100_000):
            asked.append(number)
            yield f"X-{number}", "1"

    assert len(lower(pairs())) == 1000
    assert len(asked) == 1000

"""The three forms of HTTP dates, and no others (RFC 9110, section 5.6.7).

`email.utils` accepts many other forms, with time zones and prose, that HTTP does not allow.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY = "mon|tue|wed|thu|fri|sat|sun"
_DAYS = "mon|tues|wednes|thurs|fri|satur|sun"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        # Sun, 06 Nov 1994 08:49:37 GMT
        rf"(?:{_DAY}), (?P<day>\d\d?) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        # Sunday, 06-Nov-94 08:49:37 GMT
        rf"(?:{_DAYS})day, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",
        # Sun Nov  6 08:49:37 1994
        rf"(?:{_DAY}) {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",
    )
)


def timestamp(text: str, now: Callable[[], float]) -> float | None:
    """Return the timestamp of `text`, or None if it is not an HTTP date.

    Arguments:
        text: the field's value.
        now: the time; a year of two digits is at most 50 years after it.

    """
    match = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if match is None:
        return None
    year, second = int(match["year"]), int(match["second"])
    if len(match["year"]) == 2:
        this_year = datetime.fromtimestamp(now(), UTC).year
        year += this_year - this_year % 100
        if year > this_year + 50:
            year -= 100
    try:
        moment = datetime(
            year,
            _MONTHS.index(match["month"].lower()) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            min(second, 59),  # 60 is a leap second
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return None if second > 60 else moment.timestamp()

"""How long an upstream asked to wait, in all the ways it can say so, as whole seconds.

Implements the Retry-After paragraph of section 10 of the V2 contract.
"""

from __future__ import annotations

import math
import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAXIMUM = 86_400
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_RATELIMIT_T = re.compile(r"(?:^|;)\s*t=([0-9]{1,9})\s*(?:;|,|$)")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")
_IN_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after")


def retry_after(headers: Mapping[str, str], body: object) -> int | None:
    """Return the seconds to wait, 1 to 86,400, or None where nothing usable is said.

    Arguments:
        headers: by lower-case name.
        body: the parsed body, whose structured fields come last; prose never counts.

    """
    for name in _IN_MILLISECONDS:
        seconds = _decimal(headers.get(name), 1000)
        if seconds is not None:
            return seconds
    said = headers.get("retry-after")
    seconds = _decimal(said, 1)
    if seconds is None and said is not None:
        seconds = _date(said.strip(), headers.get("date"))
    if seconds is None:
        match = _RATELIMIT_T.search(headers.get("ratelimit", ""))
        seconds = _whole(float(match[1])) if match else None
    return seconds if seconds is not None else _in_body(body)


def _decimal(text: str | None, per_second: int) -> int | None:
    text = text.strip() if text else ""
    if _DECIMAL.fullmatch(text) is None:
        return None
    return _whole(float(text) / per_second)


def _whole(seconds: float) -> int | None:
    if not math.isfinite(seconds) or seconds <= 0:
        return None
    return min(math.ceil(seconds), _MAXIMUM)


def _date(text: str, now: str | None) -> int | None:
    moment = _timestamp(text)
    if moment is None:
        return None
    reference = _timestamp(now) if now else None
    return _whole(moment - (time.time() if reference is None else reference))


def _timestamp(text: str) -> float | None:
    """Read any of the three HTTP dates (RFC 9110, 5.6.7), all in UTC."""
    if len(text) > 40 or not text[:3].isalpha():
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _in_body(body: object) -> int | None:
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    for holder in (body, error):
        if not isinstance(holder, dict):
            continue
        for name in ("retry_after", "estimated_time"):
            value: object = holder.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _whole(value) if abs(value) < 1e9 else None
        details: object = holder.get("details")
        for item in details if isinstance(details, list) else ():
            if isinstance(item, dict) and str(item.get("@type", "")).endswith(
                "google.rpc.RetryInfo"
            ):
                delay: object = item.get("retryDelay")
                match = _DURATION.fullmatch(delay) if isinstance(delay, str) else None
                if match:
                    return _whole(float(match[1]))
    return None

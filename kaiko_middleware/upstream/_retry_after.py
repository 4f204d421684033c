"""How long an upstream asks to wait, in all its forms, as whole seconds.

Implements the Retry-After paragraph of section 10 of the V2 contract.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from kaiko_middleware.json_values import items, members

from ._http_date import timestamp
from ._members import DETAILS, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kaiko_middleware.json_values import Members

_MAXIMUM = 86_400
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,20})?")
_EPOCH = re.compile("[1-9][0-9]{9}")
_IN_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?$)')  # one without an end takes the rest
_T = re.compile(r";\s*t=([0-9]{1,9})\s*(?=;|$)")
_SPENT = re.compile(r";\s*r=0+\s*(?=;|$)")
_RETRY_INFO = "google.rpc.RetryInfo"


def retry_after(
    headers: Mapping[str, str], held: list[Members], now: Callable[[], float]
) -> int | None:
    """Return the seconds to wait, 1 to 86,400, or None if there is no usable value.

    Arguments:
        headers: the headers by lower-case name.
        held: the objects of the body, whose structured fields are read last; prose is ignored.
        now: the time, for a date in an answer without `Date`.

    """
    for name in _IN_MILLISECONDS:
        if name in headers and (wait := _decimal(headers[name], 1000)) is not None:
            return wait
    said = headers.get("retry-after")
    if said is not None:
        wait = _decimal(said, 1)
        if wait is None:
            wait = _date(said, headers.get("date", ""), now)
        if wait is not None:
            return wait
    wait = _rate_limit(headers.get("ratelimit", ""))
    if wait is None and held:
        return next((found for found in _in_body(held) if found is not None), None)
    return wait


def until_reset(headers: Mapping[str, str], now: Callable[[], float]) -> int | None:
    """Return the seconds until `X-RateLimit-Reset`, or None if it is not a point in time.

    For GitHub's 403 of a spent rate limit, the only answer where the field's unit is known.
    """
    reset = headers.get("x-ratelimit-reset", "").strip()
    if not _EPOCH.fullmatch(reset):
        return None
    answered = timestamp(headers.get("date", "").strip(), now)
    return _whole(int(reset) - (now() if answered is None else answered))


def _decimal(text: str, per_second: int) -> int | None:
    text = text.strip()
    return _whole(float(text) / per_second) if _DECIMAL.fullmatch(text) else None


def _whole(seconds: float) -> int | None:
    return min(math.ceil(seconds), _MAXIMUM) if seconds > 0 else None


def _date(text: str, answered: str, now: Callable[[], float]) -> int | None:
    moment = timestamp(text.strip(), now)
    if moment is None:
        return None
    reference = timestamp(answered.strip(), now)
    return _whole(moment - (now() if reference is None else reference))


def _rate_limit(text: str) -> int | None:
    """Read `"policy";r=0;t=30`: of several policies, a spent one comes first."""
    policies = _QUOTED.sub("", text).split(",") if text else []
    for policy in sorted(policies, key=lambda policy: _SPENT.search(policy) is None):
        match = _T.search(policy)
        if match:
            return _whole(float(match[1]))
    return None


def _in_body(held: list[Members]) -> Iterator[int | None]:
    details = [item for outer in held for item in items(outer.get("details"))[:DETAILS]]
    for holder in (*held, *map(members, details)):
        delay = word(holder.get("retryDelay"))
        if delay.endswith("s") and _is_retry_info(holder):
            yield _decimal(delay[:-1], 1)
    for name in ("retry_after", "estimated_time"):
        # Telegram's are in `parameters`.
        for holder in (*held, *(members(outer.get("parameters")) for outer in held[:1])):
            value = holder.get(name)
            if isinstance(value, str):
                yield _decimal(value, 1)
            elif isinstance(value, int) and not isinstance(value, bool) and value < 10**9:
                yield _whole(value)


def _is_retry_info(holder: Members) -> bool:
    # Some proxies write white space into the key.
    kinds = (word(value) for key, value in holder.items() if "".join(key.split()) == "@type")
    return any("".join(kind.split()).rpartition("/")[2] == _RETRY_INFO for kind in kinds)

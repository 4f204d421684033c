"""From an upstream's answer to the typed error for our own callers.

`Judge` is the policy for one upstream: which errors pass, whose key was used, and how its rate
limits are answered. Implements the options of section 10 of the V2 contract.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware._text import LOG_LIMIT, log_safe
from kaiko_middleware.errors import (
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
    UpstreamDetails,
)
from kaiko_middleware.make_error import error_from_wire

from ._body import excerpt
from ._classify import by_status
from ._members import NOTHING, reading, texts
from ._peer import agrees, envelope, status_of
from ._refusals import refusal
from ._retry_after import retry_after, until_reset
from ._success import inside_success

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from kaiko_middleware.errors import Category, KaikoError

    from ._body import Body
    from ._members import Reading
    from ._tokens import Credential, Trust

_ID_MEMBERS = frozenset({"request_id", "requestId"})
_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray")


class Said(NamedTuple):
    """An upstream's answer: its status, its headers by lower-case name, its body."""

    status: int
    headers: Mapping[str, str]
    body: Body


class Judge(NamedTuple):
    """The policy for one upstream; its fields are the arguments of `Upstream`."""

    name: str
    trust: Trust
    credential: Credential
    rate_limit_as: Literal[429, 503]

    def answer(self, said: Said, *, look_inside: bool) -> KaikoError | None:
        """Return the typed error for an answer, or None if it is not an error.

        Arguments:
            said: the answer.
            look_inside: whether a success must be JSON without an error in it.

        """
        status, headers, body = said
        read = reading(body.data) if status >= 400 else NOTHING
        category = by_status(status, read, headers)
        if category is not None:
            return self._from_peer(status, said, body.data) or self._error(category, said, read)
        if not look_inside or status in {204, 205, 304} or status < 200:
            return None
        found = inside_success(body, headers.get("content-type", ""), llm=self.trust == "llm")
        return None if found is None else self.inside(found.category, said, found.data)

    def inside(self, category: Category, said: Said, data: object) -> KaikoError:
        """Return the error inside a success; a peer sends an envelope there, too."""
        found = envelope(data)
        status = None if found is None else status_of(found)
        passed = None if status is None else self._from_peer(status, said, data)
        return passed or self._error(category, said, reading(data))

    def failure(self, category: Category, text: str, *, processed: bool) -> KaikoError:
        """Return the error for a call that got no answer.

        Arguments:
            category: whose fault it is.
            text: the client's text, for the log.
            processed: whether the upstream may have processed the request.

        """
        error = self._typed(category, None)
        error.upstream = UpstreamDetails(self.name, category, None, None, log_safe(text), processed)
        return error

    def _passes(self, status: int) -> bool:
        """Whether a V2 error of that status may pass; errors about a key concern its owner."""
        if status in {401, 403}:
            return self.credential == "forwarded"
        return self.trust == "peer" and (status != 402 or self.credential == "forwarded")

    def _from_peer(self, status: int, said: Said, data: object) -> KaikoError | None:
        """Return a V2 service's own error, if it may pass through."""
        found = envelope(data) if self._passes(status) else None
        if found is None or not agrees(found, status):
            return None
        if status == 429 and self.rate_limit_as == 503:
            return self._error("throttled", said, reading(data))
        error = error_from_wire(
            status,
            found.code,
            found.message,
            param=found.param,
            retryable=_flag(said.headers.get("x-should-retry", "")),
        )
        if error.retryable or status in {429, 503}:
            error.retry_after = retry_after(said.headers, [], time.time)
        error.upstream = self._details(by_status(status) or "broken", said, reading(data))
        return error

    def _error(self, category: Category, said: Said, read: Reading) -> KaikoError:
        wish = _wish(said.headers)
        error = None
        if category == "rejected" and wish is True:
            category = "unavailable"
        elif self.trust == "llm" and _may_refuse(category, said.status):
            error = refusal(said.status, read)
        if error is None:
            wait = None
            if category in {"throttled", "unavailable"}:
                wait = retry_after(said.headers, read.held, time.time)
                if wait is None and said.status == 403:
                    wait = until_reset(said.headers, time.time)
            error = self._typed(category, wait)
        if wish is False:
            error.retryable = False
        error.upstream = self._details(category, said, read)
        return error

    def _typed(self, category: Category, wait: int | None) -> KaikoError:
        if category == "throttled" and self.rate_limit_as == 429:
            return RateLimitError(retry_after=wait)
        if category in {"throttled", "unavailable"}:
            return ServiceUnavailableError(retry_after=wait)
        return ServerError(retryable=False)

    def _details(self, category: Category, said: Said, read: Reading) -> UpstreamDetails:
        headers, body = said.headers, said.body
        request_id = headers.get("x-request-id")
        if not request_id:
            request_id = next((headers[name] for name in _IDS if headers.get(name)), None)
        if request_id is None:
            request_id = next(iter(texts(read.held, _ID_MEMBERS)), None)
        return UpstreamDetails(
            self.name,
            category,
            said.status,
            None if request_id is None else log_safe(request_id, LOG_LIMIT // 2),
            excerpt(body),
            processed=True,
        )


def _may_refuse(category: Category, status: int) -> bool:
    """Whether an answer may be about the caller's content; xAI's filter says 403."""
    if status < 300:
        return category in {"broken", "rejected", "unavailable"}
    return category == "rejected" or status == 403


def _flag(text: str) -> bool | None:
    """Read `true` or `false`; all values of a repeated field must agree."""
    if not text:
        return None
    words = {word.strip().lower() for word in text.split(",")}
    if words == {"false"}:
        return False
    return True if words == {"true"} else None


def _wish(headers: Mapping[str, str]) -> bool | None:
    """Return whether the upstream wants a retry, if it says so."""
    if "x-should-retry" not in headers and "stripe-should-retry" not in headers:
        return None
    flags = (_flag(headers.get(name, "")) for name in ("x-should-retry", "stripe-should-retry"))
    return next((flag for flag in flags if flag is not None), None)

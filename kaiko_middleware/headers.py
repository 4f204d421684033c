"""The header fields of an error answer: which are ours, which stay, which go.

Implements section 4 of the V2 contract, on lists of (name, value) pairs; names compare
without case (RFC 9110, 5.1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DESCRIBES_BODY",
    "EXPOSED",
    "Pairs",
    "is_field_name",
    "is_field_value",
    "merge_expose",
    "prefers_html",
    "sendable",
]

Pairs = list[tuple[str, str]]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")

DESCRIBES_BODY = frozenset(
    {
        "content-type",
        "content-length",
        "content-encoding",
        "content-language",
        "content-location",
        "content-disposition",
        "content-md5",
        "digest",
        "repr-digest",
        "accept-ranges",
        "trailer",
        "transfer-encoding",
        "expires",
        "etag",
        "last-modified",
    }
)
"""What described a body that is replaced, and goes with it."""

EXPOSED = (
    "X-Request-ID",
    "X-Should-Retry",
    "Cache-Control",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "WWW-Authenticate",
)
"""What a browser client may read of an error answer across origins."""
_WHERE_SENT = frozenset({"ratelimit", "ratelimit-policy"})
"""What it may read too, where it is sent: those of draft-ietf-httpapi-ratelimit-headers."""


def is_field_name(text: object) -> TypeGuard[str]:
    """Whether `text` is a field name by RFC 9110, 5.1."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_field_value(text: object) -> TypeGuard[str]:
    """Whether `text` can be sent as a field value: latin-1 without control characters."""
    return isinstance(text, str) and _BAD_VALUE.search(text) is None


def sendable(pairs: Iterable[tuple[object, object]]) -> tuple[Pairs, list[str]]:
    """Return the pairs that can be sent, values stripped, and the names of those dropped."""
    kept: Pairs = []
    dropped: list[str] = []
    for name, value in pairs:
        if is_field_name(name) and is_field_value(value):
            kept.append((name, value.strip(" \t")))
        else:
            dropped.append(name if isinstance(name, str) else type(name).__name__)
    return kept, dropped


def merge_expose(pairs: Pairs, id_header: str) -> Pairs:
    """Return `pairs` with ours merged into `Access-Control-Expose-Headers` where CORS applies."""
    if not any(name.lower() == "access-control-allow-origin" for name, _ in pairs):
        return pairs
    listed: list[str] = []
    rest: Pairs = []
    for name, value in pairs:
        if name.lower() == "access-control-expose-headers":
            listed += [item.strip() for item in value.split(",") if item.strip()]
        else:
            rest.append((name, value))
    seen = {item.lower() for item in listed}
    sent = (name for name, _ in rest if name.lower() in _WHERE_SENT)
    for name in (id_header, *EXPOSED[1:], *sent):
        if name.lower() not in seen:
            seen.add(name.lower())
            listed.append(name)
    return [*rest, ("Access-Control-Expose-Headers", ", ".join(listed))]


def prefers_html(accept: str) -> bool:
    """Whether an `Accept` header prefers HTML: `text/html` with q at least any JSON type's.

    A wildcard alone is JSON: only a browser asks for HTML by name.
    """
    html = json = 0.0
    for item in accept.split(","):
        media, _, parameters = item.partition(";")
        media = media.strip().lower()
        quality = 1.0
        for parameter in parameters.split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        if media == "text/html":
            html = max(html, quality)
        elif media.endswith(("/json", "+json")):
            json = max(json, quality)
    return html > 0.0 and html >= json

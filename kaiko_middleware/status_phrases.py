"""The phrases that HTTP itself has for its statuses, which no author wrote for anybody.

Not `HTTPStatus.phrase`: Python 3.13 renamed those of 413, 414, 416 and 422, and an answer may
come from any version. Implements the last rule of section 3 of the V2 contract.
"""

from __future__ import annotations

from functools import lru_cache

from .catalog import STATUSES

__all__ = ["is_phrase"]

# A status's code is its phrase with underscores, where it has none of its own below.
_PHRASES = {
    entry.status: (entry.code.replace("_", " "),)
    for entry in STATUSES.values()
    if entry.status < 500 and entry.code != "request_rejected"
} | {
    401: ("unauthorized",),
    403: ("forbidden",),
    413: ("request entity too large", "payload too large", "content too large"),
    414: ("request-uri too long", "uri too long"),
    416: ("requested range not satisfiable", "range not satisfiable"),
    418: ("i'm a teapot",),
    422: ("unprocessable entity", "unprocessable content"),
    431: ("request header fields too large",),
}


_LONGEST = 64


def is_phrase(text: str, status: int) -> bool:
    """Whether `text` is a phrase that some Python version registers for `status`.

    Or a status line with it: `404 Not Found`, `404: Not Found`, or the number alone.
    """
    return len(text) <= _LONGEST and _is_phrase(text, status)


@lru_cache(maxsize=256)
def _is_phrase(text: str, status: int) -> bool:
    phrases = _PHRASES.get(status, ())
    plain = text.strip().rstrip(".!").lower()
    rest = plain.removeprefix(str(status)).lstrip(" :-")
    return plain in phrases or (rest != plain and rest in {"", *phrases})

"""Which texts of an error answer an author wrote for people.

HTTP's own phrases, markup, tracebacks and what validators say of their input are none of them.
The phrases are not `HTTPStatus.phrase`: Python 3.13 renamed those of 413, 414, 416 and 422, and an
answer may come from any version. Implements the last rule of section 3 of the V2 contract, and what
section 6 says of rejected input.
"""

from __future__ import annotations

from functools import lru_cache

from ._text import MESSAGE_LIMIT
from .catalog import STATUSES
from .framework_pages import without_own_words

__all__ = ["author_text", "is_phrase"]

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
    416: (
        "requested range not satisfiable",
        "request range not satisfiable",  # WebOb's
        "range not satisfiable",
    ),
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


# What validators write, JSON Schema's (Connexion, Falcon, openapi-core), pydantic's, msgspec's and
# JSON's: the value that was sent and what is wrong with it, or one of these openings.
_VALUES = (*"'\"[{(-0123456789", "True ", "False ", "None ", "Value ")
_FAULTS = (
    " is not of type ",
    " is not one of [",
    " is not a '",
    " is not a multiple of ",
    " is not valid under ",
    " is valid under each of ",
    " should not be valid under ",
    " not valid for schema ",
    " is a required property",
    " is a dependency of ",
    " the minimum of ",
    " the maximum of ",
    " is too short",
    " is too long",
    " is expected to be empty",
    " should be non-empty",
    " was expected",
    " does not match '",
    " match any of the regexes",
    " does not contain items ",
    " does not have enough ",
    " has too many ",
    " has non-unique elements",
    " validation error",
)
_OPENINGS = (
    "Additional properties are not ",
    "Additional items are not ",
    "Unevaluated properties are not ",
    "Unevaluated items are not ",
    "Expected at most ",
    "Extra query parameter(s) ",
    "Invalid Content-type (",
    "Extra formData parameter(s) ",
    "False schema does not allow ",
    "Too few items match ",
    "Too many items match ",
    "Wrong type, expected '",
    # Litestar's, and msgspec's
    *(f"Validation failed for {method} /" for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
    *(f"Missing required {part} parameter '" for part in ("query", "header", "cookie")),
    "JSON is malformed: ",
    "Object contains unknown field `",
    "Expected `",
)


def _is_validators(text: str) -> bool:
    return (
        text.startswith(_OPENINGS)
        or (text.startswith(_VALUES) and any(fault in text for fault in _FAULTS))
        or " (char " in text
    )


def author_text(text: str, status: int) -> str | None:
    """Return `text` if an author wrote it for people, else None.

    A status's own phrase, markup, a traceback, what a validator says of its input, and anything
    longer than a message is not.
    """
    text = without_own_words(text.strip(), status)
    if not text or len(text) > MESSAGE_LIMIT or text[0] == "<" or "Traceback (most" in text:
        return None
    if len(text) <= _LONGEST:
        return None if _is_nobodys(text, status) else text
    return None if _is_validators(text) else text


@lru_cache(maxsize=256)
def _is_nobodys(text: str, status: int) -> bool:
    """Whether a short text, which may come again and again, is a phrase or a validator's."""
    return _is_phrase(text, status) or _is_validators(text)

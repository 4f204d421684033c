"""Strings on their way out: cut, cleaned, redacted and escaped.

What ends up in an answer or a log record may come from anywhere, so these functions
accept every string that Python can hold (lone surrogates and megabytes included) and
never fail. The size limits and the redaction rule are those of section 6 of the contract.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii

MESSAGE_LIMIT = 1024
PARAM_LIMIT = 256
LOG_LIMIT = 256

CODE_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")

_SECRETS = (
    r"(?P<kaiko>kaiko_(?:live|test)_)[A-Za-z0-9_-]+"
    r"|(?<![A-Za-z0-9])(?P<sk>sk-)[A-Za-z0-9_-]{16,}"
    # What follows "Bearer" may have been escaped by a repr() or in a URL. Words may follow it,
    # too: "the bearer token has expired".
    r"|\b(?P<bearer>[Bb][Ee][Aa][Rr][Ee][Rr](?:\s|\\[nrt]|%20|%09)+)[A-Za-z0-9._~+/=-]{16,}"
)
_SHORTEST_KEY = len("sk-") + 16
_SURROGATES = "[\ud800-\udfff]"
_CONTROLS = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern that most processes never need: these took a fifth of the import."""
    return re.compile(pattern)


def _mask(match: re.Match[str]) -> str:
    return f"{match[match.lastgroup or 0]}***"


def redact(text: str) -> str:
    """Replace API keys and bearer tokens in `text` by `***`, keeping their prefix."""
    lowered = text.lower()
    if "kaiko_" in lowered or "sk-" in lowered or "bearer" in lowered:
        return compiled(_SECRETS).sub(_mask, text)
    return text


def _redact_and_cut(text: str, limit: int) -> str:
    # Redaction comes before the cut, or half a key could stay. Of a huge text only so much
    # is looked at as can matter: what redaction left must reach so far beyond the limit
    # that half a key at its end, too short to be known as one, is cut off as well.
    if len(text) > 4 * limit:
        head = redact(text[: 4 * limit])
        if len(head) > limit + _SHORTEST_KEY:
            return head[:limit]
    return redact(text)[:limit]


def clean_message(text: object, fallback: str) -> str:
    """Return `text` as a message that may be sent: redacted, 1 to 1,024 characters.

    Anything that is no string, or is blank, gives `fallback`.
    """
    cleaned = _redact_and_cut(text, MESSAGE_LIMIT) if isinstance(text, str) else ""
    return fallback if not cleaned or cleaned.isspace() else cleaned


def clean_param(text: object) -> str | None:
    """Return `text` as a `param`: redacted, no control characters, at most 256; else None."""
    if not isinstance(text, str):
        return None
    start = _redact_and_cut(text, 4 * PARAM_LIMIT)
    if start.isprintable():
        return start[:PARAM_LIMIT] or None
    # Redacted again afterwards: what a control character kept apart may be glued together.
    return _redact_and_cut(compiled(_CONTROLS).sub("", start), PARAM_LIMIT) or None


def is_param(text: object) -> bool:
    """Whether `text` is a `param` as section 6 has it: 1 to 256 characters, none a control."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= PARAM_LIMIT
        and (text.isprintable() or not compiled(_CONTROLS).search(text))
    )


def well_formed(text: str) -> str:
    """Return `text` with surrogate pairs joined and lone surrogates as U+FFFD."""
    if text.isascii() or not compiled(_SURROGATES).search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def json_string(text: str) -> str:
    """Return `text` as a JSON string literal in plain ASCII, valid for every reader.

    A lone surrogate becomes U+FFFD: its escape is refused by strict JSON parsers.
    """
    return encode_basestring_ascii(text if text.isascii() else well_formed(text))


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def log_safe(text: object, limit: int = LOG_LIMIT) -> str:
    """Return `text` for a log record: redacted, cut, on one line, control characters escaped."""
    if not isinstance(text, str):
        text = safe_str(text)
    if len(text) <= limit and text.isprintable():  # as most are
        return redact(text)
    cut = len(text) > limit
    text = _redact_and_cut(text, limit)
    if not text.isprintable():
        # Of most texts this is all there is to escape, and ten times as fast.
        text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
        text = text if text.isprintable() else compiled(_CONTROLS).sub(_escape, text)
    return f"{text}…" if cut else text


def safe_str(value: object) -> str:
    """Return `str(value)`, or a note that it failed; never raises an `Exception`."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a hostile __str__ may raise anything
        return f"<unprintable {type(value).__name__} object>"


def is_code(text: object) -> bool:
    """Whether `text` is a code by section 1: `[a-z][a-z0-9_]{0,63}`, and no key."""
    return isinstance(text, str) and len(text) <= 64 and _is_code(text)


@lru_cache(maxsize=512)
def _is_code(text: str) -> bool:
    # A service has a few codes, and each is asked about whenever it is answered. A key of ours
    # is written like a code.
    return CODE_PATTERN.fullmatch(text) is not None and redact(text) == text

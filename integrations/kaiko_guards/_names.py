"""The names of keys, which are written to terminals."""

from __future__ import annotations

import re

__all__ = ["NAME_ALLOWED", "is_name", "on_one_line"]

# Control characters, what breaks lines or turns their direction, and surrogates.
_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
NAME_ALLOWED = "a text on one line, without control characters"


def is_name(text: str) -> bool:
    """Whether a key may have this name."""
    return bool(text.strip()) and _NOT_SHOWN.search(text) is None


def on_one_line(text: str) -> str:
    """Return `text` for a terminal: what would change how it is shown is escaped."""
    return _NOT_SHOWN.sub(lambda found: ascii(found[0])[1:-1], text)

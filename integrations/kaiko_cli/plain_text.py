"""Text from elsewhere, made safe to show: no control character of it reaches the terminal.

An escape sequence in a saved answer or in a class's message could move the cursor, change the
window's title or hide what follows.
"""

from __future__ import annotations

__all__ = ["plain"]

_SHOWN = 1024


def plain(text: str, limit: int = _SHOWN) -> str:
    r"""Return `text` on one line, with everything that is not printable escaped.

    Arguments:
        text: any text, lone surrogates included.
        limit: characters that are kept; an ellipsis follows a text that was cut.

    >>> plain("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    cut = len(text) > limit
    text = " ".join(text[:limit].split()) if cut else " ".join(text.split())
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escaped(char) for char in text)
    return f"{text}..." if cut else text


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")

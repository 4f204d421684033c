"""The author's text in the error pages of Werkzeug (Flask, Quart), Bottle and WebOb (Pyramid).

They put words of their own beside it. The library that is loaded says which these are.
Implements the returned answers of section 8 of the V2 contract.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ._text import compiled

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["page_text", "without_own_words"]

_TEXT = r"([^<]*(?:<br */?>[^<]*)*)"
_PAGES = (
    rf"<html lang=en>\n<title>\d+ [^<]*</title>\n<h1>[^<]*</h1>\n<p>{_TEXT}</p>\n*\Z",
    rf"caused an error:</p>\s*<pre>{_TEXT}</pre>\s*</body>",
    rf"<body>\s*<h1>\d+ [^<]*</h1>\s*{_TEXT}</body>",
)
_LONGEST = 8192
_BREAK = "<br */?>"
_OWN_WORDS = (
    ("werkzeug.exceptions", "default_exceptions", "description"),
    ("pyramid.httpexceptions", "status_map", "explanation"),
    ("webob.exc", "status_map", "explanation"),
)
# Pyramid's and WebOb's words that repeat what the client sent.
_OWN_SENTENCE = (
    r"The method \S+ is not allowed for this resource\."
    r"|The request method \S+ is not implemented for this server\."
    r"|The resource could not be generated that was acceptable to your browser"
    r"\s+\(content of type .*"
    r"|The request media type .* is not supported by this server\."
)
# A path that was not found (Pyramid's, Bottle's), and what Pyramid tells the service's developers.
_NOBODYS = (
    "/",
    "Not found: '",
    "Bad CSRF ",
    "debug_authorization of url ",
    "debug_notfound of url ",
    "predicate mismatch for view ",
)
_UNAUTHORIZED = r"Unauthorized: .* failed permission check"


def page_text(page: str) -> str | None:
    """Return the text that an error page shows; None where it is no page of theirs.

    A text without any markup is one that somebody returned without saying its type.

    Arguments:
        page: the decoded body.

    """
    if "<" not in page:
        return _unescaped(page)
    if len(page) <= _LONGEST:
        for pattern in _PAGES:
            found = compiled(pattern).search(page)
            if found is not None:
                return _unescaped(compiled(_BREAK).sub("\n", found[1]))
    return None


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    from html import unescape  # noqa: PLC0415 - its table takes 2 ms, which few texts need

    return unescape(text)


def without_own_words(text: str, status: int) -> str:
    """Return a text of an error answer without what a library puts before the author's.

    Arguments:
        text: the text.
        status: the answer's status.

    """
    head, blank, rest = text.partition("\n\n")
    if blank and head[:4] == f"{status} ":
        text = rest.strip()
    for name, table, attribute in _OWN_WORDS:
        if name in sys.modules:
            classes: Mapping[int, object] = getattr(sys.modules[name], table, {})
            words: object = getattr(classes.get(status), attribute, None)
            if isinstance(words, str):
                text = text.removeprefix(words).strip()
    own = compiled(_OWN_SENTENCE).match(text)
    if own is not None:
        text = text[own.end() :].strip()
    return "" if text.startswith(_NOBODYS) or compiled(_UNAUTHORIZED).fullmatch(text) else text

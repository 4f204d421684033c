"""A request as it is sent, and an answer as it arrived.

Header values are latin-1 text, as HTTP has them. Secrets are masked by `Redactor` before anything
is shown or saved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

__all__ = ["Answer", "End", "Headers", "Limits", "Redactor", "Request", "excerpt"]

Headers: TypeAlias = tuple[tuple[str, str], ...]

End: TypeAlias = Literal["whole", "cut", "unread", "unsent"]
"""How an answer ended: whole, cut by the peer, not read on, or its request could not be sent."""

_SHOWN_LINES = 12
SHOWN_BODY = 400  # bytes of a body in a report
_SECRET_NAME = re.compile("key|token|secret|auth|cookie|session|password|signature", re.IGNORECASE)
_KEYS = (
    (re.compile(r"kaiko_(live|test)_[A-Za-z0-9]+"), r"kaiko_\1_***"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"), "sk-***"),
    (re.compile(r"(Bearer )[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE), r"\1***"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request.

    Arguments:
        method: its method.
        target: its path and query, with a leading slash, percent-encoded.
        headers: its headers, besides `Host` (unless another one is wanted) and `Content-Length`.
        body: its body; None if it has none.

    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = None

    def values(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for other, value in self.headers if other.lower() == name.lower()]

    def adding(self, *headers: tuple[str, str]) -> Request:
        """Return it with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def without(self, name: str) -> Request:
        """Return it without a header."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or the part of it that arrived.

    Arguments:
        status: its status; 0 if there was no answer.
        headers: its headers in order, repeated ones too.
        body: its body as it was sent, without the transfer coding; cut to `Limits.body`.
        end: how it ended.
        note: why there is no answer, or why it is not whole; empty otherwise.

    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    end: End = "whole"
    note: str = ""

    def values(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for other, value in self.headers if other.lower() == name.lower()]

    def value(self, name: str) -> str:
        """Return the first value of a header; empty if there is none."""
        return next(iter(self.values(name)), "")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is spent on one request.

    Arguments:
        seconds: until an answer has to be read; a later one counts as none.
        body: bytes of a body that are read and kept.

    """

    seconds: float = 10.0
    body: int = 256 * 1024


class Redactor:
    """Masks secrets in what is shown.

    Arguments:
        secrets: headers that the user gave; the values of those that name a secret are masked
            wherever they appear.

    """

    def __init__(self, secrets: Headers = ()) -> None:
        found: set[str] = set()
        for name, value in secrets:
            if _SECRET_NAME.search(name):
                # `Bearer abc` and `Basic abc` are masked by their last word alone, too.
                found |= {value, *value.split()[-1:]}
        self._values = sorted((text for text in found if len(text) > 3), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with `***` in place of secrets."""
        for value in self._values:
            text = text.replace(value, "***")
        for pattern, shown in _KEYS:
            text = pattern.sub(shown, text)
        return text

    def header(self, value: str) -> str:
        """Return a header's value as it may be shown."""
        shown = self(value)
        return "***" if value in self._values else shown


def excerpt(answer: Answer, redact: Redactor) -> str:
    """Return an answer as a report shows it: the status, the headers, the start of the body."""
    if not answer.status:
        return f"no answer: {answer.note}"
    lines = [f"HTTP {answer.status}"]
    lines += [f"{name}: {redact.header(value)[:200]}" for name, value in answer.headers]
    start = answer.body[:SHOWN_BODY].decode("utf-8", "backslashreplace")
    shown = "".join(char if char.isprintable() or char == "\n" else "�" for char in start)
    body = [line.rstrip() for line in shown.split("\n") if line.strip()]
    cut = len(answer.body) > SHOWN_BODY or answer.end == "unread" or len(body) > _SHOWN_LINES
    return redact("\n".join([*lines, "", *body[:_SHOWN_LINES]]).rstrip() + ("…" if cut else ""))

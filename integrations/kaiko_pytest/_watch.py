"""What a session knows of the answers of its tests: the findings, and what was seen.

One test runs at a time in a process, so an answer belongs to the test that runs, whichever thread
or task it comes from.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from ._documents import Documents
from ._explain import exemption, words
from ._judge import judge

if TYPE_CHECKING:
    from collections.abc import Collection

    from ._answers import Answer
    from ._documents import Operation, Source

__all__ = ["Watch", "active", "saw"]

Key = tuple[str, str, str]
"""An operation: the document's title, the method, the path."""

active: list[Watch] = []
"""The watches of this process, the innermost last: pytest can run a session inside a session."""


class Watch:
    """The watch over a session.

    Arguments:
        strict: whether answers are judged.
        report: whether documents are read of answers that are right, too.
        allowed: names of findings that are none in the whole suite.

    """

    def __init__(self, *, strict: bool, report: bool, allowed: Collection[str] = ()) -> None:
        self.strict = strict
        self.report = report
        self.documents = Documents()
        self.seen: set[tuple[int, str]] = set()
        self.seen_at: set[tuple[Key, int, str]] = set()
        self._allowed = frozenset(allowed)
        self._here: frozenset[str] | None = frozenset()
        self._texts: dict[str, None] = {}
        self._lock = Lock()

    def begin(self, allowed: frozenset[str] | None) -> None:
        """Start with a test.

        Arguments:
            allowed: names of findings that are none here; None for all.

        """
        with self._lock:
            self._here = allowed
            self._texts.clear()

    def end(self) -> str:
        """Return what is wrong with the answers since the last call; empty where nothing is."""
        with self._lock:
            texts = list(self._texts)
            self._texts.clear()
        return "\n\n".join(texts)

    def observe(self, answer: Answer, source: Source | None = None) -> None:
        """Take an answer.

        Arguments:
            answer: any answer of the service.
            source: where its document comes from, if it has one.

        """
        document = None if source is None else self.documents.of(source)
        if answer.status < 400:
            return
        operation = None
        if source is not None and document is not None:
            operation = document.find(answer.method, source.path)
        self.remember(answer, operation)
        if self.strict:
            self._judge(answer, operation)

    def remember(self, answer: Answer, operation: Operation | None = None) -> None:
        """Note an error answer, for the report of what was never seen."""
        code = answer.error().get("code")
        if not isinstance(code, str):
            return
        self.seen.add((answer.status, code))
        if operation is not None:
            key = operation.title, operation.method, operation.path
            self.seen_at.add((key, answer.status, code))

    def _judge(self, answer: Answer, operation: Operation | None) -> None:
        here = self._here
        if here is None:
            return
        allowed = here | self._allowed
        code = answer.error().get("code")
        found = [
            each
            for each in judge(answer, operation)
            if allowed.isdisjoint((each.kind, each.name, code))
        ]
        if found:
            text = f"{words(answer, found)}\n\n{exemption(found)}"
            with self._lock:
                self._texts[text] = None


def saw(answer: Answer) -> None:
    """Note an answer that a test looked at itself, for the report of what was never seen."""
    if active and answer.status >= 400:
        active[-1].remember(answer)

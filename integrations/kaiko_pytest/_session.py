"""One session that is watched: each test's answers, and the report at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from ._report import Tally, tally_of, told
from ._seams import Seams
from ._watch import Watch, active

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Session"]

_OUTPUT = "kaiko"
_HEAD = "--kaiko=strict: "


class Session:
    """The hooks of a session.

    Arguments:
        config: pytest's.
        strict: whether a test fails for its answers.
        report: whether unseen errors are listed.

    """

    def __init__(self, config: pytest.Config, *, strict: bool, report: bool) -> None:
        allowed = cast("list[str]", config.getini("kaiko_allow"))  # as it is registered
        self._config = config
        self._report = report
        self._watch = Watch(strict=strict, report=report, allowed=allowed)
        self._seams = Seams(self._watch, cast("list[str]", config.getini("kaiko_urls")))  # likewise
        self._tally = Tally()
        self._lost: list[str] = []
        active.append(self._watch)
        self._seams.open()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin with a test."""
        self._watch.begin(_allowed(item))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Fail a test for its answers, or say what is wrong with them if it fails already."""
        try:
            result = yield
        except BaseException:
            self._add_section(item, "call")
            raise
        self._fail()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Do so for what fixtures were answered at the end."""
        try:
            result = yield
        except BaseException:
            self._add_section(item, "teardown")
            raise
        self._fail()
        return result

    def _fail(self) -> None:
        text = self._watch.end()
        if text:
            pytest.fail(f"{_HEAD}{text}", pytrace=False)

    def _add_section(self, item: pytest.Item, when: str) -> None:
        text = self._watch.end()
        if text:
            item.add_report_section(when, "kaiko", f"{_HEAD}{text}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker of pytest-xdist saw."""
        output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
        if _OUTPUT in output:
            self._tally.add(Tally.from_json(output[_OUTPUT]))
        else:
            self._lost.append(f"{node.gateway.id}: {error or 'it sent nothing'}")

    def pytest_sessionfinish(self) -> None:
        """Count what was seen; a worker sends it."""
        self._tally.add(tally_of(self._watch))
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._tally.as_json()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the errors that no test saw."""
        if self._report:
            terminalreporter.section("kaiko: declared errors that no test saw")
            for line in told(self._tally, self._lost):
                terminalreporter.write_line(line)
        for what in self._seams.missing:
            terminalreporter.write_line(
                f"kaiko: {what} is gone: that client's answers are not seen"
            )

    def pytest_unconfigure(self) -> None:
        """Take all patches back."""
        self._seams.close()
        active.remove(self._watch)


def _allowed(item: pytest.Item) -> frozenset[str] | None:
    """Return what a test's markers allow; None for everything."""
    allowed: set[str] = set()
    for marker in item.iter_markers("kaiko"):
        unknown = marker.kwargs.keys() - {"allow", "reason"}
        reason: object = marker.kwargs.get("reason")
        allow: object = marker.kwargs.get("allow")
        if marker.args or unknown or not isinstance(reason, str) or not reason.strip():
            pytest.fail(
                f"{item.nodeid}: write @pytest.mark.kaiko(allow=…, reason=…)", pytrace=False
            )
        if allow is None:
            return None
        several = cast("list[str]", allow)  # or one text, as is documented
        allowed |= {allow} if isinstance(allow, str) else set(several)
    return frozenset(allowed)

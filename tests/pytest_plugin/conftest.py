"""Suites inside of tests: each is a file, run by pytest in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pytest_plugin.service  # noqa: F401 - loaded once: an inner session forgets its imports

if TYPE_CHECKING:
    from collections.abc import Callable

# Other plugins that are installed with the tests have no part in this.
OTHERS = ("randomly", "schemathesis", "hypothesispytest", "cacheprovider")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Return what runs a suite of one file: `run(text, *options)`, strict without options."""

    def run(body: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile("import pytest\nfrom pytest_plugin.service import client\n" + body)
        without = [word for name in OTHERS for word in ("-p", f"no:{name}")]
        return pytester.runpytest_inprocess(*without, *(options or ("--kaiko=strict",)))

    return run

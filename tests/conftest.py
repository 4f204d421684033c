"""How the whole suite runs: Hypothesis, the collector's share, and what goes to which process."""

from __future__ import annotations

import gc
import importlib
import os
import re
import signal
import sys
from typing import Any, SupportsIndex

import pytest
from hypothesis import HealthCheck, settings

# No deadline: a shared machine's hiccup is no bug. Fixtures that hold no state may be shared.
settings.register_profile(
    "kaiko", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("kaiko")
# OpenTelemetry's attributes by their old and their new names; read when it first instruments.
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup")

# Where coverage looks in each process of Python, and finds how to measure it.
MEASURED = "COVERAGE_PROCESS_START"
# Most of their time is that of programs they wait for: with `-n` they are given out first.
SLOW = ("tests/cli/", "tests/demo/", "tests/typing/", "tests/docs/", "tests/servers/")
# By folder or file: which part of a parameter names what its tests share beyond their file.
SHARED = {
    "tests/docs/test_build": re.compile("(test)"),  # several files, one build of the pages
    "tests/demo/test_openai_sdk.py": re.compile(
        r"\[(starlette|litestar|django-asgi|django-wsgi)\b"
    ),
    "tests/servers/": re.compile(
        r"\b(uvicorn-(?:h11|httptools)|hypercorn|granian(?:-wsgi)?|gunicorn-[a-z]+|daphne|waitress|cheroot|uwsgi)\b"
    ),
    "tests/typing/": re.compile(r"\[(mypy|pyrefly|pyright|ty)-"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the slow folders first in each of several processes, so that all end together."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


def pytest_configure() -> None:
    """Hear Ctrl-C also where a shell started the tests in the background, which ignores it."""
    os.environ.pop(MEASURED, None)  # this process is, and the programs that it starts are not
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection() -> None:
    """Let the collector rest until the tests are there: nothing of what is made now goes away."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Spare the collector what was collected, too."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin each test outside of any request: an answer that a test left open keeps its id."""
    ids = sys.modules.get("kaiko_middleware.ids")
    if ids is not None:
        ids._current.set(None)
    deadline = sys.modules.get("kaiko_middleware.deadline")
    if deadline is not None:
        deadline.ends_at.set(None)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Undo that: Hypothesis, if it is first loaded in the summary, asks the collector."""
    gc.unfreeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Have coverage measure each process, where it measures this one."""
    coverage = sys.modules.get("coverage")
    if coverage is not None and coverage.Coverage.current() is not None:
        os.environ[MEASURED] = str(config.rootpath / "pyproject.toml")


def unit_of(nodeid: str) -> str:
    """Name the tests that run in one process: those of a server or a checker, else of a file."""
    file, _, test = nodeid.partition("::")
    for place, shared in SHARED.items():
        if file.startswith(place) and (found := shared.search(test)):
            return place + found[1]
    return file


def pending_of(units: dict[str, dict[str, bool]]) -> int:
    """Count the tests that a process has before it, and forget its units that are done.

    xdist asks after each test, and counts all that the process ever had.
    """
    for unit in [unit for unit, tests in units.items() if all(tests.values())]:
        del units[unit]
    return sum(list(tests.values()).count(False) for tests in units.values())


class Collection(list[str]):
    """What a process collected; xdist looks for each test's place, from the start."""

    def __init__(self, nodeids: list[str]) -> None:
        super().__init__(nodeids)
        self._places = {nodeid: place for place, nodeid in enumerate(nodeids)}

    def index(self, value: str, /, *_: SupportsIndex) -> int:
        return self._places[value]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give out those units, in the order of the tests."""
    scheduling: Any = importlib.import_module("xdist.scheduler")  # it marks no types
    config.option.loadscopereorder = False
    scheduler = scheduling.LoadScopeScheduling(config, log)
    scheduler._split_scope = unit_of
    scheduler._pending_of = pending_of
    add = scheduler.add_node_collection

    def add_node_collection(node: object, nodeids: list[str]) -> None:
        add(node, nodeids)
        scheduler.registered_collections[node] = Collection(nodeids)

    scheduler.add_node_collection = add_node_collection
    return scheduler

"""Every scenario on every stack: one meaning, byte for byte but for the id."""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.driver import faults, run
from conformance.scenarios import BY_NAME, SCENARIOS, Answers, Scenario, Streams

if TYPE_CHECKING:
    from conformance.driver import Driver, Result


DRIVER_MODULES = [
    import_module(f"conformance.drivers.{path.stem}")
    for path in sorted((Path(__file__).parent / "drivers").glob("[a-z]*.py"))
]
DRIVERS: list[Driver] = [driver for module in DRIVER_MODULES for driver in module.DRIVERS]
REFERENCE = next(driver for driver in DRIVERS if driver.name == "asgi")


# What a stream sent before it failed, whose end then says what failed.
EVENTS = {
    "events-fail": b"data: 1\n\n",
    "events-fail-at-once": b"",
    "events-fail-halfway": b"data: 1\n\ndata: {\n\n",
}
LINES = {"lines-fail": [b'{"a":1}', b'{"b"']}


@cache
def reference(name: str) -> Result:
    """Return what the reference stack answers."""
    return run(REFERENCE, BY_NAME[name])


def check_members(scenario: Scenario, seen: Result) -> None:
    """Check that an error answer has the promised members."""
    [request_id] = seen.values("x-request-id")
    assert json.loads(seen.body)["error"] == {
        "type": scenario.type,
        "code": scenario.code,
        "message": scenario.message,
        "param": scenario.param,
        "request_id": request_id,
    }


def check_kept(scenario: Scenario, seen: Result) -> None:
    """Check that an answer is the view's own, byte for byte."""
    assert isinstance(scenario.act, Answers)
    assert seen.body == scenario.act.body
    assert seen.values("content-type") == [scenario.act.content_type]
    assert len(seen.values("x-request-id")) == 1


def check_last_event(before: bytes, seen: Result) -> None:
    """Check that a stream of events keeps what was sent, ends that event, and adds an error."""
    start = before + b"event: error\ndata: "
    assert seen.body.startswith(start + b"{")
    assert seen.body.endswith(b"}\n\n")
    error = json.loads(seen.body.removeprefix(start))["error"]
    assert error["code"] == "internal"
    assert [error["request_id"]] == seen.values("x-request-id")


def check_last_line(before: list[bytes], seen: Result) -> None:
    """Check that a stream of JSON lines ends its last line, and adds one with the envelope."""
    *sent, last, nothing = seen.body.split(b"\n")
    assert sent == before
    assert json.loads(last)["error"]["code"] == "internal"
    assert nothing == b""


@pytest.mark.parametrize(
    ("driver", "scenario"),
    [
        pytest.param(driver, scenario, id=f"{driver.name}-{scenario.name}")
        for driver in DRIVERS
        for scenario in SCENARIOS
        if scenario.name not in driver.lacks
    ],
)
def test_scenario(driver: Driver, scenario: Scenario) -> None:
    """The answer is as promised, passes the checker, and is the reference's but for the id."""
    seen = run(driver, scenario)
    assert (seen.status, seen.cut) == (scenario.status, scenario.cut)
    assert {name: seen.values(name) for name in scenario.headers} == {
        name: [value] for name, value in scenario.headers.items()
    }
    assert [name for name in scenario.absent if seen.values(name)] == []
    if scenario.kept:
        check_kept(scenario, seen)
    elif scenario.status >= 400 and scenario.method != "HEAD":
        check_members(scenario, seen)
    if scenario.name in EVENTS:
        check_last_event(EVENTS[scenario.name], seen)
    if scenario.name in LINES:
        check_last_line(LINES[scenario.name], seen)
    assert faults(scenario, seen) == []
    if isinstance(scenario.act, Streams) or scenario.status >= 400:
        assert seen.comparable(scenario) == reference(scenario.name).comparable(scenario)


def test_what_a_driver_lacks_is_a_scenario() -> None:
    """No stack is let off by a name that is none."""
    assert {name for driver in DRIVERS for name in driver.lacks} <= BY_NAME.keys()


def test_each_end_is_of_a_scenario() -> None:
    """No end goes unseen because its scenario has another name."""
    assert {*EVENTS, *LINES} <= BY_NAME.keys()

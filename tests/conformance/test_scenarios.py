"""Every scenario on every stack: one meaning, byte for byte but for the id."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.scenarios import SCENARIOS, Scenario, Streams
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from conformance.driver import Driver


def _drivers() -> list[Driver]:
    modules = sorted((Path(__file__).parent / "drivers").glob("[a-z]*.py"))
    return [
        driver
        for module in modules
        for driver in import_module(f"conformance.drivers.{module.stem}").DRIVERS
    ]


DRIVERS = _drivers()
REFERENCE = next(driver for driver in DRIVERS if driver.name == "asgi")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
class TestScenario:
    """What each scenario promises on each stack."""

    def test_answer(self, driver: Driver, scenario: Scenario) -> None:
        """The answer has the promised status, members and headers."""
        result = driver.run(scenario)
        assert result.status == scenario.status
        assert result.cut == scenario.cut
        for name, value in scenario.headers.items():
            assert result.values(name) == [value]
        for name in scenario.absent:
            assert result.values(name) == []
        if scenario.status >= 400 and scenario.method != "HEAD":
            error = json.loads(result.body)["error"]
            [request_id] = result.values("x-request-id")
            assert error == {
                "type": scenario.type,
                "code": scenario.code,
                "message": scenario.message,
                "param": scenario.param,
                "request_id": request_id,
            }

    def test_conforms(self, driver: Driver, scenario: Scenario) -> None:
        """The answer passes the checker."""
        result = driver.run(scenario)
        assert (
            check_answer(result.status, result.headers, result.body, method=scenario.method) == []
        )

    def test_agrees(self, driver: Driver, scenario: Scenario) -> None:
        """The answer is the reference stack's, byte for byte but for the id."""
        mine, reference = driver.run(scenario), REFERENCE.run(scenario)
        if isinstance(scenario.act, Streams) or scenario.status >= 400:
            assert mine.comparable() == reference.comparable()
        else:
            assert mine.status == reference.status


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("events-fail", b"data: 1\n\n"),
        ("events-fail-at-once", b""),
        ("events-fail-halfway", b"data: 1\n\ndata: {\n\n"),
    ],
)
def test_event_stream_ends_with_an_error_event(driver: Driver, name: str, before: bytes) -> None:
    """A failing event stream keeps what was sent, ends its last event, and says what failed."""
    scenario = next(item for item in SCENARIOS if item.name == name)
    result = driver.run(scenario)
    assert result.body.startswith(before + b"event: error\ndata: {")
    assert result.body.endswith(b"}\n\n")
    frame = result.body.removeprefix(before).removeprefix(b"event: error\ndata: ")
    error = json.loads(frame)["error"]
    assert error["code"] == "internal"
    assert [error["request_id"]] == result.values("x-request-id")


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_json_lines_end_with_an_envelope(driver: Driver) -> None:
    """A failing stream of JSON lines ends its last line and adds one with the envelope."""
    scenario = next(item for item in SCENARIOS if item.name == "lines-fail")
    lines = driver.run(scenario).body.split(b"\n")
    assert lines[:2] == [b'{"a":1}', b'{"b"']
    assert json.loads(lines[2])["error"]["code"] == "internal"
    assert lines[3:] == [b""]

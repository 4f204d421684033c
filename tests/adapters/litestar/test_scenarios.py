"""The shared scenarios on Litestar: as the quick start has it, and under the middleware alone."""

from __future__ import annotations

import json

import pytest

from adapters.litestar.apps import ADOPTED, ALONE
from conformance.driver import faults
from conformance.drivers.bare_asgi import DRIVERS
from conformance.scenarios import SCENARIOS, Parses, Raises, Scenario, Streams

(REFERENCE,) = DRIVERS
INTERNAL = "Litestar wraps what a stream raises in an exception of its own: it is a bug then"
# What Litestar keeps from us, however it is adopted.
KEPT = {"stream-fails-first-typed": INTERNAL, "events-fail-typed": INTERNAL}


@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in SCENARIOS if scenario.name not in KEPT],
    ids=lambda scenario: scenario.name,
)
def test_adopted(scenario: Scenario) -> None:
    """The answer is that of an application without a framework."""
    seen, reference = ADOPTED.run(scenario), REFERENCE.run(scenario)
    assert faults(scenario, seen) == []
    if isinstance(scenario.act, Streams) or scenario.status >= 400:
        assert seen.comparable(scenario) == reference.comparable(scenario)
    else:
        assert seen.status == reference.status


@pytest.mark.parametrize("name", KEPT)
def test_what_litestar_keeps(name: str) -> None:
    """A typed error of a stream is `internal`: still an envelope, or an error event with one."""
    (scenario,) = [scenario for scenario in SCENARIOS if scenario.name == name]
    seen = ADOPTED.run(scenario)
    assert faults(scenario, seen) == []
    assert json.loads(seen.body[seen.body.index(b'{"error"') :])["error"]["code"] == "internal"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_alone(scenario: Scenario) -> None:
    """Without the handlers every error is an envelope, but what is raised is a 500."""
    seen = ALONE.run(scenario)
    assert faults(scenario, seen) == []
    raised = isinstance(scenario.act, Raises | Parses) and scenario.status >= 400
    if raised:
        assert seen.status == 500
    elif scenario.name not in KEPT:
        assert seen.status == scenario.status

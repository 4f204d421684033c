"""Every guard on every stack: one answer, byte for byte but for the id."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import cache
from threading import get_ident
from typing import TYPE_CHECKING

import pytest

from conformance.driver import COMPARED, masked
from conformance.guard_scenarios import GUARD_SCENARIOS, THREADS, Guarded, GuardScenario
from conformance.test_scenarios import DRIVER_MODULES, DRIVERS
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from conformance.driver import Driver, Result, Sent

GUARDED: list[Guarded] = [one for module in DRIVER_MODULES for one in module.GUARDED]
REFERENCE = next(stack for stack in GUARDED if stack.driver.name == "asgi")
BY_NAME = {scenario.name: scenario for scenario in GUARD_SCENARIOS}
_LIMITED = {name for name in COMPARED if name.startswith("x-ratelimit-")} | {"retry-after"}
_callers = itertools.count()


def send(driver: Driver, sent: Sent, *, times: int = 1) -> Result:
    """Send a request as a caller that nobody was before; return the last answer."""
    caller = ("X-Caller", str(next(_callers)))
    sent = replace(sent, headers=(*sent.headers, caller))
    return [driver.send(sent) for _ in range(times)][-1]


def compared(seen: Result) -> tuple[object, ...]:
    """Return what must be equal on every stack: of a success the body and what is left."""
    names = _LIMITED if seen.status < 400 else COMPARED
    headers = [(name.lower(), value) for name, value in seen.headers]
    found = sorted((name, masked(value.encode())) for name, value in headers if name in names)
    return seen.status, found, masked(seen.body), seen.cut


@cache
def reference(name: str) -> tuple[object, ...]:
    """Return what the reference stack answers."""
    scenario = BY_NAME[name]
    return compared(send(REFERENCE.driver, scenario.sent, times=scenario.times))


@pytest.mark.parametrize(
    ("stack", "scenario"),
    [
        pytest.param(stack, scenario, id=f"{stack.driver.name}-{scenario.name}")
        for stack in GUARDED
        for scenario in GUARD_SCENARIOS
        if stack.can(scenario)
    ],
)
def test_guard(stack: Guarded, scenario: GuardScenario) -> None:
    """The answer is as promised, passes the checker, and is the reference's but for the id."""
    seen = send(stack.driver, scenario.sent, times=scenario.times)
    assert (seen.status, seen.cut) == (scenario.status, False)
    assert {name: seen.values(name) for name in scenario.headers} == {
        name: [value] for name, value in scenario.headers.items()
    }
    assert [name for name in scenario.absent if seen.values(name)] == []
    if scenario.status >= 400:
        [request_id] = seen.values("x-request-id")
        assert json.loads(seen.body)["error"] == {
            "type": scenario.type,
            "code": scenario.code,
            "message": scenario.message,
            "param": scenario.param,
            "request_id": request_id,
        }
        assert check_answer(seen.status, seen.headers, seen.body) == []
    assert compared(seen) == reference(scenario.name)


def test_what_a_stack_lacks_is_a_scenario() -> None:
    """No stack is let off by a name that is none."""
    assert {name for stack in GUARDED for name in stack.lacks} <= BY_NAME.keys()


@pytest.mark.parametrize("stack", GUARDED, ids=lambda stack: stack.driver.name)
def test_no_guard_adds_a_thread(stack: Guarded) -> None:
    """Each is asked in the server's thread, and the view is where it is without them."""
    stem = stack.driver.name.removesuffix("-alone").removesuffix("-wrapped")
    bare = next(driver for driver in DRIVERS if driver.name.startswith(stem))
    THREADS.clear()
    assert _is_here(stack.driver) == _is_here(bare)
    assert [get_ident()] * 2 == THREADS


def _is_here(driver: Driver) -> bool:
    """Whether a driver's view is in the server's thread, which is this one."""
    seen = send(driver, replace(BY_NAME["first-request"].sent, path="/here"))
    assert seen.status == 200
    return seen.body == str(get_ident()).encode()

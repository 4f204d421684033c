"""Every scenario over a socket of every server: the answer is that of the driver in process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from conformance.driver import faults, run
from conformance.drivers import django_stack, litestar_stack, starlette_stack
from conformance.scenarios import SCENARIOS, Scenario
from servers.asking import on_servers, send

if TYPE_CHECKING:
    from servers.running import Running
    from servers.server_list import App

IN_PROCESS = {
    driver.name: driver
    for stack in (starlette_stack, litestar_stack, django_stack)
    for driver in stack.DRIVERS
}
REFERENCES = {
    "starlette": "starlette-install",
    "litestar": "litestar-plugin",
    "django": "django-asgi",
}


@on_servers(lambda row: row.apps != ("wsgi",))  # of those, test_wsgi asks for all at once
@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in SCENARIOS if not scenario.cut],
    ids=lambda scenario: scenario.name,
)
def test_answer(server: Running, scenario: Scenario, caplog: pytest.LogCaptureFixture) -> None:
    """Status, contract headers and body are the same but for the id, and keep the contract."""
    caplog.set_level(logging.CRITICAL)
    apps: list[App] = [app for app in server.server.apps if app != "wsgi"]
    if "starlette" in apps:
        apps.append("litestar")
    for app in apps:
        seen = send(server, app, scenario)
        reference = run(IN_PROCESS[REFERENCES[app]], scenario)
        assert seen.comparable(scenario) == reference.comparable(scenario)
        assert faults(scenario, seen) == []
        assert {name: seen.values(name) for name in scenario.headers} == {
            name: [value] for name, value in scenario.headers.items()
        }
        assert all(seen.values(name) == [] for name in scenario.absent)


@on_servers()
def test_ids_differ(server: Running) -> None:
    """Each request has an id of its own."""
    scenario = SCENARIOS[0]
    app = server.server.apps[0]
    ids = {send(server, app, scenario).values("x-request-id")[0] for _ in range(20)}
    assert len(ids) == 20

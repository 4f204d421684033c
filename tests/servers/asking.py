"""How the tests ask a server that runs, and by which parameters they run on several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.asgi.loopback import fetch, run
from conformance.driver import Result, path_of
from servers.server_list import SERVERS, App, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.scenarios import Scenario
    from servers.running import Running


def on_servers(wanted: Callable[[Server], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Run a test on each server that the table says this of."""
    rows = [row for row in SERVERS if wanted(row)]
    return pytest.mark.parametrize("server", rows, indirect=True, ids=lambda row: row.name)


def send(server: Running, app: App, scenario: Scenario) -> Result:
    """Send a scenario's request to an application, over a socket."""
    headers = [("X-Served", app), *scenario.request_headers]
    answer = run(
        fetch(
            server.port,
            path_of(scenario),
            method=scenario.method,
            headers=headers,
            body=[scenario.body],
        )
    )
    return Result(answer.status, tuple(answer.headers), answer.body, cut=not answer.whole)

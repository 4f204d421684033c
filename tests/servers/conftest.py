"""Each server is started once, when a test first wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servers.running import Running, running
from servers.server_list import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The server of the parameter, serving; pytest runs the tests of one server together."""
    assert isinstance(request.param, Server)
    log = tmp_path_factory.mktemp("servers") / f"{request.param.name}.log"
    with running(request.param, log) as started:
        yield started

"""uWSGI, where the machine has it: it fails at an `exc_info` that other servers ignore."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.wsgi.seen import Seen
from kaiko_middleware.conformance import check_answer, check_event_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[2]
OPTIONS = ("--master", "--die-on-term", "--need-app", "--module=adapters.wsgi.served_app:app")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A uWSGI that serves with this environment's packages."""
    program = shutil.which("uwsgi")
    if program is None:
        pytest.skip("uwsgi is not installed")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        at: int = held.getsockname()[1]
        log = tmp_path_factory.mktemp("uwsgi") / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    program,
                    f"--http-socket=fd://{held.fileno()}",
                    f"--pythonpath={TESTS}",
                    f"--virtualenv={sys.prefix}",
                    *OPTIONS,
                ],
                stdout=output,
                stderr=output,
                pass_fds=[held.fileno()],
            )
        try:
            yield at
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/typed", 404, "not_found"),
        ("/bug", 500, "internal"),
        ("/refused", 409, "conflict"),
        ("/first", 500, "internal"),
    ],
)
def test_an_error_is_an_envelope(port: int, path: str, status: int, code: str) -> None:
    """What is raised, and what is returned."""
    seen = Seen(port, path)
    assert check_answer(seen.status, seen.headers, seen.body) == []
    assert (seen.status, json.loads(seen.body)["error"]["code"]) == (status, code)


def test_events_end_with_an_error(port: int) -> None:
    """A stream of any other kind ends as if it were whole, as docs/servers.md says."""
    seen = Seen(port, "/events")
    assert check_event_stream(seen.body, request_id=seen.id) == []
    text = Seen(port, "/text")
    assert (text.status, text.body, text.whole) == (200, b"chunk", True)

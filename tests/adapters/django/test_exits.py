"""What ends the process, raised in a view under ASGI: answered first, and never swallowed.

Django runs the view in a task of its own, and a task that ends so ends the event loop. So the
wrapper raises it in the server's own task, once the answer is out.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import django
import pytest
from django.test import override_settings

from adapters.django.row import araises, raises
from adapters.django.stacks import STACKS, Project
from adapters.wsgi.seen import Seen
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import current_request_id
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi import Receive, Scope, Send

TESTS = Path(__file__).parents[2]
(BARE,) = [stack for stack in STACKS if stack.name == "asgi"]
(WRAPPED,) = [stack for stack in STACKS if stack.name == "asgi-wrapped"]


@pytest.mark.parametrize("make", [lambda: SystemExit(3), KeyboardInterrupt], ids=["exit", "stop"])
@pytest.mark.parametrize("view", [raises, araises])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answered_and_raised(
    view: Callable[..., Callable[..., object]],
    make: Callable[[], BaseException],
    method: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One envelope, one record, and the very exception for the server."""
    with caplog.at_level(logging.INFO):
        answer = WRAPPED.ask(Project(view(make)), method=method)
    assert check_answer(answer.status, answer.headers, answer.body, method=method) == []
    assert (answer.status, answer.whole) == (500, True)
    assert type(answer.raised) is type(make())
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert isinstance(record.exc_info, tuple)
    assert record.exc_info[1] is answer.raised
    assert current_request_id() is None


@pytest.mark.parametrize("mounted", [False, True], ids=["alone", "in another application"])
def test_nobody_to_raise_it(*, mounted: bool) -> None:
    """Without the wrapper it goes where it went before, unanswered, and is not swallowed.

    From Django 6.1 on the view runs in the task of whoever calls, which can then answer first.
    """
    project = Project(araises(lambda: SystemExit(3)))
    with override_settings(**project.all_settings()):
        app = BARE.make()
        answer = BARE.ask_app(KaikoMiddleware(app) if mounted else app)
    assert type(answer.raised) is SystemExit
    assert answer.status == (500 if mounted and django.VERSION >= (6, 1) else 0)


@pytest.mark.parametrize("state", [{"state": {}}, {}], ids=["state", "no state"])
def test_not_our_path(state: dict[str, object]) -> None:
    """What is left alone is left alone, also by a server that keeps no state."""
    project = Project(
        araises(lambda: SystemExit(3)), settings={"KAIKO_MIDDLEWARE": {"paths": ("/v2",)}}
    )
    with override_settings(**project.all_settings()):
        app = WRAPPED.make()

        async def serving(scope: Scope, receive: Receive, send: Send) -> None:
            del scope["state"]
            await app({**scope, **state}, receive, send)

        answer = WRAPPED.ask_app(serving)
    assert (answer.status, type(answer.raised)) == (0, SystemExit)


def test_on_a_server() -> None:
    """A client of uvicorn gets the answer; uvicorn then logs what was raised, and serves on."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "adapters.django.served_project", "uvicorn"],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        seen = Seen(port, "/exit")
        assert Seen(port, "/fine").status == 200
        server.stdin.close()  # it ends with its input
    assert (seen.status, seen.whole) == (500, True)
    assert json.loads(seen.body)["error"]["code"] == "internal"
    assert check_answer(seen.status, seen.headers, seen.body) == []

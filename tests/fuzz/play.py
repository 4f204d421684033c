"""Plays one program with and without the toolkit, and says what breaks a promise."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fuzz import asgi_server, wsgi_server
from fuzz.outcome import Collector, collecting, judge
from fuzz.programs import KEY
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config, render
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.upstream import Upstream
from kaiko_wsgi import KaikoMiddleware as WSGIMiddleware

if TYPE_CHECKING:
    from collections.abc import Generator

    from fuzz.outcome import Outcome
    from fuzz.programs import Program


@contextmanager
def _logged() -> Generator[Collector]:
    yield from collecting()


def faults_of(program: Program) -> list[str]:
    """Return what breaks a promise when `program` is played."""
    try:
        return _PLAYERS[program["kind"]](program)
    except BaseException as exc:  # noqa: BLE001 - a fault of the toolkit, or of the fuzzer
        return [f"the play failed: {type(exc).__name__}: {exc!r:.300}"]


def _play_asgi(program: Program) -> list[str]:
    app: Any = asgi_server.application(program["ops"])
    with asyncio.Runner() as runner:
        bare = runner.run(asgi_server.serve(app, program))
        with _logged() as collector:
            ours = runner.run(asgi_server.serve(_wrapped(app, program), program))
    return _judged(program, bare, ours, collector)


def _wrapped(app: Any, program: Program) -> Any:
    return KaikoMiddleware(app, Config(**program["config"]))


def _play_wsgi(program: Program) -> list[str]:
    bare = wsgi_server.serve(wsgi_server.Application(program), program)
    inner: Any = wsgi_server.Application(program)
    app: Any = WSGIMiddleware(inner, Config(**program["config"]))
    with _logged() as collector:
        ours = wsgi_server.serve(app, program)
    faults = _judged(program, bare, ours, collector)
    if any(body.closed != 1 for body in inner.bodies):
        faults.append(f"the body was closed {[body.closed for body in inner.bodies]} times")
    return faults


def _judged(program: Program, bare: Outcome, ours: Outcome, collector: Collector) -> list[str]:
    ours.records = collector.records
    return judge(program, bare, ours, collector.texts)


def _play_upstream(program: Program) -> list[str]:
    upstream = Upstream(
        "fuzzed",
        trust=program["trust"],
        credential=program["credential"],
        rate_limit_as=program["rate_limit_as"],
    )
    error = upstream.error_from_response(
        program["status"],
        dict(program["headers"]),
        program["body"].encode("latin-1"),
        method=program["method"],
        expects=program["expects"],
    )
    if error is None:
        return [] if program["status"] in (*range(200, 300), 304) else ["an error was missed"]
    faults: list[str] = []
    reply = render(error, "req-0000000000")
    faults += [str(each) for each in check_answer(*reply)]
    wait = error.retry_after
    if wait is not None and not 0 < wait <= 86_400:
        faults.append(f"retry_after is {wait}")
    said = error.upstream
    if said is None:
        faults.append("no details")
    elif KEY in repr(said):
        faults.append("a key is in the details")
    if KEY.encode() in reply.body:
        faults.append("a key is on the wire")
    return faults


_PLAYERS = {
    "http": _play_asgi,
    "websocket": _play_asgi,
    "wsgi": _play_wsgi,
    "upstream": _play_upstream,
}

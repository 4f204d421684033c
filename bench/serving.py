"""uvicorn on loopback: one process a side, both up all the time, asked in turns."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bench.figure import Figure, Goal
from bench.load import Load
from bench.measure import spread
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from bench.measure import Effort
    from kaiko_asgi import ASGIApp


class Ask(NamedTuple):
    """Which application is asked for what."""

    app: str
    path: str
    status: int = 200


class ServedCase(NamedTuple):
    """A figure that is a ratio of throughputs; the arguments are a `Case`'s."""

    key: str
    title: str
    goal: Goal
    bare: Ask
    ours: Ask


def _starlette(config: Config | None = None) -> ASGIApp:
    from bench.starlette_site import service  # noqa: PLC0415 - a server needs one framework

    return service(config)


def _fastapi(*, ours: bool) -> ASGIApp:
    from bench import fastapi_site  # noqa: PLC0415 - likewise

    return fastapi_site.ours() if ours else fastapi_site.bare()


def _django(*, ours: bool) -> ASGIApp:
    from bench.django_site import OURS, asgi_application  # noqa: PLC0415 - likewise

    return asgi_application(OURS if ours else ())


APPS: Mapping[str, Callable[[], ASGIApp]] = {
    "starlette": _starlette,
    "starlette_ours": partial(_starlette, Config()),
    "starlette_kept": partial(_starlette, Config(reraise=False)),
    "fastapi": partial(_fastapi, ours=False),
    "fastapi_ours": partial(_fastapi, ours=True),
    "django": partial(_django, ours=False),
    "django_ours": partial(_django, ours=True),
}

SERVED = (
    ServedCase(
        "uvicorn_starlette",
        "uvicorn, Starlette, throughput",
        Goal(limit=0.97, at_least=True, unit="× bare", peer="0.79 ×"),
        Ask("starlette", "/v2/success"),
        Ask("starlette_ours", "/v2/success"),
    ),
    ServedCase(
        "uvicorn_fastapi",
        "uvicorn, FastAPI, throughput",
        Goal(limit=0.98, at_least=True, unit="× bare", peer="0.93 ×"),
        Ask("fastapi", "/v2/success"),
        Ask("fastapi_ours", "/v2/success"),
    ),
    ServedCase(
        "uvicorn_django",
        "uvicorn, Django ASGI, throughput",
        Goal(limit=0.98, at_least=True, unit="× bare", peer="0.87 ×"),
        Ask("django", "/v2/async_success"),
        Ask("django_ours", "/v2/async_success"),
    ),
    ServedCase(
        "uvicorn_bug",
        "unmapped 500, reraise=False, throughput",
        Goal(limit=0.7, at_least=True, unit="× hand-written", peer="0.06 ×"),
        Ask("starlette", "/v2/written_500", 500),
        Ask("starlette_kept", "/v2/bug", 500),
    ),
)


def throughput(case: ServedCase, effort: Effort, command: Sequence[str]) -> Figure:
    """Measure a case.

    Arguments:
        case: what is asked.
        effort: how often and how long.
        command: what starts a server; the application's name and the socket are added.

    """
    with ExitStack() as stack:
        loads: dict[str, Load] = {}
        for name, ask in (("bare", case.bare), ("ours", case.ours)):
            address = stack.enter_context(server([*command, ask.app]))
            loads[name] = stack.enter_context(Load(*address, ask.path, status=ask.status))
        for load in loads.values():
            load.run(effort.chunk)
        names = list(loads)
        rates: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(effort.rounds):
            best = dict.fromkeys(names, 0.0)
            for _ in range(effort.best_of):
                for name in names:
                    best[name] = max(best[name], loads[name].run(effort.chunk))
                names.reverse()
            for name, rate in best.items():
                rates[name].append(rate)
    return Figure(
        key=case.key,
        title=case.title,
        goal=case.goal,
        measured=spread(
            ours / bare for bare, ours in zip(rates["bare"], rates["ours"], strict=True)
        ),
        sides={name: spread(values).median for name, values in rates.items()},
    )


def serve(name: str, descriptor: int) -> None:
    """Be the server, on a socket that the parent opened."""
    import uvicorn  # noqa: PLC0415 - only servers need it

    config = uvicorn.Config(
        APPS[name](), log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=600
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


@contextmanager
def server(command: Sequence[str]) -> Generator[tuple[int, int]]:
    """Start a server; give its port and process id."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        process = subprocess.Popen(
            [*command, str(listener.fileno())],
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield int(listener.getsockname()[1]), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

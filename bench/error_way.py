"""How many files and functions of ours an error passes, counted with a tracer.

What is counted is on the stack when the view is called, or is called from then until the
answer is sent: functions of `kaiko_*`, each once, and the files they are in. Module and class
bodies and comprehensions are no functions here. Records are made, those at
INFO too; formatting them is the handlers' work and is not counted.

`python -P bench/error_way.py --list` names them; KEYs such as `asgi_bug` select.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from inspect import CO_OPTIMIZED
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parent.parent))

from bench import asgi
from bench.answers import MISSING, ContextNotFound, fail
from bench.figure import Figure, Goal
from bench.logs import info_logged, record_unread, write_logs_to_nowhere
from bench.measure import spread
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import CodeType, FrameType

    from bench.measure import Run
    from kaiko_asgi import Receive, Scope, Send

FILES, FUNCTIONS = 10, 30
_HERE = str(Path(__file__).parent)
_VIEWS = frozenset({"typed", "bug"})

Way = dict[str, list[str]]
"""The functions of each file."""


class Tracer:
    """Takes note of what an error passes from the view on, in every thread started later."""

    def __init__(self) -> None:
        self._found: set[CodeType] | None = None
        self._on = False

    def install(self) -> None:
        """Listen from now on."""
        threading.setprofile(self._listen)
        sys.setprofile(self._listen)

    def follow(self, run: Run) -> Way:
        """Return what the error of one request passes."""
        run(3)  # what happens once only is no part of it
        found: set[CodeType] = set()
        self._found, self._on = found, False
        run(1)
        self._found = None
        way: Way = {}
        for code in found:
            if code.co_flags & CO_OPTIMIZED and not code.co_name.startswith("<"):
                path = Path(code.co_filename)
                way.setdefault(f"{path.parent.name}/{path.name}", []).append(code.co_qualname)
        return {name: sorted(way[name]) for name in sorted(way)}

    def _listen(self, frame: FrameType, event: str, _argument: object) -> None:
        found = self._found
        if found is None or event != "call":
            return
        code = frame.f_code
        if self._on:
            if _is_ours(frame):
                found.add(code)
        elif code.co_name in _VIEWS and code.co_filename.startswith(_HERE):
            self._on = True
            outer = frame.f_back
            while outer is not None:
                if _is_ours(outer):
                    found.add(outer.f_code)
                outer = outer.f_back


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("kaiko_")


async def typed(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Fail as a service of ours does."""
    raise ContextNotFound(MISSING)


async def bug(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Fail as nobody planned."""
    fail()


def _asgi(error: str) -> Run:
    run = asgi.driven(KaikoMiddleware({"typed": typed, "bug": bug}[error]))

    def handed_on(times: int) -> None:
        for _ in range(times):
            try:
                run(1)
            except KeyError:  # `fail` raises it
                continue

    return handed_on


def _starlette(error: str) -> Run:
    from bench.starlette_site import served  # noqa: PLC0415 - only what is asked for

    return served(error, Config(), _STATUS[error])


def _fastapi(error: str) -> Run:
    from bench import fastapi_site  # noqa: PLC0415 - likewise

    return fastapi_site.served(fastapi_site.ours(), error, _STATUS[error])


def _wsgi(error: str) -> Run:
    from bench import django_site  # noqa: PLC0415 - likewise

    return django_site.wsgi(error, _STATUS[error], django_site.OURS)


def _django_asgi(error: str) -> Run:
    from bench import django_site  # noqa: PLC0415 - likewise

    return django_site.asgi(f"async_{error}", _STATUS[error], django_site.OURS)


class Stack(NamedTuple):
    """Where an error is raised."""

    title: str
    make: Callable[[str], Run]


_STATUS = {"typed": 404, "bug": 500}
_STACKS = {
    "asgi": Stack("bare ASGI", _asgi),
    "starlette": Stack("Starlette", _starlette),
    "fastapi": Stack("FastAPI", _fastapi),
    "django_wsgi": Stack("Django WSGI", _wsgi),
    "django_asgi": Stack("Django ASGI", _django_asgi),
}
_ERRORS = {"typed": "a typed error", "bug": "an unmapped exception"}
KEYS = tuple(f"{stack}_{error}" for stack in _STACKS for error in _ERRORS)


def trace(keys: Sequence[str]) -> dict[str, Way]:
    """Return the way of each error; for a process of its own, since the tracer stays."""
    tracer = Tracer()
    tracer.install()  # before a framework starts its threads
    with info_logged(), record_unread():
        ways: dict[str, Way] = {}
        for key in keys:
            stack, _, error = key.rpartition("_")
            ways[key] = tracer.follow(_STACKS[stack].make(error))
    return ways


def figures(keys: Sequence[str] = KEYS) -> list[Figure]:
    """Trace in a child process; return two figures a key."""
    command = [sys.executable, "-P", __file__, "--json", *keys]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ways: Mapping[str, Way] = json.loads(done.stdout)
    found: list[Figure] = []
    for key, way in ways.items():
        stack, _, error = key.rpartition("_")
        counts = (
            ("files", FILES, len(way)),
            ("functions", FUNCTIONS, sum(len(names) for names in way.values())),
        )
        found += [
            Figure(
                key=f"way_{key}_{unit}",
                title=f"{_ERRORS[error]} on {_STACKS[stack].title} passes",
                goal=Goal(limit=limit, unit=unit),
                counted=number,
                measured=spread([number]),
            )
            for unit, limit, number in counts
        ]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the counts, and with `--list` what is counted."""
    parser = argparse.ArgumentParser(description="What of ours an error passes.")
    parser.add_argument("keys", nargs="*", metavar="KEY", help=", ".join(KEYS))
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--list", action="store_true", help="name files and functions")
    shown.add_argument("--json", action="store_true", help="likewise, for a program")
    options = parser.parse_args(arguments)
    keys: list[str] = options.keys or list(KEYS)
    if unknown := set(keys) - set(KEYS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    write_logs_to_nowhere()
    ways = trace(keys)
    if options.json:
        sys.stdout.write(json.dumps(ways))
        return 0
    for key, way in ways.items():
        functions = sum(len(names) for names in way.values())
        sys.stdout.write(f"{key}: {len(way)} files, {functions} functions\n")
        if options.list:
            for name, functions_of in way.items():
                sys.stdout.write(f"  {name}: {', '.join(functions_of)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

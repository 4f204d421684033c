"""django-ninja with Sentry's SDK, in a process of its own: the SDK patches Django for good.

Prints, as JSON, one list per request: the stack, what is raised, and the number of events.
"""

from __future__ import annotations

import json
import sys

from ninja.errors import HttpError

from adapters.django.sentry_project import events, start_sentry
from adapters.django.stacks import STACKS
from adapters.ninja.apis import project, raising
from kaiko_middleware import NotFoundError, ServiceUnavailableError


async def _fails(request: object) -> None:
    del request
    raise ValueError("secret")


async def _refuses(request: object) -> None:
    del request
    raise NotFoundError("typed")


def _asks(request: object, limit: int) -> int:
    del request
    return limit


BUGS = {
    "bug": raising(lambda: ValueError("secret")),
    "group": raising(lambda: ExceptionGroup("g", [ValueError("secret")])),
    "async bug": project(_fails),
}
FORESEEN = {
    "typed": raising(lambda: NotFoundError("typed")),
    "async typed": project(_refuses),
    "down": raising(ServiceUnavailableError),
    "timeout": raising(TimeoutError),
    "framework": raising(lambda: HttpError(403, "no")),
    "framework's 500": raising(lambda: HttpError(500, "no")),
    "validation": project(_asks),
}


PROJECTS = {**BUGS, **FORESEEN}


def main() -> None:
    """Ask each project on each stack."""
    start_sentry()
    rows: list[tuple[str, str, int]] = []
    for stack in STACKS:
        for name, made in PROJECTS.items():
            events.clear()
            stack.ask(made)
            rows.append((stack.name, name, len(events)))
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()

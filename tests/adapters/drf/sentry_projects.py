"""DRF with Sentry's SDK, in a process of its own: the SDK patches DRF and Django for good.

Prints, as JSON, one list per request: the stack, what is raised, and the number of events.
"""

from __future__ import annotations

import json
import sys

from rest_framework import exceptions

from adapters.django.sentry_project import events, start_sentry
from adapters.django.stacks import STACKS
from adapters.drf.views import raising, validating
from kaiko_middleware import NotFoundError, ServiceUnavailableError

BUGS = {
    "bug": raising(lambda: ValueError("secret")),
    "group": raising(lambda: ExceptionGroup("g", [ValueError("secret")])),
}
FORESEEN = {
    "typed": raising(lambda: NotFoundError("typed")),
    "down": raising(ServiceUnavailableError),
    "timeout": raising(TimeoutError),
    "framework": raising(lambda: exceptions.PermissionDenied("no")),
    "framework's 500": raising(exceptions.APIException),
    "validation": validating(),
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

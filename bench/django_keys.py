"""The script that looks keys up in a Django database, by our model and by another one.

It is a process of its own, since a Django project has one set of applications; it prints
the seconds of both, a round in a line.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

import django
from django.conf import settings
from django.core.management import call_command

from bench.measure import Effort, interleave

if TYPE_CHECKING:
    from bench.measure import Run

_KEYS = 1000


def _sides() -> dict[str, Run]:
    from kaiko_guards.django_keys.models import ApiKey  # noqa: PLC0415 - Django is set up by now
    from kaiko_guards.django_keys.verifiers import ModelKeys  # noqa: PLC0415 - likewise

    theirs: Any = import_module("rest_framework_api_key.models").APIKey.objects
    keys = ModelKeys()
    their_key = our_key = ""
    for number in range(_KEYS):
        _, their_key = theirs.create_key(name=f"service {number}")
        _, our_key = ApiKey.make(f"service {number}")

    def run_theirs(times: int) -> None:
        for _ in range(times):
            if not theirs.is_valid(their_key):
                raise RuntimeError(their_key)

    def run_ours(times: int) -> None:
        for _ in range(times):
            if isinstance(keys.verify(our_key), str):
                raise RuntimeError(our_key)  # noqa: TRY004 - nobody handed over a wrong type

    return {"theirs": run_theirs, "ours": run_ours}


if __name__ == "__main__":
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["kaiko_guards.django_keys", "rest_framework_api_key"],
        SECRET_KEY="none is kept here",  # noqa: S106 - and none is wanted
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    for row in zip(*interleave(_sides(), Effort(40, 0.02)).values(), strict=True):
        print(*row, sep=",")  # noqa: T201 - the parent reads it

"""Checks the demo on Django, in a process of its own: its settings are for good."""

from __future__ import annotations

import json
import sys

from check.test_demo import OPTIONS
from kaiko_check import load_app, load_django, run_check


def main() -> None:
    targets = {"wsgi": load_django("kaiko_demo.django_settings")}
    import kaiko_django

    targets["asgi"] = load_app(kaiko_django.get_asgi_application(), "demo", host="localhost")
    found = {
        name: [finding.key for finding in run_check(target, OPTIONS).findings]
        for name, target in targets.items()
    }
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()

"""Writes docs/check-before.md: what `check` says of seven frameworks without the toolkit.

`PYTHONPATH=tests python -m check.before > docs/check-before.md` writes it again. Each service is
checked in a fork, since Django's settings are for good; what they all import is loaded once.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.metadata import version

from kaiko_check import Options, load_django, load_target, render_report, run_check
from support_program import run_apart

FRAMEWORKS = {
    "starlette": ("Starlette", "starlette"),
    "fastapi": ("FastAPI", "fastapi"),
    "litestar": ("Litestar", "litestar"),
    "flask": ("Flask", "flask"),
    "django": ("Django", "django"),
    "drf": ("Django REST framework", "djangorestframework"),
    "ninja": ("django-ninja", "django-ninja"),
}
"""The framework's name and its distribution, by the module in `check.bare`."""

HEAD = """\
% Generated: PYTHONPATH=tests python -m check.before > docs/check-before.md
# Before: seven bare frameworks

This is what [`kaiko-middleware check`](check.md) says of a small service on each framework, as a
tutorial leaves it: `GET /items` and `POST /items`, no key, no CORS. The services are in
`tests/check/bare`. A test writes this page again and compares. With the adapter of each framework
installed, nothing is found.

They were checked with `--unsafe --path /items --path 'POST /items' --skip operations`.
"""


def heading(name: str) -> str:
    """Return a section's heading: the framework and its version."""
    title, distribution = FRAMEWORKS[name]
    return f"{title} {version(distribution)}"


def section(name: str) -> str:
    """Return what is found in a bare service, in this process."""
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    module = f"check.bare.{name}_app"
    on_django = name in {"django", "drf", "ninja"}
    target = load_django(module) if on_django else load_target(f"{module}:app")
    options = Options(unsafe=True, paths=("/items", "POST /items"), skip=frozenset({"operations"}))
    try:
        text = render_report(run_check(target, options), "markdown")
    finally:
        target.close()
    # One heading deeper, under the framework's name; and no time, which is never the same.
    body = text.partition("\n")[2].replace("\n# ", "\n## ").replace("\n## ", "\n### ")
    return f"## {heading(name)}\n" + re.sub(r"( requests) in [0-9.]+ s,", r"\1,", body)


def main() -> None:
    """Write the page; with `--json`, the section of each framework."""
    sections = {name: run_apart(section, name) for name in FRAMEWORKS}
    if sys.argv[1:] == ["--json"]:
        sys.stdout.write(f"{json.dumps(sections)}\n")
    else:
        sys.stdout.write("\n".join([HEAD, *sections.values()]))


if __name__ == "__main__":
    main()

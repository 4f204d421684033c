"""Runs the examples in the docstrings of modules, each module's in a process of its own."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import json
import os
import sys

from support_program import run_apart

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def told(name: str) -> str:
    """Run a module's examples; return what went wrong."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        found = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    return printed.getvalue() if found.attempted else "no example was found"


def main(names: list[str]) -> None:
    """Print, as JSON, what went wrong in each module."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "django.conf.global_settings"
    importlib.import_module("kaiko_middleware")  # what they all import is loaded once
    sys.stdout.write(json.dumps({name: run_apart(told, name) for name in names}))


if __name__ == "__main__":
    main(sys.argv[1:])

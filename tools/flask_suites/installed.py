"""The pytest plugin of `flask_suites.run`: every Flask application has `install`."""

from __future__ import annotations

from functools import wraps
from typing import Any

from flask import Flask

from kaiko_flask import install

_init: Any = Flask.__init__


@wraps(_init)
def _installing(app: Flask, *args: Any, **kwargs: Any) -> None:
    _init(app, *args, **kwargs)
    install(app)


_class: Any = Flask  # the checkers allow no other method
_class.__init__ = _installing

"""Finds what is mounted beside the API and answers in HTML: its errors would become JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from kaiko_middleware.neighbours import name_neighbours, neighbour_note
from kaiko_middleware.report import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

    from kaiko_middleware import Config

__all__ = ["note_neighbours"]


def note_neighbours(app: Starlette, config: Config) -> None:
    """Log a note if a site is mounted where answers are rewritten."""
    if not config.rewrite_answers:
        return
    names = name_neighbours(_modules(app.routes, config))
    if names:
        logger.warning(neighbour_note(names))


def _modules(routes: Iterable[BaseRoute], config: Config) -> Iterator[str]:
    """Name the modules that what is mounted comes from."""
    for route in routes:
        if not isinstance(route, Mount) or not config.covers(route.path or "/"):
            continue
        # API applications serve files as well, but a site has a page for what is not found.
        if not isinstance(route.app, StaticFiles) or route.app.html:
            yield type(route.app).__module__
        for inner in route.routes:
            yield getattr(getattr(inner, "endpoint", None), "__module__", "")

"""The sides of the figures: the same request, with the toolkit and without it or by hand.

The applications are imported when a side is made, which is slow under valgrind.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench import asgi, wsgi
from bench.logs import within
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from bench.measure import Run

ASGI = {"bare": asgi.bare, "pass": asgi.passed_through}
WSGI = {"bare": wsgi.bare, "pass": wsgi.passed_through}


def starlette(ours: str, theirs: str, status: int) -> dict[str, Callable[[], Run]]:
    """Return an endpoint of the Starlette service with the toolkit, over one without."""

    def make(endpoint: str, config: Config | None) -> Run:
        from bench.starlette_site import served  # noqa: PLC0415 - slow under valgrind

        return served(endpoint, config, status)

    return {"bare": partial(make, theirs, None), "ours": partial(make, ours, Config())}


def fastapi(ours: str, theirs: str, status: int) -> dict[str, Callable[[], Run]]:
    """Return an endpoint of the FastAPI service with the toolkit, over one without."""

    def make(endpoint: str, *, ours: bool) -> Run:
        from bench import fastapi_site as site  # noqa: PLC0415 - slow under valgrind

        return site.served(site.ours() if ours else site.bare(), endpoint, status)

    return {"bare": partial(make, theirs, ours=False), "ours": partial(make, ours, ours=True)}


def fastapi_by_hand(ours: str, theirs: str, status: int) -> dict[str, Callable[[], Run]]:
    """Return one with the toolkit, over one whose errors are handled by hand."""

    def make(endpoint: str, *, ours: bool) -> Run:
        from bench import fastapi_site as site  # noqa: PLC0415 - likewise

        app = site.ours() if ours else site.handled_by_hand()
        return site.served(app, endpoint, status, enveloped=endpoint != "foreign")

    return {"by hand": partial(make, theirs, ours=False), "ours": partial(make, ours, ours=True)}


def django_wsgi(ours: str, theirs: str, status: int) -> dict[str, Callable[[], Run]]:
    """Return a view of the Django project on WSGI with the toolkit, over one without."""

    def make(view: str, *, ours: bool) -> Run:
        from bench import django_site  # noqa: PLC0415 - likewise

        return django_site.wsgi(view, status, django_site.OURS if ours else ())

    return {"bare": partial(make, theirs, ours=False), "ours": partial(make, ours, ours=True)}


def django_wsgi_by_hand(ours: str, theirs: str, status: int) -> dict[str, Callable[[], Run]]:
    """Return one with the toolkit, over one whose errors are handled by hand."""

    def make(view: str, *, ours: bool) -> Run:
        from bench import django_site  # noqa: PLC0415 - likewise

        middleware = django_site.OURS if ours else django_site.BY_HAND
        return django_site.wsgi(view, status, middleware)

    return {"by hand": partial(make, theirs, ours=False), "ours": partial(make, ours, ours=True)}


def django_asgi(ours: str, theirs: str, status: int) -> dict[str, Callable[[], Run]]:
    """Return a view of the Django project on ASGI with the toolkit, over one without."""

    def make(view: str, *, ours: bool) -> Run:
        from bench import django_site  # noqa: PLC0415 - likewise

        return django_site.asgi(view, status, django_site.OURS if ours else ())

    return {"bare": partial(make, theirs, ours=False), "ours": partial(make, ours, ours=True)}


def drf(ours: str) -> dict[str, Callable[[], Run]]:
    """Return a view of Django REST framework with our handler, over one with its own."""

    def make(view: str, *, ours: bool) -> Run:
        from bench import django_site, drf_site  # noqa: PLC0415 - likewise

        return drf_site.wsgi(view, django_site.OURS if ours else ())

    return {
        "bare": partial(make, "drf_theirs", ours=False),
        "ours": partial(make, ours, ours=True),
    }


def drf_refused() -> dict[str, Callable[[], Run]]:
    """Return a view whose serializer refuses a body, with either handler."""

    def make(view: str, status: int, *, ours: bool) -> Run:
        from bench import django_site, drf_site  # noqa: PLC0415 - likewise

        return drf_site.refused(view, status, django_site.OURS if ours else ())

    return {
        "bare": partial(make, "drf_theirs", 400, ours=False),
        "ours": partial(make, "drf_ours", 422, ours=True),
    }


def flask() -> dict[str, Callable[[], Run]]:
    """Return a success of the Flask service with the toolkit, over one without."""

    def make(*, ours: bool) -> Run:
        from bench import flask_site as site  # noqa: PLC0415 - likewise

        return site.served(site.ours() if ours else site.bare(), "success", 200)

    return {"bare": partial(make, ours=False), "ours": partial(make, ours=True)}


def flask_by_hand(ours: str, theirs: str, status: int) -> dict[str, Callable[[], Run]]:
    """Return an error of the Flask service with the toolkit, over one handled by hand."""

    def make(endpoint: str, *, ours: bool) -> Run:
        from bench import flask_site as site  # noqa: PLC0415 - likewise

        app = site.ours() if ours else site.by_hand()
        return site.served(app, endpoint, status, enveloped=True)

    return {"by hand": partial(make, theirs, ours=False), "ours": partial(make, ours, ours=True)}


def storm() -> dict[str, Callable[[], Run]]:
    """Return a bug under uvicorn's protocol that is not handed on, over a 500 by hand."""

    def make(endpoint: str, config: Config | None) -> Run:
        from bench.uvicorn_driven import served  # noqa: PLC0415 - likewise

        return served(endpoint, config, 500)

    return {
        "bare": partial(make, "written_500", None),
        "ours": partial(make, "bug", Config(reraise=False)),
    }


def logged(
    sides: Mapping[str, Callable[[], Run]], logging_set: Callable[[], AbstractContextManager[None]]
) -> dict[str, Callable[[], Run]]:
    """Return the sides with the logging set while they run."""

    def make(side: Callable[[], Run]) -> Run:
        return within(side(), logging_set)

    return {name: partial(make, side) for name, side in sides.items()}

"""Which sides make which figure, and its goal: a table."""

from __future__ import annotations

from bench import asgi, wsgi
from bench.case import Case
from bench.figure import Figure, Goal
from bench.logs import django_formatted, info_logged, record_off, record_unread
from bench.measure import spread
from bench.sides import (
    ASGI,
    WSGI,
    django_asgi,
    django_wsgi,
    django_wsgi_by_hand,
    drf,
    drf_refused,
    fastapi,
    fastapi_by_hand,
    flask,
    flask_by_hand,
    logged,
    starlette,
    storm,
)

CASES = (
    Case(
        "asgi_success",
        "ASGI success, added cost, inbound id ignored",
        Goal(limit=7, timed=8, unit="× pass-through", peer="33 ×"),
        {**ASGI, "ours": asgi.wrapped},
        2560,
    ),
    Case(
        "asgi_trusted",
        "… inbound id read and checked",
        Goal(limit=10.5, timed=12, unit="× pass-through", peer="33 ×"),
        {**ASGI, "ours": asgi.trusting},
        2560,
    ),
    Case(
        "wsgi_success",
        "WSGI success, added cost, inbound id ignored",
        Goal(limit=7, timed=8, unit="× pass-through"),
        {**WSGI, "ours": wsgi.wrapped},
        2560,
    ),
    Case(
        "starlette_success",
        "Starlette in process",
        Goal(limit=1.12, unit="× bare", peer="2.20 ×"),
        starlette("success", "success", 200),
        256,
    ),
    Case(
        "starlette_typed",
        "typed 404 on Starlette",
        Goal(limit=1.05, unit="× hand-written", peer="11.8 ×"),
        starlette("typed", "written_404", 404),
        256,
    ),
    Case(
        "starlette_typed_least",
        "… against a hand-written body alone",
        Goal(limit=1.05, unit="× hand-written", peer="11.8 ×"),
        starlette("typed", "least_404", 404),
        256,
    ),
    Case(
        "starlette_foreign_json",
        "foreign JSON error rewritten",
        Goal(limit=1.5, unit="× left alone"),
        starlette("foreign_json", "foreign_json", 404),
    ),
    Case(
        "starlette_foreign_text",
        "foreign text error rewritten",
        Goal(limit=1.5, unit="× left alone"),
        starlette("foreign_text", "foreign_text", 404),
    ),
    Case(
        "starlette_bug",
        "unmapped 500 handed on to the server's log, our record too",
        Goal(limit=1.05, unit="× framework's own", peer="1.0 ×"),
        starlette("bug", "bug", 500),
        16,
    ),
    Case(
        "starlette_bug_unread",
        "… our record made, formatted by no handler",
        Goal(limit=1.0, unit="× framework's own", peer="1.0 ×"),
        logged(starlette("bug", "bug", 500), record_unread),
        16,
    ),
    Case(
        "starlette_bug_off",
        "… our record not made",
        Goal(limit=1.0, unit="× framework's own", peer="1.0 ×"),
        logged(starlette("bug", "bug", 500), record_off),
        16,
    ),
    Case(
        "starlette_storm",
        "unmapped 500, reraise=False, uvicorn without a socket, throughput",
        # The system's part of a request is missing on both sides: with it, this is 0.7.
        Goal(limit=0.55, at_least=True, unit="× hand-written", peer="0.06 ×"),
        storm(),
        64,
    ),
    Case(
        "fastapi_success",
        "FastAPI in process",
        Goal(limit=1.04, unit="× bare", peer="1.30 ×"),
        fastapi("success", "success", 200),
        256,
    ),
    Case(
        "fastapi_typed",
        "typed 404 on FastAPI",
        Goal(limit=1.08, unit="× hand-written", peer="1.15 ×"),
        fastapi("typed", "written_404", 404),
    ),
    Case(
        "fastapi_typed_own",
        "… against FastAPI's HTTPException",
        Goal(limit=1.0, unit="× FastAPI's own"),
        fastapi("typed", "http_exception", 404),
    ),
    Case(
        "fastapi_typed_by_hand",
        "… against handlers by hand",
        Goal(limit=1.0, unit="× by hand", peer="3.8 ×"),
        fastapi_by_hand("typed", "typed_by_hand", 404),
    ),
    Case(
        "fastapi_typed_by_hand_info",
        "… with a line at INFO on both sides",
        Goal(limit=1.0, unit="× by hand"),
        logged(fastapi_by_hand("typed", "typed_by_hand", 404), info_logged),
    ),
    Case(
        "fastapi_validation",
        "FastAPI validation failure",
        Goal(limit=0.9, unit="× FastAPI's own", peer="2.3 ×"),
        fastapi("validated", "validated", 422),
    ),
    Case(
        "fastapi_validation_by_hand",
        "… against handlers by hand",
        Goal(limit=1.0, unit="× by hand", peer="3.4 ×"),
        fastapi_by_hand("validated", "validated", 422),
    ),
    Case(
        "fastapi_unknown_by_hand",
        "FastAPI unknown route, against handlers by hand",
        Goal(limit=1.1, unit="× by hand", peer="5.3 ×"),
        fastapi_by_hand("nowhere", "nowhere", 404),
    ),
    Case(
        "fastapi_bug_by_hand",
        "FastAPI unmapped 500, both log the traceback to a stream",
        Goal(limit=0.12, unit="× by hand", peer="1.15 ×"),
        fastapi_by_hand("bug", "bug", 500),
        16,
    ),
    Case(
        "fastapi_foreign_by_hand",
        "FastAPI foreign error rewritten, by hand left alone",
        Goal(limit=1.5, unit="× by hand"),
        fastapi_by_hand("foreign", "foreign", 404),
    ),
    Case(
        "django_wsgi_success",
        "Django WSGI success",
        Goal(limit=1.03, unit="× bare", peer="1.56 ×"),
        django_wsgi("success", "success", 200),
        256,
    ),
    Case(
        "django_wsgi_typed",
        "Django WSGI typed 404",
        Goal(limit=1.0, unit="× hand-written"),
        django_wsgi("typed", "written", 404),
    ),
    Case(
        "django_wsgi_typed_by_hand",
        "… against a middleware by hand",
        Goal(limit=1.0, unit="× by hand"),
        django_wsgi_by_hand("typed", "typed_by_hand", 404),
    ),
    Case(
        "django_wsgi_unknown",
        "Django WSGI unknown route",
        Goal(limit=1.05, unit="× bare", peer="1.26 ×"),
        django_wsgi("nowhere", "nowhere", 404),
    ),
    Case(
        "django_wsgi_bug",
        "Django WSGI unmapped 500, both log the traceback to a stream",
        Goal(limit=1.08, unit="× bare", peer="0.61 ×"),
        logged(django_wsgi("bug", "bug", 500), django_formatted),
        16,
    ),
    Case(
        "django_asgi_success",
        "Django ASGI success",
        Goal(limit=1.02, unit="× bare", peer="1.10 ×"),
        django_asgi("async_success", "async_success", 200),
        0,
    ),
    Case(
        "django_asgi_typed",
        "Django ASGI typed 404",
        Goal(limit=1.2, unit="× hand-written"),
        django_asgi("async_typed", "async_written", 404),
        0,
    ),
    Case(
        "drf_typed",
        "DRF typed 404, on WSGI",
        Goal(limit=0.9, unit="× DRF's NotFound", peer="1.22 ×"),
        drf("drf_typed"),
    ),
    Case(
        "drf_error",
        "DRF's NotFound, on WSGI",
        Goal(limit=1.0, unit="× DRF's own", peer="1.21 ×"),
        drf("drf_ours"),
    ),
    Case(
        "drf_validation",
        "DRF serializer failure, on WSGI",
        Goal(limit=1.0, unit="× DRF's own", peer="1.21 ×"),
        drf_refused(),
    ),
    Case(
        "flask_success",
        "Flask success",
        Goal(limit=1.05, unit="× bare"),
        flask(),
        256,
    ),
    Case(
        "flask_typed",
        "Flask typed 404, against handlers by hand",
        Goal(limit=1.0, unit="× by hand"),
        flask_by_hand("typed", "typed_by_hand", 404),
    ),
    Case(
        "flask_unknown",
        "Flask unknown route, against handlers by hand",
        Goal(limit=1.0, unit="× by hand"),
        flask_by_hand("nowhere", "nowhere", 404),
    ),
    Case(
        "flask_bug",
        "Flask unmapped 500, both log the traceback to a stream",
        Goal(limit=1.0, unit="× by hand"),
        flask_by_hand("bug", "bug", 500),
        16,
    ),
)


def thread_hops() -> Figure:
    """Return how many thread hops the middleware adds to a request of Django's ASGI stack."""
    from bench import django_site  # noqa: PLC0415 - likewise

    hops = {
        "bare": float(django_site.thread_hops("async_success")),
        "ours": float(django_site.thread_hops("async_success", django_site.OURS)),
    }
    return Figure(
        key="django_asgi_hops",
        title="Django ASGI success, thread hops added",
        goal=Goal(limit=0, unit="hops"),
        measured=spread([hops["ours"] - hops["bare"]]),
        sides=hops,
    )

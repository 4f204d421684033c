"""Applications that are mounted in an installed Starlette or FastAPI, with ours inside and without.

docs/servers.md says what a framework needs that answers its exceptions by itself.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from support_django import setup_django

setup_django()

import pytest
from a2wsgi import WSGIMiddleware
from django.core.asgi import get_asgi_application
from django.test import override_settings
from django.urls import path
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette

import kaiko_fastapi
import kaiko_flask
import kaiko_starlette
from adapters.asgi.apps import records_of
from adapters.asgi.server import ask
from kaiko_middleware import ConflictError
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def typed(*_request: object) -> None:
    """Raise a typed error."""
    raise ConflictError("Taken")


def bug(*_request: object) -> None:
    """Raise something that no mapping has."""
    raise ValueError("secret")


VIEWS: dict[str, Callable[..., Any]] = {"typed": typed, "bug": bug}
urlpatterns = [path(name, view) for name, view in VIEWS.items()]


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


def make_flask(*, ours: bool) -> Any:
    """Return Flask behind a2wsgi."""
    app: Any = Flask("mounted")  # a2wsgi types the protocol in its own way
    app.logger.disabled = True
    for name, view in VIEWS.items():
        app.add_url_rule(f"/{name}", name, view)
    if ours:
        kaiko_flask.install(app)
    return WSGIMiddleware(app)


def make_django(*, ours: bool) -> Any:
    """Return Django under ASGI."""
    middleware = ["kaiko_django.KaikoMiddleware"] if ours else []
    with override_settings(MIDDLEWARE=middleware):
        return get_asgi_application()


def make_starlette(*, ours: bool) -> Any:
    """Return Starlette."""
    app = Starlette()
    for name, view in VIEWS.items():
        app.add_route(f"/{name}", view)
    if ours:
        kaiko_starlette.install(app)
    return app


def make_fastapi(*, ours: bool) -> Any:
    """Return FastAPI."""
    app = FastAPI()
    for name, view in VIEWS.items():
        app.add_api_route(f"/{name}", lambda view=view: view())
    if ours:
        kaiko_fastapi.install(app)
    return app


def answers(
    outer: Any, mounted: Any, caplog: pytest.LogCaptureFixture
) -> dict[str, tuple[int, str, bool]]:
    """Return the status and code of each answer, and whether its record has the exception."""
    app = outer()
    app.mount("/inner", mounted)
    (kaiko_fastapi if outer is FastAPI else kaiko_starlette).install(app)
    caplog.set_level(logging.INFO, "kaiko")
    found: dict[str, tuple[int, str, bool]] = {}
    for name in (*VIEWS, "nowhere"):
        caplog.clear()
        answer = ask(app, f"/inner/{name}")
        assert check_answer(answer.status, answer.headers, answer.body) == []
        (record,) = records_of(caplog)
        assert vars(record)["request_id"] == answer.id
        code = json.loads(answer.body)["error"]["code"]
        found[name] = answer.status, code, record.exc_info is not None
    return found


WHOLE = {
    "typed": (409, "conflict", False),
    "bug": (500, "internal", True),
    "nowhere": (404, "not_found", False),
}
OF_ANSWERS = {**WHOLE, "typed": (500, "internal", False), "bug": (500, "internal", False)}

OUTERS = pytest.mark.parametrize("outer", [Starlette, FastAPI])


@OUTERS
@pytest.mark.parametrize("ours", [True, False], ids=["with ours", "alone"])
@pytest.mark.parametrize("make", [make_starlette, make_fastapi])
def test_what_lets_exceptions_out_needs_nothing(
    outer: Any,
    ours: bool,  # noqa: FBT001 - a parameter of the test
    make: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Ours around it answers them."""
    assert answers(outer, make(ours=ours), caplog) == WHOLE


@OUTERS
@pytest.mark.parametrize("ours", [True, False], ids=["with ours", "alone"])
@pytest.mark.parametrize("make", [make_flask, make_django])
def test_what_answers_exceptions_needs_ours_too(
    outer: Any,
    ours: bool,  # noqa: FBT001 - a parameter of the test
    make: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Alone, its answers are envelopes; a typed error is a 500, as it is without us."""
    assert answers(outer, make(ours=ours), caplog) == (WHOLE if ours else OF_ANSWERS)

"""`prometheus_counter`: error answers by code and status, and never a label that a client makes."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

import kaiko_starlette
import kaiko_wsgi
from adapters.asgi.server import ask, connect
from adapters.django.stacks import STACKS, Project, Stack
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import (
    Config,
    ConflictError,
    InvalidValueError,
    NotFoundError,
    ServiceUnavailableError,
)
from kaiko_middleware.catalog import known_codes
from kaiko_middleware.upstream import Upstream
from kaiko_telemetry.prometheus import OTHER, prometheus_counter
from support_program import run_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from starlette.requests import Request
    from starlette.responses import Response

Counts = dict[tuple[str, str], float]


class TeaSoldOut(ConflictError, code="tea_sold_out"):
    """There is no tea."""


def counts(registry: CollectorRegistry, name: str = "kaiko_error_answers_total") -> Counts:
    """Return the counter's values by code and status."""
    return {
        (sample.labels["code"], sample.labels["status"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    }


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of the test's own."""
    return CollectorRegistry()


def failing(make: Callable[[Request], Exception]) -> Any:
    async def endpoint(request: Request) -> Response:
        raise make(request)

    return endpoint


def _upstream_error(_request: Request) -> Exception:
    error = Upstream("billing").error_from_response(503, {}, b"")
    assert error is not None
    return error


async def _cut(_request: Request) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield "a"
        raise TeaSoldOut

    return StreamingResponse(chunks(), media_type="text/plain")


async def _returned(request: Request) -> Response:
    return JSONResponse({"code": request.url.path[-4:], "message": "secret"}, 409)


async def _socket(_websocket: object) -> None:
    raise TeaSoldOut


def make(registry: CollectorRegistry) -> Starlette:
    """Return an application that fails in many ways, and counts."""
    app = Starlette(
        routes=[
            Route("/bug", failing(lambda _: ZeroDivisionError("secret"))),
            Route("/typed", failing(lambda _: TeaSoldOut("secret"))),
            Route("/down", failing(lambda _: ServiceUnavailableError())),
            Route("/timeout", failing(lambda _: TimeoutError())),
            Route("/upstream", failing(_upstream_error)),
            Route("/raised/{code}", failing(lambda r: NotFoundError(code=r.path_params["code"]))),
            Route("/field", failing(lambda _: InvalidValueError(param="flavour"))),
            Route("/http", failing(lambda _: HTTPException(418))),
            Route("/odd", failing(lambda _: HTTPException(499, "odd"))),
            Route("/returned/{code}", _returned),
            Route("/cut", _cut),
            WebSocketRoute("/ws", _socket),
        ]
    )
    kaiko_starlette.install(app, Config(on_error=[prometheus_counter(registry=registry)]))
    return app


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/bug", "internal", "500"),
        ("/typed", "tea_sold_out", "409"),
        ("/down", "service_unavailable", "503"),
        ("/timeout", "timeout", "503"),
        ("/upstream", "service_unavailable", "503"),
        ("/nowhere", "not_found", "404"),
        ("/raised/from_a_client", OTHER, "404"),
        ("/raised/tea_sold_out", OTHER, "404"),
        ("/raised/not_found", "not_found", "404"),
        ("/field", OTHER, "422"),
        ("/http", "im_a_teapot", "418"),
        ("/odd", "request_rejected", "499"),
        ("/returned/abcd", OTHER, "409"),
        ("/cut", "tea_sold_out", "409"),
    ],
)
def test_one_error_is_one_count(
    path: str, code: str, status: str, registry: CollectorRegistry
) -> None:
    """Of its code and status; a code that the catalogue lacks, or has elsewhere, is `other`."""
    ask(make(registry), path)
    assert counts(registry) == {(code, status): 1}


def test_success_is_none(registry: CollectorRegistry) -> None:
    """A counter of errors is not touched by anything else."""
    app = make(registry)
    app.router.routes.append(Route("/ok", lambda _: JSONResponse({})))
    assert ask(app, "/ok").status == 200
    assert counts(registry) == {}


@pytest.mark.parametrize("denial", [True, False])
def test_refused_socket_is_counted(registry: CollectorRegistry, *, denial: bool) -> None:
    """With a denial response or without."""
    connect(make(registry), "/ws", denial=denial)
    assert counts(registry) == {("tea_sold_out", "409"): 1}


def test_labels_are_bounded_whatever_clients_send(registry: CollectorRegistry) -> None:
    """A thousand codes, paths and methods make one label, and no text of a client's is exposed."""
    app = make(registry)
    for number in range(1000):
        ask(app, f"/raised/marker_{number}", method=f"M{number}" if number % 2 else "GET")
    assert counts(registry).keys() == {(OTHER, "404"), ("method_not_allowed", "405")}
    assert b"marker" not in generate_latest(registry)
    assert b"req-" not in generate_latest(registry)


def test_every_code_of_the_catalogue_is_a_label(registry: CollectorRegistry) -> None:
    """As known to the process at that moment."""
    from kaiko_middleware import ErrorReport
    from kaiko_middleware.make_error import error_for_status

    count = prometheus_counter(registry=registry)
    for entry in known_codes():
        error = error_for_status(entry.status)
        error.code = entry.code
        count(ErrorReport(error, None, "req-0123456789", "GET", "/", unmapped=False))
    assert counts(registry) == {(each.code, str(each.status)): 1 for each in known_codes()}


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: str(stack.name))
def test_django(stack: Stack, registry: CollectorRegistry) -> None:
    """In Django's settings, on every stack."""

    def view(_request: object) -> None:
        raise TeaSoldOut

    project = Project(view, settings={"KAIKO_MIDDLEWARE": {"on_error": [
        prometheus_counter(registry=registry)
    ]}})  # fmt: skip
    with override_settings(**project.all_settings()):
        app = stack.make()
        stack.ask_app(app)
        stack.ask_app(app, "/nowhere")
    assert counts(registry) == {("tea_sold_out", "409"): 1, ("not_found", "404"): 1}


def test_wsgi(registry: CollectorRegistry) -> None:
    """What WSGI's middleware answers is counted too."""

    def app(_environ: WSGIEnvironment, _start: StartResponse) -> Any:
        raise TeaSoldOut

    hook = prometheus_counter(registry=registry)
    ask_wsgi(kaiko_wsgi.KaikoMiddleware(app, Config(on_error=[hook])), "/x")
    assert counts(registry) == {("tea_sold_out", "409"): 1}


def test_applications_of_a_process_share_a_counter(registry: CollectorRegistry) -> None:
    """A factory that is called twice works, and another name is another counter."""
    for _ in range(2):
        ask(make(registry), "/typed")
    other = prometheus_counter("shop_errors", registry=registry)
    app = Starlette()
    kaiko_starlette.install(app, Config(on_error=[other]))
    ask(app, "/nowhere")
    assert counts(registry) == {("tea_sold_out", "409"): 2}
    assert counts(registry, "shop_errors_total") == {("not_found", "404"): 1}


def test_name_that_is_taken_is_refused_where_the_hook_is_made(registry: CollectorRegistry) -> None:
    """By the client's own error, and once more the next time."""
    Gauge("kaiko_error_answers_total", "Somebody else's.", registry=registry)
    for _ in range(2):
        with pytest.raises(ValueError, match="kaiko_error_answers"):
            prometheus_counter(registry=registry)


def test_registry_is_not_kept() -> None:
    """A registry that nobody uses goes, and its counters with it."""
    registry = CollectorRegistry()
    gone = weakref.ref(registry)
    prometheus_counter(registry=registry)
    del registry
    gc.collect()
    assert gone() is None


def test_multiprocess_mode_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts of a process and of the workers that it forked."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    exposed = run_program("observers.prometheus_program")
    assert 'kaiko_error_answers_total{code="not_found",status="404"} 3.0' in exposed

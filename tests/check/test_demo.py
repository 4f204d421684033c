"""The demo keeps the contract: on every stack, `check` finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kaiko_check import Options, load_app, run_check
from kaiko_demo import flask_app, litestar_app, starlette_app
from kaiko_demo.guards import demo_guards
from kaiko_demo.seed import LIVE_KEY, service_from_environment
from support_program import run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kaiko_demo.service import DemoService
    from kaiko_guards import Guard

OPTIONS = Options(
    paths=("/v2/models", "POST /v2/chat"),
    headers=(("x-api-key", LIVE_KEY),),
    unsafe=True,
    streams=("/v2/models",),
)


@pytest.mark.parametrize(
    "create",
    [starlette_app.create_app, litestar_app.create_app, flask_app.create_app],
    ids=["starlette", "litestar", "flask"],
)
def test_nothing_is_found(
    create: Callable[[DemoService, Iterable[Guard]], object],
) -> None:
    """In process, with every kind of probe that the demo has a place for."""
    target = load_app(create(service_from_environment({}), demo_guards()), "demo")
    try:
        report = run_check(target, OPTIONS)
    finally:
        target.close()
    assert [finding.key for finding in report.findings] == []
    assert report.sent == report.total > 70


def test_nothing_is_found_on_django() -> None:
    """Under WSGI with --django, and under ASGI."""
    assert run_program("check.demo_on_django") == {"wsgi": [], "asgi": []}

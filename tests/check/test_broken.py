"""A service that breaks one clause is found out, and the clause is named: for each clause."""

from __future__ import annotations

import inspect
import itertools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings

from support_django import setup_django

setup_django()

from check import right_services as right
from check.broken import spoiled_asgi, spoiled_wsgi
from check.http_service import HTTP_ROWS, serving
from check.raw_apps import RAW
from check.spoils import BY_DOCUMENT, CORS, ROWS, STREAMS, Row
from kaiko_check import CLAUSES, Options, load_app, load_target, run_check
from kaiko_django import get_asgi_application, get_wsgi_application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kaiko_check import Report

STACKS: dict[str, tuple[Callable[[], Any], str]] = {
    "asgi": (right.asgi, ""),
    "wsgi": (right.wsgi, ""),
    "starlette": (right.starlette, ""),
    "flask": (right.flask, ""),
    "fastapi": (right.fastapi, ""),
    "django-wsgi": (get_wsgi_application, ""),
    "litestar": (right.on_litestar, ""),
    "drf": (get_wsgi_application, "/drf"),
    "ninja": (get_wsgi_application, "/ninja"),
    "django-asgi": (get_asgi_application, ""),
    "drf-asgi": (get_asgi_application, "/drf"),
    "ninja-asgi": (get_asgi_application, "/ninja"),
}
BASE = Options(
    headers=(("x-api-key", right.KEY),),
    unsafe=True,
    origin=right.ORIGIN,
    openapi="",
    body_size=1_000_001,
)


@pytest.fixture(autouse=True)
def _django(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.CRITICAL + 1)
    with override_settings(ROOT_URLCONF="check.right_django"):
        yield


def checked(stack: str, row: Row | None, **changes: Any) -> Report:
    """Check the right service of a stack, spoiled by a row."""
    make, prefix = STACKS[stack]
    app = make()
    if row is not None:
        call = app if inspect.iscoroutinefunction(app) else type(app).__call__
        wrap = spoiled_asgi if inspect.iscoroutinefunction(call) else spoiled_wsgi
        app = wrap(app, row.make())
    options = replace(BASE, paths=(f"{prefix}/items", f"POST {prefix}/items"), **changes)
    target = load_app(app, stack)
    try:
        return run_check(target, options)
    finally:
        target.close()


def clauses(report: Report) -> set[str]:
    """Return the clauses that are broken."""
    return {finding.clause.id for finding in report.findings}


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_found_in_the_right_service(stack: str) -> None:
    """On any stack, or what follows would show nothing."""
    assert [finding.key for finding in checked(stack, None, streams=("/events",)).findings] == []


def spread() -> Iterator[tuple[str, str]]:
    """Spread the clauses over the stacks."""
    stacks, browsers = itertools.cycle(STACKS), itertools.cycle(["starlette", "fastapi"])
    for clause in ROWS:
        yield clause, next(browsers if clause in CORS else stacks)


@pytest.mark.parametrize(("clause", "stack"), list(spread()))
def test_a_broken_clause_is_named(clause: str, stack: str) -> None:
    """And no other, but those that cannot be kept with it."""
    row = ROWS[clause]
    assert clauses(checked(stack, row)) == {clause, *row.also}


@pytest.mark.parametrize("clause", BY_DOCUMENT)
@pytest.mark.parametrize("stack", ["fastapi"])
def test_a_broken_clause_of_fields_is_named(clause: str, stack: str) -> None:
    """By what the OpenAPI document declares."""
    report = checked(stack, BY_DOCUMENT[clause], openapi=None, skip=frozenset({"operations"}))
    assert clauses(report) == {clause}


@pytest.mark.parametrize(
    ("clause", "stack"),
    list(zip(STREAMS, itertools.cycle(["asgi", "wsgi", "starlette", "flask"]), strict=False)),
)
def test_a_broken_clause_of_streams_is_named(clause: str, stack: str) -> None:
    """In the stream that the user names."""
    row = STREAMS[clause]
    assert clauses(checked(stack, row, streams=("/events",))) == {clause, *row.also}


@pytest.mark.parametrize("clause", HTTP_ROWS)
def test_a_broken_clause_of_the_wire_is_named(clause: str) -> None:
    """At an address: what no application in process can break."""
    with serving(clause) as url:
        target = load_target(url)
        try:
            report = run_check(target, Options(rate=0, openapi="", timeout=5))
        finally:
            target.close()
    assert clauses(report) == {clause}


@pytest.mark.parametrize("clause", RAW)
def test_a_broken_clause_of_the_course_is_named(clause: str) -> None:
    """In the way that an answer is sent: late, cut, or without an end."""
    target = load_app(RAW[clause], "raw")
    try:
        options = Options(openapi="", timeout=0.3, stream_seconds=0.3, streams=("/events",))
        report = run_check(target, options)
    finally:
        target.close()
    assert clauses(report) == {clause}


def test_a_service_that_does_not_take_the_id_of_its_gateway_is_named() -> None:
    """If the user says that it does."""
    assert clauses(checked("asgi", None, trusts_ids=True)) == {"id.trusted"}


def test_every_clause_is_broken_by_a_service() -> None:
    """There are more than sixty."""
    tried = {*ROWS, *BY_DOCUMENT, *STREAMS, *HTTP_ROWS, *RAW, "id.trusted"}
    assert tried == CLAUSES.keys()
    assert len(CLAUSES) > 60

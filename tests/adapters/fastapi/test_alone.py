"""The middleware alone: the same status, type and id as with `install`, if less precise.

It sees only what FastAPI answered, so it cannot always name the code and the parameter.
Where even the status differs, that is written down here and in the documentation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adapters.fastapi.refusals import CASES, SECRET, Case, refuse
from adapters.fastapi.routes import make_app
from kaiko_fastapi import KaikoMiddleware, install
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp

DIFFERENT = {
    # FastAPI answers as it does to a form of which the field is absent.
    "form-got-json": (400, "missing_field"),
    # That the route declares a type of its own cannot be seen from outside.
    "raw-of-another-type": (422, "invalid_value"),
}


@pytest.fixture(scope="module")
def installed() -> ASGIApp:
    """The application with the adapter."""
    app = make_app()
    install(app)
    return app


@pytest.fixture(scope="module")
def alone() -> ASGIApp:
    """The application under the middleware."""
    return KaikoMiddleware(make_app())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(installed: ASGIApp, alone: ASGIApp, case: Case) -> None:
    """Status and type are those of install, and nothing sent comes back."""
    wanted, seen = refuse(installed, case), refuse(alone, case)
    assert check_answer(seen.status, seen.headers, seen.body) == []
    error = json.loads(seen.body)["error"]
    assert error["request_id"] == seen.id
    assert SECRET not in seen.body.decode()
    if case.name in DIFFERENT:
        assert (seen.status, error["code"]) == DIFFERENT[case.name]
        return
    assert seen.status == wanted.status
    assert error["type"] == json.loads(wanted.body)["error"]["type"]
    assert error["param"] in {None, case.wanted[2], *_first_names(case)}


def _first_names(case: Case) -> set[str]:
    """Return the name that is told where no body at all cannot be told from an empty one."""
    named = {"/embedded": "chat", "/several": "first", "/form": "name"}
    return {named[case.path]} if case.path in named else set()

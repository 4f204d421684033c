"""What FastAPI's validation refuses becomes the error of section 7, told in declared names."""

from __future__ import annotations

import json

import pytest
from fastapi import FastAPI

from adapters.fastapi.refusals import CASES, JSON, NO_BODY, SECRET, Case, refuse
from adapters.fastapi.routes import make_app
from kaiko_fastapi import install
from kaiko_middleware.conformance import check_answer


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The application, installed."""
    app = make_app()
    install(app)
    return app


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(app: FastAPI, case: Case) -> None:
    """Status, code, param and message are the contract's, and nothing sent comes back."""
    answer = refuse(app, case)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["param"], error["message"]) == case.wanted
    assert check_answer(answer.status, answer.headers, answer.body) == []
    assert SECRET not in answer.body.decode()
    assert answer.raised is None


def test_header_model_is_told_by_its_header(app: FastAPI) -> None:
    """A header that a model declares is named in the answer; older FastAPI says it its way."""
    answer = refuse(app, Case("", "/traced", NO_BODY, None, (("trace-depth", SECRET),)))
    error = json.loads(answer.body)["error"]
    assert answer.status == 400
    assert error["param"] in {"trace-depth", "trace_depth"}


def test_null_is_no_model(app: FastAPI) -> None:
    """A body of null is a value where FastAPI tells it from no body, and else none."""
    answer = refuse(app, Case("", "/chat", NO_BODY, b"null", JSON))
    code = json.loads(answer.body)["error"]["code"]
    assert (answer.status, code) in {(422, "invalid_value"), (400, "missing_body")}


def test_very_many_failures() -> None:
    """Two hundred records are read, those of 100 items; the four after them are counted."""
    app = FastAPI()

    @app.post("/numbers")
    def numbers(items: list[int | list[int]]) -> None:
        del items

    install(app)
    answer = refuse(app, Case("", "/numbers", NO_BODY, ["x"] * 102))
    message = json.loads(answer.body)["error"]["message"]
    assert message.startswith("The '[0]' field has an invalid value (and 103 more: [1], ")

"""Tests of a service's errors: the answer, the whole contract, and the record in the log."""

from __future__ import annotations

import logging

import pytest
from starlette.testclient import TestClient

from kaiko_middleware.conformance import check_answer
from starlette_service import app


@pytest.fixture
def client() -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def test_an_expired_context(client: TestClient) -> None:
    answer = client.get("/v2/contexts/ctx_1")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "context_not_found"
    assert answer.headers["X-Should-Retry"] == "false"


@pytest.mark.parametrize("path", ["/v2/contexts/ctx_1", "/v2/average", "/v2/nowhere"])
def test_every_error_keeps_the_contract(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert check_answer(answer.status_code, answer.headers.multi_items(), answer.content) == []


def test_the_log_has_the_same_id(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="kaiko")
    request_id = client.get("/v2/contexts/ctx_1").headers["X-Request-ID"]
    (record,) = [r for r in caplog.records if getattr(r, "request_id", None) == request_id]
    assert record.levelname == "INFO"
    assert vars(record)["code"] == "context_not_found"


def test_a_bug_is_raised_in_the_test() -> None:
    with pytest.raises(ZeroDivisionError):
        TestClient(app).get("/v2/average")

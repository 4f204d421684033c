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
    headers = answer.headers.multi_items()
    assert check_answer(answer.status_code, headers, answer.content) == []


def test_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="kaiko")
    request_id = client.get("/v2/contexts/ctx_1").headers["X-Request-ID"]
    records = [vars(record) for record in caplog.records]
    (record,) = [each for each in records if each.get("request_id") == request_id]
    assert record["levelname"] == "INFO"
    assert record["code"] == "context_not_found"


def test_a_bug_is_raised_in_the_test() -> None:
    with pytest.raises(ZeroDivisionError):
        TestClient(app).get("/v2/average")

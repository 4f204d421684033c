"""A stranger's tests of a service's errors."""

from __future__ import annotations

import re

import httpx
import httpx2
import pytest
import requests
from django.test import AsyncClient, Client
from flask.testing import FlaskClient
from litestar import Litestar
from litestar.testing import TestClient as LitestarClient
from ninja.testing.client import NinjaResponse
from rest_framework.test import APIClient
from starlette.testclient import TestClient

from kaiko_middleware import ErrorEnvelope, NotFoundError
from kaiko_pytest import RaiseUpstream, RequestRecords, assert_error


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


def test_by_class(client: TestClient) -> None:
    envelope = assert_error(client.get("/v2/contexts/ctx_1"), ContextNotFound)
    code: str = envelope.error.code
    param: str | None = envelope.error.param
    print(code, param)


def test_by_values(client: httpx2.Client, older: httpx.Client, session: requests.Session) -> None:
    found: ErrorEnvelope = assert_error(client.get("/x"), status=404)
    assert_error(client.get("/x"), code="context_not_found", param="context_id")
    assert_error(older.get("/x"), status=404, code="context_not_found", message="No such context")
    assert_error(session.get("http://127.0.0.1/x"), status=404, message=re.compile("No such"))
    print(found)


def test_every_client(
    django: Client,
    drf: APIClient,
    flask: FlaskClient,
    litestar: LitestarClient[Litestar],
    ninja: NinjaResponse,
) -> None:
    assert_error(django.get("/x"), ContextNotFound)
    assert_error(drf.get("/x"), ContextNotFound, param=None)
    assert_error(flask.get("/x"), ContextNotFound)
    assert_error(litestar.get("/x"), ContextNotFound)
    assert_error(ninja, ContextNotFound)


async def test_asynchronous(client: httpx2.AsyncClient, django: AsyncClient) -> None:
    assert_error(await client.get("/x"), ContextNotFound)
    assert_error(await django.get("/x"), ContextNotFound)


@pytest.mark.kaiko(allow="context_not_found", reason="it is declared in the next release")
def test_fixtures(
    client: TestClient, kaiko_records: RequestRecords, raise_upstream: RaiseUpstream
) -> None:
    upstream = raise_upstream("openai", "rate_limited", times=1, then={"choices": []})
    request_id = client.get("/x").headers["X-Request-ID"]
    levels = [record.levelname for record in kaiko_records(request_id, logger="kaiko")]
    urls = [request.url for request in upstream.requests]
    error: Exception = upstream.exception()
    print(levels, urls, error)

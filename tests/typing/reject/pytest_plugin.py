"""Mistakes in a stranger's tests of a service's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware import NotFoundError
from kaiko_pytest import assert_error

if TYPE_CHECKING:
    import httpx2
    from starlette.testclient import TestClient

    from kaiko_pytest import RaiseUpstream


class ContextNotFound(NotFoundError, code="context_not_found"):
    """The context does not exist, or it has expired."""


def test_mistakes(client: TestClient, raise_upstream: RaiseUpstream) -> None:
    answer = client.get("/v2/contexts/ctx_1")
    assert_error(answer)  # error
    assert_error(answer, ContextNotFound, status=404)  # error
    assert_error(answer, ContextNotFound, code="context_not_found")  # error
    assert_error(answer, ContextNotFound, parm="context_id")  # error
    assert_error(answer, ValueError)  # error
    assert_error(answer, ContextNotFound())  # error
    assert_error(answer, 404)  # error
    assert_error(answer, param="context_id")  # error
    assert_error(answer, status="404")  # error
    assert_error(answer, code=404)  # error
    assert_error(answer.content, ContextNotFound)  # error
    print(assert_error(answer, ContextNotFound).error.reason)  # error
    raise_upstream("opnai", "rate_limited")  # error
    raise_upstream("openai", "ratelimited")  # error
    raise_upstream("openai", "rate_limited", time=1)  # error


async def test_no_await(client: httpx2.AsyncClient) -> None:
    assert_error(client.get("/x"), ContextNotFound)  # error

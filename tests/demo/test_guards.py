"""The demo's own keys and limits, in front of it: what `kaiko_guards` was told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from kaiko_demo.cause import get, post
from kaiko_demo.guards import MAX_BODY, demo_guards, guards_from_environment
from kaiko_demo.seed import (
    ARCHIVE_KEY,
    AT,
    LIMITED_KEY,
    LIVE_CONTEXT,
    LIVE_KEY,
    REVOKED_KEY,
    STAGING_KEY,
    UNKNOWN_KEY,
)
from kaiko_demo.starlette_app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx2

    from kaiko_demo import DemoService, Request
    from kaiko_guards import Guard

MODELS = get("/v2/models", key=LIMITED_KEY)


class Served:
    """The demo behind its guards."""

    def __init__(self, service: DemoService, guards: Iterable[Guard]) -> None:
        self._client = TestClient(create_app(service, guards))

    def ask(self, request: Request) -> httpx2.Response:
        """Send a request."""
        return self._client.request(
            request.method, request.path, content=request.body, headers=request.headers
        )

    def left(self, request: Request) -> int:
        """Send a request; return how many may follow."""
        return int(self.ask(request).headers["X-RateLimit-Remaining"])


@pytest.fixture
def now() -> list[float]:
    """The seconds of the limits' clock."""
    return [0.0]


@pytest.fixture
def served(service: DemoService, now: list[float]) -> Served:
    return Served(service, demo_guards(clock=lambda: now[0]))


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        ("kaiko_live_short", 401, "invalid_api_key"),
        (UNKNOWN_KEY, 401, "invalid_api_key"),
        (STAGING_KEY, 401, "invalid_api_key"),
        (ARCHIVE_KEY, 401, "invalid_api_key"),
        (f"{LIVE_KEY}0", 401, "invalid_api_key"),
        (REVOKED_KEY, 403, "key_revoked"),
    ],
)
def test_a_key_that_is_none_of_the_demos_is_refused(
    served: Served, key: str | None, status: int, code: str
) -> None:
    """And no answer repeats it."""
    answer = served.ask(get("/v2/models", key=key))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert key is None or key not in answer.text


def test_the_trial_key_has_two_requests_a_minute(served: Served, now: list[float]) -> None:
    """Who waits as long as is said is let in again."""
    assert [served.ask(MODELS).status_code for _ in range(3)] == [200, 200, 429]
    assert served.ask(MODELS).headers["Retry-After"] == "30"
    now[0] = 30.0
    assert [served.ask(MODELS).status_code for _ in range(2)] == [200, 429]


def test_one_key_does_not_use_up_the_limit_of_another(served: Served) -> None:
    """Nor has it the same one."""
    assert served.left(MODELS) == 1
    assert served.left(get("/v2/models")) == 599


def test_a_batch_counts_as_ten(served: Served) -> None:
    """It saves requests, and not all that they cost."""
    batch = post("/v2/analyses/batch", {"model": "emotion-v2", "texts": ["So glad", "I hate it"]})
    assert served.left(batch) == 590


def test_the_trial_key_may_not_read_the_archive(served: Served) -> None:
    """It lacks the scope; what is refused is not counted."""
    answer = served.ask(get(f"/v2/archive/{LIVE_CONTEXT}", key=LIMITED_KEY))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")
    assert served.left(MODELS) == 1


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 400), (MAX_BODY + 1, 413)])
def test_a_body_may_be_as_large_as_is_said(served: Served, size: int, status: int) -> None:
    """To the last byte: what is inside is looked at afterwards."""
    assert served.ask(post("/v2/analyses", b"x" * size)).status_code == status


def test_a_limit_of_a_moment_is_never_lifted(service: DemoService) -> None:
    """`Retry-After` is then the same number on every stack, and on a slow machine."""
    served = Served(service, guards_from_environment({AT: "2026-11-22T10:00:00+01:00"}))
    told = [served.ask(MODELS).headers.get("Retry-After") for _ in range(3)]
    assert told == [None, None, "30"]


def test_a_limit_of_the_present_is_counted_by_its_clock(service: DemoService) -> None:
    """As `--serve` does."""
    assert Served(service, guards_from_environment({})).left(MODELS) == 1

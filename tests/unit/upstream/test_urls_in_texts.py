"""What clients say of a URL goes to the log: without what may be a key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import httpx2
import pytest
import requests
import urllib3
from aiohttp import ClientSession

from kaiko_middleware import Config
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.safe_exception import CLIENTS
from kaiko_middleware.upstream import Upstream
from kaiko_middleware.upstream._exceptions import FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable

UP = Upstream("up")
CLOSED = "http://user:hunter2@127.0.0.1:1/path?token=SECRET#SECRET"
OTHER = "ftp://user:hunter2@up.test/path?token=SECRET"
BROKEN = "http://user:hunter2@up.test:x/path?token=SECRET"


def by_requests(url: str) -> object:
    """Call by way of requests."""
    return requests.get(url, timeout=5)


def by_urllib3(url: str) -> object:
    """Call by way of urllib3."""
    return urllib3.PoolManager().request("GET", url, retries=0)


def by_aiohttp(url: str) -> object:
    """Call by way of aiohttp."""

    async def call() -> None:
        async with ClientSession() as session, session.get(url):
            pass

    return asyncio.run(call())


def excerpt(exc: Exception) -> str:
    """Return what the log would say of a client's exception."""
    said = UP.error_from_exception(exc).upstream
    assert said is not None
    return said.excerpt


@pytest.mark.parametrize("url", [CLOSED, OTHER, BROKEN])
@pytest.mark.parametrize("call", [by_requests, by_urllib3, httpx2.get, by_aiohttp])
def test_no_client_tells_the_log_a_query_or_a_password(
    call: Callable[[str], object], url: str
) -> None:
    """Whatever it says of a call that failed, or of a URL that it does not take."""
    with pytest.raises((
        requests.RequestException, urllib3.exceptions.HTTPError, httpx2.HTTPError,
        httpx2.InvalidURL, aiohttp.ClientError,
    )) as caught:  # fmt: skip
        call(url)
    text = excerpt(caught.value)
    assert "SECRET" not in text
    assert "hunter2" not in text
    assert text.startswith(f"{type(caught.value).__name__}: ")


@pytest.mark.parametrize("url", [CLOSED, OTHER, BROKEN])
@pytest.mark.parametrize("call", [by_requests, by_urllib3, httpx2.get, by_aiohttp])
def test_nor_does_the_traceback_of_what_came_of_it(
    call: Callable[[str], object], url: str, log: pytest.LogCaptureFixture
) -> None:
    """The causes of a bug are told as well, each with its text."""

    def fail() -> None:
        try:
            call(url)
        except Exception as exc:
            raise RuntimeError("no price") from exc

    with pytest.raises(RuntimeError) as caught:
        fail()
    Pipeline(Config()).on_exception(caught.value, RequestInfo("req_1", "GET", "/"))
    (record,) = log.records
    text = record.exc_text or ""
    assert "RuntimeError: no price" in text
    assert f"caused by {type(caught.value.__cause__).__module__}." in text
    assert "SECRET" not in text
    assert "hunter2" not in text


def test_every_client_is_known_by_its_failures() -> None:
    """Both tables name the same libraries, but for those that are not only HTTP clients."""
    assert set(FAILURES) == CLIENTS | {"botocore", "google"}


def test_what_failed_is_still_told() -> None:
    """Host, path and cause are what an operator needs."""
    with pytest.raises(requests.ConnectionError) as caught:
        by_requests(CLOSED)
    text = excerpt(caught.value)
    assert "host='127.0.0.1', port=1" in text
    assert "url: /path?*** (Caused by NewConnectionError(" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://up.test/a?k=S failed", "http://up.test/a?*** failed"),
        ("http://up.test/a#k=S failed", "http://up.test/a?*** failed"),
        ("'http://u:S@up.test:80/a'", "'http://***@up.test:80/a'"),
        ("http://u:S@S@up.test", "http://***@up.test"),
        ("http://u:S/S@up.test/a", "http://***@up.test/a"),
        ("http://u:S?S@up.test/a", "http://***?***"),
        ("http://up.test/a?to=x@y&k=S", "http://***?***"),
        ("url: /a?next=http://u:S@up.test", "url: /a?***"),
        ("url: /a#k=S", "url: /a#***"),
        ("Really? Error #5 of http://up.test/a", "Really? Error #5 of http://up.test/a"),
        ("http://u:S@one.test http://u:S@two.test", "http://***@one.test http://***@two.test"),
        ("", ""),
    ],
)
def test_queries_and_user_information_are_cut(text: str, shown: str) -> None:
    """Where URLs stand in a text, whole or from the path on; where in doubt, more is cut."""
    assert excerpt(httpx2.ConnectError(text)) == f"ConnectError: {shown}"


@pytest.mark.parametrize("unit", ["/", "//", "?", "#", "@", "//@", "//u:", "?#", "/?@"])
def test_no_text_takes_long_to_cut(unit: str) -> None:
    """A megabyte of what URLs are made of would take hours if each piece were read to its end."""
    assert excerpt(httpx2.ConnectError(unit * (1_000_000 // len(unit)))).startswith(
        "ConnectError: "
    )

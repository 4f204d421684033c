"""What clients say of a URL goes to the log: without what may be a key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import aiohttp
import httpx2
import pytest
import requests
import urllib3
from aiohttp import ClientSession

from kaiko_middleware import Config
from kaiko_middleware.compact_traceback import compact_traceback
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.safe_exception import CLIENTS
from kaiko_middleware.upstream import Upstream
from kaiko_middleware.upstream._exceptions import FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable

UP = Upstream("up")
CLOSED = "http://user:hunter2@127.0.0.1:1/botSECRET/path?token=SECRET#SECRET"
OTHER = "ftp://user:hunter2@up.test/botSECRET/path?token=SECRET"
BROKEN = "http://user:hunter2@up.test:x/botSECRET/path?token=SECRET"


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


def with_requests(headers: dict[str, str]) -> object:
    """Send the headers by way of requests."""
    return requests.get("http://127.0.0.1:1", headers=headers, timeout=5)


def with_urllib(headers: dict[str, str]) -> object:
    """Send the headers by way of the standard library."""
    return urlopen(Request("http://127.0.0.1:1", headers=headers), timeout=5)


def with_httpx2(headers: dict[str, str]) -> object:
    """Send the headers by way of httpx2."""
    return httpx2.get("http://127.0.0.1:1", headers=headers)


@pytest.mark.parametrize("value", ["SECRET\n", "SECRET\r\nA: b", "\0SECRET"], ids=ascii)
@pytest.mark.parametrize("call", [with_requests, with_urllib, with_httpx2])
def test_no_client_tells_the_log_what_a_header_holds(
    call: Callable[[dict[str, str]], object], value: str
) -> None:
    """A key that was read with its line's end; of a class of the client's own or of Python's."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each client has its own
        call({"x-goog-api-key": value})
    assert "SECRET" not in compact_traceback(caught.value)


@pytest.mark.parametrize(
    "module", ["botocore.exceptions", "google.api_core", "http.client", "h11._util"]
)
def test_what_clients_stand_on_is_cut_alike(module: str) -> None:
    """Signed URLs are in the texts of cloud SDKs, header values in those of parsers."""
    cls = type("Failed", (Exception,), {"__module__": module})
    text = compact_traceback(cls('Could not connect to "https://up.test/a?X-Signature=SECRET"'))
    assert text == f'{module}.Failed: Could not connect to "https://up.test/***"'
    assert "SECRET" in compact_traceback(ValueError("https://up.test/SECRET"))


def test_every_client_is_known_by_its_failures() -> None:
    """Both tables name the same libraries, but for those that are not only HTTP clients."""
    assert set(FAILURES) == CLIENTS | {"azure", "botocore", "google"}


def test_what_failed_is_still_told() -> None:
    """Host and cause are what an operator needs."""
    with pytest.raises(requests.ConnectionError) as caught:
        by_requests(CLOSED)
    text = excerpt(caught.value)
    assert "host='127.0.0.1', port=1" in text
    assert "url: /*** (Caused by NewConnectionError(" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://up.test/S?k=S failed", "http://up.test/*** failed"),
        ("http://up.test#k=S failed", "http://up.test/*** failed"),
        ("http://up.test failed", "http://up.test failed"),
        ("'http://u:S@up.test:80/a S' failed", "'http://***@up.test:80/***' failed"),
        ("'http://[::1]:80/a S' failed", "'http://[::1]:80/***' failed"),
        ("http://u:S@S@up.test", "http://***@up.test"),
        ("http://u:S/S@up.test/a", "http://***/***"),
        ("http://u:S?S@up.test/a", "http://***/***"),
        ("http://up.test/a?to=x@y&k=S", "http://***/***"),
        ("http://bot:S/getMe", "http://***/***"),
        ("url: /S?next=http://u:S@up.test", "url: /***"),
        ("url: '/S a?b' of text/html, HTTP/1.1", "url: '***' of text/html, HTTP/1.1"),
        ("Failed: '?k=S' (?k=S) a#k=S", "Failed: '***' (?*** a#***"),
        ("'up.test:80/S'; up.test/S", "'up.test:80/***'; up.test/***"),
        ("'bot:S/getMe' bot:S/getMe", "'***' ***"),
        ("Invalid URL 'S S': why", "Invalid URL '***': why"),
        ("Really? Error #5 of http://up.test/a", "Really? Error #5 of http://up.test/***"),
        ("Illegal header value b'S\n'", "Illegal header value ***"),
        ("Invalid characters in header value: 'S' of x", "Invalid characters in header value ***"),
        ("Header part (5) from ('x-key', S) must", "Header part ***"),
        ("Invalid header name b'S'", "Invalid header name ***"),
        ("invalid x-key header: S", "invalid x-key header ***"),
        ("The header is fine", "The header is fine"),
        ("http://u:S@one.test http://u:S@two.test", "http://***@one.test http://***@two.test"),
        ("", ""),
    ],
)
def test_of_urls_the_host_is_kept_and_of_headers_nothing(text: str, shown: str) -> None:
    """Where URLs stand in a text, whole or from the path on; where in doubt, more is cut."""
    assert excerpt(httpx2.ConnectError(text)) == f"ConnectError: {shown}"


@pytest.mark.parametrize(
    "unit",
    [
        "/",
        "//",
        "?",
        "#",
        "@",
        "//@",
        "//u:",
        "?#",
        "/?@",
        "a",
        "a.",
        "a:",
        "'",
        "'/",
        "URL '",
        "header ",
    ],
)
def test_no_text_takes_long_to_cut(unit: str) -> None:
    """A megabyte of what URLs are made of would take hours if each piece were read to its end."""
    assert excerpt(httpx2.ConnectError(unit * (1_000_000 // len(unit)))).startswith(
        "ConnectError: "
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<code>/v1/x?key=SECRET</code> was not found", "<code>/v1/x?key=***</code> was not found"),
        ("GET /x?a=S&amp;b=S%20S&c[]=S'", "GET /x?a=***&amp;b=***&c[]=***'"),
        ('{"next": "/x?page=2"} Really? a=b', '{"next": "/x?page=***"} Really? a=b'),
    ],
)
def test_what_an_upstream_quotes_of_a_query_is_cut(text: str, shown: str) -> None:
    """A page for a wrong path may quote the path that was asked for, with a key in its query."""
    error = UP.error_from_response(404, {"content-type": "text/html"}, text)
    assert error is not None
    assert error.upstream is not None
    assert error.upstream.excerpt == shown

"""A stream that fails behind Django's GZip, as a real client of a real server sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from adapters.django.served_apart import served_apart
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=["waitress", "uvicorn"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    """A client of the server, which takes gzip unasked."""
    with (
        served_apart("served_gzip", request.param) as port,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/text", "/events", "/lines"])
def test_a_compressed_stream_that_fails_is_cut(client: httpx2.Client, path: str) -> None:
    """Of every kind: to what is compressed no frame can be added. The client's library says so."""
    with client.stream("GET", path) as answer:
        assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
        assert answer.headers["x-request-id"].startswith("req-")
        with pytest.raises(httpx2.RemoteProtocolError):
            answer.read()


def test_a_compressed_stream_that_fails_first_is_never_whole(client: httpx2.Client) -> None:
    """It is cut where GZip has sent its own first bytes before; where not, it is an error."""
    with client.stream("GET", "/first") as answer:
        if "content-encoding" in answer.headers:
            with pytest.raises(httpx2.RemoteProtocolError):
                answer.read()
        else:
            body = answer.read()
            assert check_answer(answer.status_code, answer.headers.multi_items(), body) == []
            assert answer.status_code == 500


def test_a_compressed_stream_that_ends_is_whole(client: httpx2.Client) -> None:
    """For comparison."""
    answer = client.get("/whole")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.endswith('"}\n')


def test_an_error_is_not_compressed(client: httpx2.Client) -> None:
    """An envelope is as it always is."""
    answer = client.get("/typed")
    assert check_answer(answer.status_code, answer.headers.multi_items(), answer.content) == []
    assert answer.status_code == 404

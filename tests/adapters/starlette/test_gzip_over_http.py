"""A stream that fails behind Starlette's GZip, as a client's library on a socket sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from adapters.asgi.loopback import PROTOCOLS, Protocol, run, serving
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_middleware.conformance import check_answer, check_json_lines
from kaiko_starlette import KaikoMiddleware, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from kaiko_asgi import ASGIApp

KINDS = ("text/plain", "application/x-ndjson")
_ROWS = b'{"row": 1}\n' * 1000


def make(kind: str, *middleware: Middleware, chunks: int = 1) -> Starlette:
    """Return an application whose stream fails after so many chunks."""

    async def rows() -> AsyncIterator[bytes]:
        for _ in range(chunks):
            yield _ROWS
        raise ValueError("secret")

    def endpoint(_request: Request) -> Response:
        return StreamingResponse(rows(), media_type=kind)

    return Starlette(routes=[Route("/", endpoint)], middleware=middleware)


async def fetch(app: ASGIApp, http: Protocol) -> httpx2.Response:
    """Ask for it as the library does unasked, which is compressed."""
    async with (
        serving(app, http) as port,
        httpx2.AsyncClient(trust_env=False) as client,
    ):
        return await client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("kind", KINDS)
def test_outside_of_gzip_it_is_cut(adopt: Adopt, http: Protocol, kind: str) -> None:
    """The library raises, and nobody takes it for whole."""
    app = adopt(make(kind, Middleware(GZipMiddleware, minimum_size=1)), None)
    with pytest.raises(httpx2.RemoteProtocolError):
        run(fetch(app, http))


@pytest.mark.parametrize("http", PROTOCOLS)
def test_inside_of_gzip_lines_are_ended(http: Protocol) -> None:
    """Where the middleware is added before GZip, the last line is compressed with the others."""
    app = make("application/x-ndjson")
    app.add_middleware(KaikoMiddleware)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    answer = run(fetch(app, http))
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content.startswith(_ROWS)
    assert check_json_lines(answer.content, request_id=answer.headers["x-request-id"]) == []


@pytest.mark.parametrize("http", PROTOCOLS)
def test_inside_of_gzip_anything_else_is_cut(http: Protocol) -> None:
    """As without it."""
    app = make("text/plain")
    app.add_middleware(KaikoMiddleware)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        run(fetch(app, http))


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("kind", KINDS)
def test_gzip_added_after_install_is_inside_and_cut(http: Protocol, kind: str) -> None:
    """Nobody can add a line to what is compressed."""
    app = make(kind)
    install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        run(fetch(app, http))


@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
@pytest.mark.parametrize("http", PROTOCOLS)
def test_before_its_first_chunk_it_is_an_error(adopt: Adopt, http: Protocol) -> None:
    """Starlette's GZip sends nothing of its own before."""
    app = adopt(make("text/plain", Middleware(GZipMiddleware, minimum_size=1), chunks=0), None)
    answer = run(fetch(app, http))
    assert check_answer(answer.status_code, answer.headers.multi_items(), answer.content) == []
    assert answer.status_code == 500

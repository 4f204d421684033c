"""Starlette's streams under way: ended where that can be, cut where it cannot, never delayed."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from adapters.asgi.apps import records_of
from adapters.asgi.loopback import PROTOCOLS, Protocol, connected, fetch, run, serving
from adapters.asgi.server import ask
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.conformance import check_event_stream, check_json_lines
from kaiko_starlette import KaikoMiddleware, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

    from adapters.asgi.server import Answer

_EVENTS = "text/event-stream"
_LINES = "application/x-ndjson"
_FIRST = {_EVENTS: b"data: 1\n\n", _LINES: b'{"a":1}\n'}
_CHECKS = {_EVENTS: check_event_stream, _LINES: check_json_lines}

adopted = pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)


class Base(BaseHTTPMiddleware):
    """A middleware of the kind that streams what it wraps."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Pass on."""
        return await call_next(request)


def make(
    media_type: str,
    *middleware: Middleware,
    sync: bool = False,
    error: Callable[[], Exception] = ServiceUnavailableError,
    first: bytes | None = None,
) -> Starlette:
    """Return an application whose stream fails after its first frame."""
    frame = _FIRST.get(media_type, b"a") if first is None else first

    async def chunks() -> AsyncIterator[bytes]:
        if frame:
            yield frame
        raise error()

    def sync_chunks() -> Iterator[bytes]:
        if frame:
            yield frame
        raise error()

    def endpoint(_request: Request) -> Response:
        return StreamingResponse(sync_chunks() if sync else chunks(), media_type=media_type)

    return Starlette(routes=[Route("/", endpoint)], middleware=middleware)


@adopted
@pytest.mark.parametrize("media_type", [_EVENTS, _LINES])
@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("spec", ["2.0", "2.4"])
def test_a_stream_that_fails_is_ended(
    adopt: Adopt, media_type: str, spec: str, *, sync: bool
) -> None:
    """In both ways that Starlette streams: with a task that listens, and without."""
    answer = ask(adopt(make(media_type, sync=sync), None), spec=spec)
    assert (answer.status, answer.whole) == (200, True)
    assert answer.body.startswith(_FIRST[media_type])
    assert _CHECKS[media_type](answer.body, request_id=answer.id) == []
    assert answer.raised is None


@adopted
@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("media_type", [_EVENTS, _LINES, "text/plain"])
def test_over_a_socket(adopt: Adopt, http: Protocol, media_type: str) -> None:
    """A client of uvicorn reads the last frame, or sees that there is none."""

    async def main() -> Answer:
        async with serving(adopt(make(media_type), None), http) as port:
            return await fetch(port)

    answer = run(main())
    assert answer.whole is (media_type != "text/plain")
    if answer.whole:
        assert _CHECKS[media_type](answer.body, request_id=answer.id) == []


@adopted
@pytest.mark.parametrize("kind", ["base", "gzip", "none"])
def test_no_event_is_delayed(adopt: Adopt, kind: str) -> None:
    """The first is with the client before the second is made, whatever stands between."""
    middleware: dict[str, list[Middleware]] = {
        "base": [Middleware(Base)],
        "gzip": [Middleware(GZipMiddleware, minimum_size=1)],
        "none": [],
    }

    async def main() -> bytes:
        arrived = asyncio.Event()

        async def chunks() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            await arrived.wait()
            yield b"data: 2\n\n"

        app = Starlette(
            routes=[Route("/", lambda _: StreamingResponse(chunks(), media_type=_EVENTS))],
            middleware=middleware[kind],
        )
        async with serving(adopt(app, None)) as port, connected(port) as client:
            client.write(headers=[("Accept-Encoding", "gzip")])
            answer = await client.head()
            assert answer.id
            first = await client.chunk()
            arrived.set()
            return first

    first = run(main())
    assert first == b"data: 1\n\n" or zlib.decompressobj(31).decompress(first) == b"data: 1\n\n"


# --- behind GZip ---------------------------------------------------------------------

_GZIPPED = [("Accept-Encoding", "gzip")]


@adopted
def test_a_compressed_stream_is_cut(adopt: Adopt) -> None:
    """Outside of GZip nobody can add a frame to what is compressed."""
    answer = ask(
        adopt(make(_LINES, Middleware(GZipMiddleware, minimum_size=1)), None), headers=_GZIPPED
    )
    assert answer.one("content-encoding") == "gzip"
    assert (answer.status, answer.whole) == (200, False)


def test_inside_of_gzip_it_is_ended() -> None:
    """With the middleware inside, the last frame is compressed with the rest."""
    app = make(_LINES)
    app.add_middleware(KaikoMiddleware)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    answer = ask(app, headers=_GZIPPED)
    assert answer.whole
    assert check_json_lines(gzip.decompress(answer.body), request_id=answer.id) == []


def test_installed_before_gzip_is_added_it_is_cut_too() -> None:
    """What is added later is inside of ours."""
    app = make(_LINES)
    install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    answer = ask(app, headers=_GZIPPED)
    assert answer.one("content-encoding") == "gzip"
    assert (answer.status, answer.whole) == (200, False)


@adopted
def test_errors_are_not_compressed(adopt: Adopt) -> None:
    """They are small, and the same with and without."""

    async def endpoint(_request: Request) -> Response:
        raise ServiceUnavailableError("x" * 1000)

    app = Starlette(
        routes=[Route("/", endpoint)], middleware=[Middleware(GZipMiddleware, minimum_size=1)]
    )
    answer = ask(adopt(app, None), headers=_GZIPPED)
    assert answer.all("content-encoding") == []
    assert answer.one("content-length") == str(len(answer.body))
    assert answer.body.startswith(b'{"error"')


# --- behind BaseHTTPMiddleware, which ends a stream before it raises -------------------


@adopted
@pytest.mark.parametrize("media_type", [_EVENTS, _LINES])
@pytest.mark.parametrize("layers", [1, 2])
def test_behind_base_http_middleware_a_stream_is_ended(
    adopt: Adopt, media_type: str, layers: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Its empty last body is held until the exception comes: one record, handed on."""
    app = make(media_type, *[Middleware(Base)] * layers, error=lambda: ValueError("secret"))
    answer = ask(adopt(app, None))
    assert (answer.status, answer.whole) == (200, True)
    assert answer.body.startswith(_FIRST[media_type])
    assert _CHECKS[media_type](answer.body, request_id=answer.id) == []
    assert answer.body.count(b'"error"') == 1
    assert isinstance(answer.raised, ValueError)
    assert [record.levelname for record in records_of(caplog)] == ["ERROR"]


@adopted
def test_behind_base_http_middleware_another_stream_looks_whole(
    adopt: Adopt, caplog: pytest.LogCaptureFixture
) -> None:
    """It has no place for an error: this is documented.

    The failure is logged and handed on all the same.
    """
    app = make("text/plain", Middleware(Base), error=lambda: ValueError("secret"))
    answer = ask(adopt(app, None))
    assert (answer.status, answer.whole) == (200, True)
    assert b"error" not in answer.body
    assert isinstance(answer.raised, ValueError)
    assert [record.levelname for record in records_of(caplog)] == ["ERROR"]


@adopted
def test_behind_base_http_middleware_a_failure_before_the_first_chunk_looks_empty(
    adopt: Adopt, caplog: pytest.LogCaptureFixture
) -> None:
    """Likewise: it sends its own head and end, and only then raises."""
    app = make("text/plain", Middleware(Base), first=b"", error=lambda: ValueError("secret"))
    answer = ask(adopt(app, None))
    assert isinstance(answer.raised, ValueError)
    assert (answer.status, answer.body) == (200, b"")
    assert [record.levelname for record in records_of(caplog)] == ["ERROR"]


@pytest.mark.parametrize("media_type", [_EVENTS, _LINES])
def test_base_http_middleware_added_later_changes_nothing(media_type: str) -> None:
    """Outside of the middleware, or inside of what `install` added: the client is told."""
    added = make(media_type)
    added.add_middleware(KaikoMiddleware)
    added.add_middleware(Base)
    installed = make(media_type)
    install(installed)
    installed.add_middleware(Base)
    apps: tuple[Any, ...] = (added, installed)
    for app in apps:
        answer = ask(app)
        assert answer.whole
        assert _CHECKS[media_type](answer.body, request_id=answer.id) == []

"""The id in Starlette's own places: requests, threads, background tasks, other middleware."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from adapters.asgi.apps import records_of
from adapters.asgi.server import ask, call, http_scope
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_middleware import Config, NotFoundError, RequestIdFilter, current_request_id
from kaiko_starlette import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

    from adapters.asgi.server import Answer
    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

    Headers = list[tuple[bytes, bytes]]

adopted = pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
Seen = list[tuple[str, str | None]]


def make(seen: Seen) -> Starlette:  # noqa: C901 - one view for each place
    """Return an application that notes the id wherever it can be seen."""

    class Base(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
            seen.append(("before", current_request_id()))
            response = await call_next(request)
            seen.append(("after", request.state.kaiko_request_id))
            return response

    async def coroutine(request: Request) -> Response:
        seen.append(("view", current_request_id()))
        seen.append(("state", request.state.kaiko_request_id))
        return PlainTextResponse("ok", background=BackgroundTask(note, "task"))

    def thread(_request: Request) -> Response:
        seen.append(("view", current_request_id()))
        return PlainTextResponse("ok", background=BackgroundTask(note, "task"))

    async def stream(_request: Request) -> Response:
        async def chunks() -> AsyncIterator[str]:
            seen.append(("chunk", current_request_id()))
            yield "a"

        return StreamingResponse(chunks())

    def sync_stream(_request: Request) -> Response:
        def chunks() -> Iterator[str]:
            seen.append(("chunk", current_request_id()))
            yield "a"

        return StreamingResponse(chunks())

    def note(where: str) -> None:
        seen.append((where, current_request_id()))

    async def handler(_request: Request, _exc: Exception) -> Response:
        seen.append(("handler", current_request_id()))
        return PlainTextResponse("no", 404)

    async def fails(_request: Request) -> Response:
        raise LookupError

    return Starlette(
        routes=[
            Route("/coroutine", coroutine),
            Route("/thread", thread),
            Route("/stream", stream),
            Route("/sync-stream", sync_stream),
            Route("/fails", fails),
            Mount("/mount", Starlette(routes=[Route("/coroutine", coroutine)])),
        ],
        middleware=[Middleware(Base)],
        exception_handlers={LookupError: handler},
    )


@adopted
@pytest.mark.parametrize(
    "path", ["/coroutine", "/thread", "/stream", "/sync-stream", "/fails", "/mount/coroutine"]
)
def test_it_is_the_same_everywhere(adopt: Adopt, path: str) -> None:
    """In views, threads, streams, background tasks, handlers and middleware on both sides."""
    seen: Seen = []
    answer = ask(adopt(make(seen), None), path)
    assert len(seen) >= 3
    assert {value for _, value in seen} == {answer.id}
    assert current_request_id() is None


@adopted
def test_requests_at_the_same_time_keep_theirs(adopt: Adopt) -> None:
    """Hundreds in flight through Starlette's own stack, threads and tasks."""
    seen: dict[str, set[str | None]] = {}

    def view(request: Request) -> Response:
        seen[request.url.path] = {current_request_id(), request.state.kaiko_request_id}
        raise NotFoundError(request.url.path)

    app = adopt(Starlette(routes=[Route("/{n}", view)]), None)

    async def main() -> list[Answer]:
        return await asyncio.gather(*(call(app, http_scope(f"/{n}")) for n in range(300)))

    got = asyncio.run(main())
    assert len({answer.id for answer in got}) == 300
    for number, answer in enumerate(got):
        assert seen[f"/{number}"] == {answer.id}
        assert f'"message":"/{number}"'.encode() in answer.body


@adopted
def test_a_services_own_log_carries_it(adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """With `RequestIdFilter` on a handler, from a coroutine and from a thread."""
    log = logging.getLogger("service")
    caplog.set_level(logging.INFO, logger="service")
    only = RequestIdFilter()
    caplog.handler.addFilter(only)

    async def coroutine(_request: Request) -> Response:
        log.info("here")
        return PlainTextResponse("ok")

    def thread(_request: Request) -> Response:
        log.info("there")
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/coroutine", coroutine), Route("/thread", thread)])
    client = TestClient(adopt(app, None))
    ids = [client.get(path).headers["x-request-id"] for path in ("/coroutine", "/thread")]
    log.info("outside")
    caplog.handler.removeFilter(only)
    assert [record.__dict__["request_id"] for record in caplog.records] == [*ids, "-"]


def _append(headers: Headers, value: bytes) -> Headers:
    return [*headers, (b"x-request-id", value)]


def _append_own(headers: Headers, _value: bytes) -> Headers:
    return [*headers, (b"X-Request-Id", b"own")]


def _replace(headers: Headers, _value: bytes) -> Headers:
    return [*_remove(headers, b""), (b"x-request-id", b"own")]


def _remove(headers: Headers, _value: bytes) -> Headers:
    return [pair for pair in headers if pair[0] != b"x-request-id"]


class _Inner:
    """A middleware of the service's that has its own way with the header.

    Arguments:
        app: what it wraps.
        change: returns the head's fields, given those and the value that the client sent.

    """

    def __init__(self, app: ASGIApp, change: Callable[[Headers, bytes], Headers]) -> None:
        self.app = app
        self.change = change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope["headers"])[b"x-request-id"]

        async def forward(message: Message) -> None:
            if "headers" in message:
                message["headers"] = self.change(message["headers"], sent)
            await send(message)

        await self.app(scope, receive, forward)


@adopted
@pytest.mark.parametrize("change", [_append, _append_own, _replace, _remove])
@pytest.mark.parametrize("compressed", [True, False])
def test_there_is_one_whatever_inner_middleware_puts_on_an_answer(
    adopt: Adopt,
    change: Callable[[Headers, bytes], Headers],
    *,
    compressed: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On successes and on errors of all kinds; one record for each error."""

    async def ok(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def stream(_request: Request) -> Response:
        return StreamingResponse(iter(["a"]))

    async def typed(_request: Request) -> Response:
        raise NotFoundError

    async def refused(_request: Request) -> Response:
        raise HTTPException(409)

    async def returned(_request: Request) -> Response:
        return PlainTextResponse("No such thing", 404)

    async def bug(_request: Request) -> Response:
        raise ValueError

    views = [ok, stream, typed, refused, returned, bug]
    middleware = [Middleware(_Inner, change)]
    if compressed:
        middleware.append(Middleware(GZipMiddleware, minimum_size=1))
    app = Starlette(routes=[Route(f"/{v.__name__}", v) for v in views], middleware=middleware)
    served = adopt(app, Config(trust_request_id=True))
    asked = [("X-Request-ID", "inbound"), ("Accept-Encoding", "gzip" if compressed else "")]
    caplog.set_level(logging.INFO, logger="kaiko")
    for name in (*(view.__name__ for view in views), "nowhere"):
        caplog.clear()
        answer = ask(served, f"/{name}", headers=asked)
        assert answer.all("x-request-id") == ["inbound"], name
        assert len(records_of(caplog)) == (answer.status >= 400), name


def test_mounted_applications_share_it() -> None:
    """Each with an install of its own, nested: one id, stamped once."""
    seen: Seen = []
    inner = make(seen)
    install(inner)
    middle = Starlette(routes=[Mount("/b", inner)])
    install(middle)
    outer = Starlette(routes=[Mount("/a", middle)])
    install(outer)
    answer = ask(outer, "/a/b/coroutine")
    assert {value for _, value in seen} == {answer.id}


def test_a_mounted_application_may_cover_less() -> None:
    """What the outer one covers has its id, whatever the inner one leaves alone."""
    seen: Seen = []
    inner = make(seen)
    install(inner, Config(paths=["/elsewhere"]))
    outer = Starlette(routes=[Mount("/a", inner)])
    install(outer)
    answer = ask(outer, "/a/fails")
    assert {value for _, value in seen} == {answer.id}
    assert answer.status == 404
    assert answer.body.startswith(b'{"error"')


def test_a_mounted_application_may_cover_more() -> None:
    """What only the inner one covers has the inner one's id, and is an envelope."""
    seen: Seen = []
    inner = make(seen)
    install(inner)
    outer = Starlette(routes=[Mount("/a", inner)])
    install(outer, Config(exclude_paths=["/a"]))
    answer = ask(outer, "/a/fails")
    assert {value for _, value in seen} == {answer.id}
    assert answer.body.startswith(b'{"error"')
    assert ask(outer, "/nowhere").body.startswith(b'{"error"')

"""Streams on Django: what fails first, what fails later, and that nothing is kept or delayed."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.core.signals import got_request_exception
from django.http import FileResponse, StreamingHttpResponse
from django.test import override_settings

from adapters.asgi.server import call, http_scope
from adapters.django.stacks import Project, Stack, lowering
from adapters.django.support import each_asgi_stack, each_stack, each_wsgi_stack, heard, reports_of
from adapters.wsgi.server import Server, make_environ
from kaiko_middleware import NotFoundError
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from django.http import HttpRequest

SSE = "text/event-stream"
LINES = "application/x-ndjson"


class Streams:
    """A view that streams, and then raises what `make` makes."""

    def __init__(
        self,
        make: Callable[[], BaseException] | None,
        *chunks: bytes,
        kind: str = "text/plain",
        status: int = 200,
        **headers: str,
    ) -> None:
        self.make = make
        self.chunks = chunks
        self.kind = kind
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.ended = 0

    def sync(self) -> Iterator[bytes]:
        """Yield the chunks."""
        try:
            yield from self.chunks
            if self.make is not None:
                raise self.make()
        finally:
            self.ended += 1

    async def asynchronous(self) -> AsyncIterator[bytes]:
        """Yield the chunks."""
        try:
            for chunk in self.chunks:
                yield chunk
            if self.make is not None:
                raise self.make()
        finally:
            self.ended += 1

    def __call__(self, request: HttpRequest) -> StreamingHttpResponse:
        """Answer."""
        body = self.asynchronous() if isinstance(request, ASGIRequest) else self.sync()
        return StreamingHttpResponse(
            body, content_type=self.kind, status=self.status, headers=self.headers
        )


class Mismatched(Streams):
    """The iterator of the other kind of stack, which Django reads whole."""

    def __call__(self, request: HttpRequest) -> StreamingHttpResponse:
        """Answer."""
        body = self.sync() if isinstance(request, ASGIRequest) else self.asynchronous()
        return StreamingHttpResponse(body, content_type=self.kind, status=self.status)


def bug() -> Exception:
    """Return what a bug raises."""
    return ValueError("secret")


def missing() -> Exception:
    """Return a typed error."""
    return NotFoundError("typed")


@each_stack
def test_fails_before_its_first_chunk(stack: Stack) -> None:
    """A stream that fails at once gets a clean answer."""
    answer = stack.ask(Project(Streams(bug)))
    assert check_answer(answer.status, answer.headers, answer.body) == []
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (500, "internal")
    answer = stack.ask(Project(Streams(missing, kind=LINES)))
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (404, "typed")


@each_stack
@pytest.mark.parametrize("kind", [SSE, "text/plain"])
def test_head_that_no_server_takes(stack: Stack, kind: str) -> None:
    """It is a bug, and answered before the stream is asked for anything."""
    answer = stack.ask(Project(Streams(None, b"data: 1\n\n", kind=kind, x_odd="a\0b")))
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (500, "internal")


@each_stack
def test_early_failure_drops_what_was_promised(stack: Stack) -> None:
    """Of a success that never was, only what middleware said to the browser stays."""
    view = Streams(bug, Access_Control_Allow_Origin="*", X_Mine="1", Vary="Origin")
    answer = stack.ask(Project(view))
    assert answer.one("access-control-allow-origin") == "*"
    assert answer.one("vary") == "Origin"
    assert answer.all("x-mine") == []
    assert "X-Request-ID" in answer.one("access-control-expose-headers")


@each_stack
def test_early_failure_is_reported_once(stack: Stack) -> None:
    """The hook is told of it once."""
    (report,) = reports_of(stack, Project(Streams(bug)))
    assert report.unmapped
    (report,) = reports_of(stack, Project(Streams(missing)))
    assert not report.unmapped


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
@each_stack
@pytest.mark.parametrize("kind", [SSE, f"{SSE}; charset=utf-8"])
@pytest.mark.parametrize("view_class", [Streams, Mismatched])
def test_event_stream(stack: Stack, kind: str, view_class: type[Streams]) -> None:
    """A failing event stream keeps its events and ends with one that says what failed."""
    answer = stack.ask(Project(view_class(bug, b"data: 1\n\n", b"data: 2", kind=kind)))
    assert (answer.status, answer.whole, answer.one("content-type")) == (200, True, kind)
    assert answer.body.startswith(b"data: 1\n\ndata: 2\n\nevent: error\ndata: {")
    assert check_event_stream(answer.body, request_id=answer.id) == []


@each_stack
def test_event_stream_that_fails_at_once(stack: Stack) -> None:
    """Its head is not held: the one event is the error. On demand it is, and the answer clean."""
    answer = stack.ask(Project(Streams(bug, kind=SSE)))
    assert (answer.status, answer.body[:13]) == (200, b"event: error\n")
    held = {"KAIKO_MIDDLEWARE": {"hold_event_streams": True}}
    answer = stack.ask(Project(Streams(missing, kind=SSE), (), held))
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (404, "typed")


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
@each_stack
@pytest.mark.parametrize("kind", [LINES, "application/jsonl"])
@pytest.mark.parametrize("view_class", [Streams, Mismatched])
def test_json_lines(stack: Stack, kind: str, view_class: type[Streams]) -> None:
    """Failing JSON lines end with one that holds the envelope."""
    answer = stack.ask(Project(view_class(bug, b"{}\n", b'{"a"', kind=kind)))
    assert (answer.status, answer.whole) == (200, True)
    first, half, last, rest = answer.body.split(b"\n")
    assert (first, half, rest) == (b"{}", b'{"a"', b"")
    assert check_json_lines(b"%b\n" % last, request_id=answer.id) == []


@each_stack
@pytest.mark.parametrize("kind", ["text/plain", SSE, LINES])
def test_anything_else_is_cut(stack: Stack, kind: str) -> None:
    """What cannot say that it failed is cut, so that the client sees it."""
    view = (
        Streams(bug, b"chunk")
        if kind == "text/plain"
        else Streams(bug, b"chunk", kind=kind, Content_Length="100")
    )
    answer = stack.ask(Project(view))
    assert (answer.status, answer.whole, answer.body) == (200, False, b"chunk")
    assert isinstance(answer.raised, ValueError)


@each_stack
def test_stream_of_known_length_that_fails_first(stack: Stack) -> None:
    """A head with a length is not held; WSGI servers take theirs back, ASGI's is cut."""
    answer = stack.ask(Project(Streams(bug, Content_Length="100", Vary="Origin")))
    if not stack.wrapped:
        assert isinstance(answer.raised, ValueError)
    elif stack.asgi:
        assert (answer.status, answer.whole) == (200, False)
    else:
        assert check_answer(answer.status, answer.headers, answer.body) == []
        assert (answer.status, answer.one("vary")) == (500, "Origin")


@each_stack
def test_head_of_a_failing_stream(stack: Stack) -> None:
    """HEAD has no body, an error's neither."""
    for kind in (SSE, LINES, "text/plain"):
        answer = stack.ask(Project(Streams(bug, b"a", kind=kind)), method="HEAD")
        assert (answer.status, answer.body) == (200, b"")


@each_stack
def test_failing_events_are_reported_once(stack: Stack) -> None:
    """One record, one call of the hook and one signal for a stream that was ended."""
    with heard(got_request_exception) as found:
        (report,) = reports_of(stack, Project(Streams(bug, b"data: 1\n\n", kind=SSE)))
    assert isinstance(report.exception, ValueError)
    assert [repr(exc) for exc in found] == [repr(report.exception)]


@each_stack
@pytest.mark.parametrize("status", [404, 503])
def test_error_that_is_streamed(stack: Stack, status: int) -> None:
    """A streamed error answer is dropped unread and closed, and answered by its status."""
    view = Streams(bug, b"secret" * 1000, status=status)
    answer = stack.ask(Project(view))
    assert check_answer(answer.status, answer.headers, answer.body) == []
    assert (answer.status, answer.whole) == (status, True)
    gc.collect()
    assert view.ended == 0  # never begun


@each_stack
def test_empty_stream(stack: Stack) -> None:
    """A stream without chunks is an empty success."""
    for kind in ("text/plain", SSE, LINES):
        answer = stack.ask(Project(Streams(None, kind=kind)))
        assert (answer.status, answer.body, answer.whole) == (200, b"", True)


@each_stack
def test_finished_stream_is_closed(stack: Stack) -> None:
    """A stream that was read is closed."""
    view = Streams(None, b"a", b"b")
    assert stack.ask(Project(view)).body == b"ab"
    assert view.ended == 1


# --- nothing is delayed or kept -------------------------------------------------------


@each_wsgi_stack
@pytest.mark.parametrize("kind", ["text/plain", SSE, LINES])
def test_each_chunk_leaves_at_once(stack: Stack, kind: str) -> None:
    """A chunk is with the server before the next one is made."""
    server, made = Server(), []

    def chunks() -> Iterator[bytes]:
        for number in range(3):
            made.append((number, len(server.chunks)))
            yield b"%d" % number

    def view(_request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(chunks(), content_type=kind)

    with override_settings(**Project(view).all_settings()):
        server.serve(stack.make(), make_environ("/x"))
    assert made == [(0, 0), (1, 1), (2, 2)]


@each_asgi_stack
@pytest.mark.parametrize("kind", ["text/plain", SSE, LINES])
def test_each_chunk_leaves_at_once_on_asgi(stack: Stack, kind: str) -> None:
    """A chunk is with the server before the next one is made; events even have their head."""
    sent: list[str] = []
    made: list[list[str]] = []

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(2):
            made.append(sent.copy())
            yield b"%d" % number

    def view(_request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(chunks(), content_type=kind)

    async def serve(app: Any) -> None:
        async def send(message: Any) -> None:
            sent.append(message["type"].rpartition(".")[2])

        async def receive() -> Any:
            if asked:
                await asyncio.Event().wait()
            asked.append(True)
            return {"type": "http.request"}

        asked: list[bool] = []
        await app(http_scope("/x"), receive, send)

    with override_settings(**Project(view).all_settings()):
        asyncio.run(serve(stack.make()))
    assert made == [["start"] if kind == SSE else [], ["start", "body"]]


@each_wsgi_stack
@pytest.mark.parametrize("kind", ["text/plain", SSE])
def test_memory_stays_constant(stack: Stack, kind: str) -> None:
    """Of 64 MiB that pass, nothing is kept."""

    def view(_request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse((b"x" * 65_536 for _ in range(1024)), content_type=kind)

    with override_settings(**Project(view).all_settings()):
        app = stack.make()
        tracemalloc.start()
        try:
            body = app(make_environ("/x"), lambda *_: lambda _data: None)
            assert sum(len(chunk) for chunk in body) == 2**26
            body.close()
            assert tracemalloc.get_traced_memory()[1] < 2**20
        finally:
            tracemalloc.stop()


@each_wsgi_stack
@pytest.mark.parametrize("kind", ["text/plain", SSE])
def test_client_that_leaves(stack: Stack, kind: str) -> None:
    """When the server closes a body early, the view's iterator is closed, and nothing said."""
    view = Streams(bug, b"a", b"b", kind=kind)
    with override_settings(**Project(view).all_settings()):
        body = stack.make()(make_environ("/x"), lambda *_: lambda _data: None)
        assert next(iter(body)) == b"a"
        body.close()
    assert view.ended == 1


@each_asgi_stack
@pytest.mark.parametrize("kind", ["text/plain", SSE])
def test_client_that_leaves_on_asgi(stack: Stack, kind: str) -> None:
    """On ASGI, the iterator is cancelled, and nothing said."""
    ended: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    def view(_request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(chunks(), content_type=kind)

    with override_settings(**Project(view).all_settings()):
        answer = asyncio.run(call(lowering(stack.make()), http_scope("/x"), leaves=True))
    assert b"error" not in answer.body
    gc.collect()
    assert ended in (["ended"], [])  # cancelled, or never begun


@each_wsgi_stack
def test_file_keeps_the_servers_own_way(stack: Stack, tmp_path: Path) -> None:
    """A file response is handed to `wsgi.file_wrapper`, and what that makes to the server."""
    file = tmp_path / "file"
    file.write_bytes(b"content")

    class Wrapper:
        def __init__(self, filelike: Any, _size: int) -> None:
            self.filelike = filelike

        def close(self) -> None:
            self.filelike.close()

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.filelike)

    def view(_request: HttpRequest) -> FileResponse:
        return FileResponse(file.open("rb"))

    server = Server()
    with override_settings(**Project(view).all_settings()):
        app = stack.make()
        environ = make_environ("/x")
        environ["wsgi.file_wrapper"] = Wrapper
        body = app(environ, server.start_response)
        assert isinstance(body, Wrapper)
        assert b"".join(body) == b"content"
        body.close()
    assert server.answer.id

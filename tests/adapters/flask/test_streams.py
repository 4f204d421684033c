"""Streams of a Flask application that fail, and the id in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, request, stream_with_context
from flask.signals import got_request_exception

from adapters.flask.support import SoldOut, add, error_of, make_app
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import current_request_id
from kaiko_middleware.conformance import check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def streaming(kind: str, chunks: Callable[[], Iterator[str]]) -> Flask:
    return add(make_app(), "/x", lambda: Response(chunks(), content_type=kind))


def failing(*chunks: str, exc: BaseException | None = None) -> Callable[[], Iterator[str]]:
    def stream() -> Iterator[str]:
        yield from chunks
        raise SoldOut("All gone") if exc is None else exc

    return stream


@pytest.mark.parametrize("kind", ["text/plain", "text/event-stream", "application/jsonl"])
def test_before_the_first_chunk(kind: str) -> None:
    """It is an answer as any other."""
    answer = ask_wsgi(streaming(kind, failing()), "/x")
    if kind != "text/event-stream":
        assert (answer.status, error_of(answer)["code"]) == (409, "flask_sold_out")
    assert b"flask_sold_out" in answer.body


def test_after_an_event() -> None:
    """The last event has the envelope."""
    answer = ask_wsgi(streaming("text/event-stream", failing("data: 1\n\n")), "/x")
    assert check_event_stream(answer.body) == []
    assert answer.body.startswith(b"data: 1\n\nevent: error\n")
    assert answer.whole


def test_after_a_line() -> None:
    """The last line has the envelope."""
    answer = ask_wsgi(streaming("application/jsonl", failing("1\n")), "/x")
    assert check_json_lines(answer.body) == []
    assert answer.whole


@pytest.mark.parametrize("exc", [SoldOut("All gone"), LookupError("kaiko_secret")])
def test_other_streams_are_cut(exc: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """So that they do not look whole; Flask's signal hears of it no more than without us."""
    seen: list[object] = []
    app = streaming("text/plain", failing("a", exc=exc))
    with got_request_exception.connected_to(lambda *_, **named: seen.append(named), app):
        answer = ask_wsgi(app, "/x")
    assert (answer.status, answer.body, answer.whole) == (200, b"a", False)
    assert answer.raised is exc
    assert seen == []
    (record,) = caplog.records
    assert "the answer was cut short" in record.getMessage()


def test_a_bug_before_the_first_chunk() -> None:
    """It is answered, and raised to the server."""
    bug = LookupError("kaiko_secret")
    answer = ask_wsgi(streaming("text/plain", failing(exc=bug)), "/x")
    assert error_of(answer)["code"] == "internal"
    assert answer.raised is bug


def test_the_id_in_a_stream() -> None:
    """It is there until the body is closed, with and without Flask's context."""
    closed: list[str | None] = []

    def chunks() -> Iterator[str]:
        yield f"{current_request_id()} "
        yield request.path

    app = make_app()

    @app.get("/x")
    def x() -> Response:
        response = Response(stream_with_context(chunks()))
        response.call_on_close(lambda: closed.append(current_request_id()))
        return response

    answer = ask_wsgi(app, "/x")
    assert answer.body == f"{answer.id} /x".encode()
    assert closed == [answer.id]
    assert current_request_id() is None


def test_a_file_is_sent(tmp_path: Any) -> None:
    """By the server's own way, with the id."""
    from flask import send_file

    path = tmp_path / "a.txt"
    path.write_text("hello")
    app = add(make_app(), "/x", lambda: send_file(path))
    answer = ask_wsgi(app, "/x")
    assert (answer.status, answer.body, len(answer.all("x-request-id"))) == (200, b"hello", 1)
    answer = ask_wsgi(app, "/x", headers=[("Range", "bytes=9-")])
    assert (answer.status, error_of(answer)["code"]) == (416, "range_not_satisfiable")
    assert answer.one("content-range") == "bytes */5"

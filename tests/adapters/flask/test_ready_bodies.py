"""A body that is there as a whole goes to the server as a list; any other is watched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flask import Response, abort
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wsgi import ClosingIterator

from adapters.flask.support import add, make_app
from adapters.wsgi.server import Server, make_environ
from kaiko_middleware import NotFoundError, current_request_id
from kaiko_middleware.ids import set_request_id
from kaiko_middleware.layers import ENVIRON_ID
from kaiko_wsgi.response_driver import ResponseDriver
from kaiko_wsgi.start_wrapper import StartWrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def asked(view: Callable[[], Any], **environ: Any) -> tuple[Any, Server]:
    """Return the body that a server gets, and the server."""
    app = add(make_app(), "/x", view)
    server = Server()
    return app({**make_environ("/x"), **environ}, server.start_response), server


@pytest.mark.parametrize("before", [None, "req-outside"])
def test_a_whole_body(before: str | None) -> None:
    """The id is current until the body is closed; that of a layer outside stays."""
    set_request_id(before)
    try:
        body, server = asked(lambda: "ok", **{ENVIRON_ID: before})
        assert (type(body), server.answer.id) == (StartWrapper, current_request_id())
        assert [*body] == [b"ok"]
        body.close()
        assert current_request_id() == before
    finally:
        set_request_id(None)


@pytest.mark.parametrize("failure", [NotFoundError(), NotFound(), MethodNotAllowed(["PUT"])])
def test_an_exceptions_answer(failure: Exception) -> None:
    """What an exception is answered with goes to the server in the same way."""

    def view() -> None:
        raise failure

    body, server = asked(view)
    try:
        assert (type(body), server.answer.id) == (StartWrapper, current_request_id())
        assert json.loads(b"".join(body))["error"]["type"] in {
            "not_found_error",
            "invalid_request_error",
        }
    finally:
        body.close()
    assert current_request_id() is None


def test_a_changed_answer_of_an_exception() -> None:
    """A field that the service adds to it goes out, with one id and the same body."""
    app = add(make_app(), "/x", lambda: abort(404))

    @app.after_request
    def mark(response: Response) -> Response:
        response.headers["X-Own"] = "1"
        return response

    answer = app.test_client().get("/x")
    assert (answer.status_code, answer.headers["X-Own"]) == (404, "1")
    assert len(answer.headers.getlist("X-Request-ID")) == 1
    assert json.loads(answer.data)["error"]["request_id"] == answer.headers["X-Request-ID"]


def other_close() -> Response:
    """Return a response of a class that closes in its own way."""

    class Closed(Response):
        def close(self) -> None:
            super().close()

    return Closed("ok")


def other_chunks() -> Response:
    """Return a response of a class that gives its body in its own way."""

    class Given(Response):
        def iter_encoded(self) -> Iterator[bytes]:
            return iter([b"o", b"k"])

    return Given("ok")


def called_back() -> Response:
    """Return a response that calls something when it is closed."""
    response = Response("ok")
    response.call_on_close(list)
    return response


def closed_as_another() -> Any:
    """Return a response that closes another one, in place of itself."""
    response: Any = Response(iter([b"o", b"k"]))
    response.close = Response("no").close
    return response


def given_by_another() -> Any:
    """Return a response that gives the body of another one."""
    response: Any = Response("no")
    response.iter_encoded = Response("ok").iter_encoded
    response.content_length = 2
    return response


def closed_by_a_function() -> Any:
    """Return a response that a plain function closes."""
    response: Any = Response("ok")
    response.close = list
    return response


def closing() -> ClosingIterator:
    """Return a body that is no response's."""
    return ClosingIterator([b"ok"], [lambda: None, lambda: None])


@pytest.mark.parametrize(
    "made",
    [
        other_close,
        other_chunks,
        called_back,
        closed_as_another,
        given_by_another,
        closed_by_a_function,
        lambda: Response([b"o", b"k"]),
        lambda: Response(iter([b"ok"])),
        lambda: Response(["ok"]),
        lambda: lambda _environ, start: start("200 OK", []) and closing(),
        lambda: lambda _environ, start: start("200 OK", []) and ClosingIterator([b"ok"]),
    ],
    ids=[
        "close",
        "chunks",
        "called back",
        "another's close",
        "another's chunks",
        "function",
        "parts",
        "iterator",
        "text",
        "no response",
        "no callback",
    ],
)
def test_what_may_fail_is_watched(made: Callable[[], Any]) -> None:
    """Other bodies are read by ours, and the id is put back as well."""
    body, server = asked(made)
    assert type(body) is ResponseDriver
    assert (b"".join(body), server.answer.status) == (b"ok", 200)
    body.close()
    assert current_request_id() is None


def test_a_list_of_other_middleware() -> None:
    """What WSGI middleware around Flask returns goes out as a list, too."""
    app = make_app()
    inner: Any = app.wsgi_app
    inner.app = lambda _environ, start: start("200 OK", []) and [b"o", b"k"]
    server = Server()
    body: Any = app(make_environ("/x"), server.start_response)
    assert (type(body), [*body], server.answer.status) == (StartWrapper, [b"o", b"k"], 200)
    body.close()


def test_a_body_that_fails_first() -> None:
    """It is answered, whatever length it announced."""

    def chunks() -> Iterator[bytes]:
        raise ValueError("secret")
        yield b""

    body, server = asked(lambda: Response(chunks(), headers={"Content-Length": "2"}))
    with pytest.raises(ValueError, match="secret"):
        list(body)
    body.close()
    assert (server.answer.status, current_request_id()) == (500, None)


def test_a_callback_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged as a failure after the answer, and the id is put back."""

    def fail() -> None:
        raise ValueError("secret")

    def view() -> Response:
        response = Response("ok")
        response.call_on_close(fail)
        return response

    body, _ = asked(view)
    assert [*body] == [b"ok"]
    with pytest.raises(ValueError, match="secret"):
        body.close()
    assert "after the answer" in caplog.records[-1].getMessage()
    assert current_request_id() is None

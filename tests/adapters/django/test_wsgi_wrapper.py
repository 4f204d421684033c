"""The WSGI middleware around Django's responses and exceptions."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler

from django.http import HttpResponse
from django.http.request import UnreadablePostError

from adapters.wsgi.server import Server, make_environ
from kaiko_django.wsgi import WSGIWrapper
from support_django import setup_django

if TYPE_CHECKING:
    import pytest

setup_django()


def test_gone_client(caplog: pytest.LogCaptureFixture) -> None:
    """A server insists on an answer, even if the client left; nothing is logged as an error."""
    caplog.set_level(logging.DEBUG)

    def at_once(_environ: Any, _start: Any) -> Any:
        raise UnreadablePostError("gone")

    def after_head(_environ: Any, start: Any) -> Any:
        start("200 OK", [("Content-Length", "2"), ("Content-Type", "text/plain")])
        raise UnreadablePostError("gone")

    for app in (at_once, after_head):
        caplog.clear()
        answer = Server().serve(WSGIWrapper(app), make_environ("/x"))
        assert (answer.status, answer.raised) == (500, None)
        assert [record.levelname for record in caplog.records] == ["DEBUG"]


def test_response_whose_head_a_server_refuses() -> None:
    """A response goes to the server as it is; where the server refuses its head, ours comes."""

    def app(_environ: Any, start: Any) -> HttpResponse:
        response = HttpResponse(b"ok", headers={"Connection": "close"})
        start("200 OK", list(response.items()))
        return response

    out = io.BytesIO()
    SimpleHandler(io.BytesIO(), out, io.StringIO(), make_environ("/x")).run(WSGIWrapper(app))
    head, _, body = out.getvalue().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 500 ")
    assert json.loads(body)["error"]["code"] == "internal"


def test_response_is_given_to_the_server() -> None:
    """A success of Django's is not wrapped in another body."""
    response = HttpResponse(b"ok")

    def app(_environ: Any, start: Any) -> HttpResponse:
        start("200 OK", list(response.items()))
        return response

    given = WSGIWrapper(app)(make_environ("/x"), Server().start_response)
    assert given is response
    response.close()  # as a server does: the id is put back then

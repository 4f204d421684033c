"""The smallest adapter: for the standard library's HTTP server."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from kaiko_middleware import Config
from kaiko_middleware.ids import reset_request_id, set_request_id
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler

    Method = Callable[[BaseHTTPRequestHandler], None]

pipeline = Pipeline(Config())


def answered(method: Method) -> Method:
    """Answer exceptions that a `do_…` method raises before it sends anything."""

    @wraps(method)
    def call(handler: BaseHTTPRequestHandler) -> None:
        inbound = handler.headers.get_all(pipeline.config.request_id_header, [])
        request = RequestInfo(pipeline.request_id(inbound), handler.command, handler.path)
        token = set_request_id(request.request_id)
        try:
            method(handler)
        except Exception as exc:  # noqa: BLE001 - every exception is answered
            answer = pipeline.on_exception(exc, request)
            if answer.disconnected:
                return
            handler.send_response(answer.reply.status)
            for name, value in answer.reply.headers:
                handler.send_header(name, value)
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(answer.reply.body)
        finally:
            reset_request_id(token)

    return call

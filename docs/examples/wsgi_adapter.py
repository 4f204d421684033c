"""An adapter that wraps an application: plain WSGI, with `ResponseState`."""

from __future__ import annotations

from http.client import responses
from typing import TYPE_CHECKING

from kaiko_middleware import Config
from kaiko_middleware.ids import reset_request_id, set_request_id
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.response_pieces import Head
from kaiko_middleware.response_state import ResponseState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from kaiko_middleware.response_pieces import Piece

    ExcInfo = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
    )


class KaikoWSGI:
    """Turns every error answer of a WSGI application into an envelope."""

    def __init__(self, app: WSGIApplication, config: Config | None = None) -> None:
        self.app = app
        self.pipeline = Pipeline(Config() if config is None else config)
        header = self.pipeline.config.request_id_header
        self.key = f"HTTP_{header.upper().replace('-', '_')}"

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
        path = environ.get("PATH_INFO", "/")
        if not self.pipeline.config.covers(path):
            yield from self.app(environ, start)
            return
        inbound = [environ[self.key]] if self.key in environ else []
        request = RequestInfo(
            self.pipeline.request_id(inbound),
            environ.get("REQUEST_METHOD", "-"),
            path,
            environ.get("CONTENT_TYPE", ""),  # by which OAuth's errors are known
            environ.get("HTTP_CONNECT_PROTOCOL_VERSION", ""),  # and Connect's
        )
        environ["kaiko.request_id"] = request.request_id
        token = set_request_id(request.request_id)
        try:
            yield from self.respond(environ, start, request)
        finally:
            reset_request_id(token)

    def respond(
        self, environ: WSGIEnvironment, start: StartResponse, request: RequestInfo
    ) -> Iterator[bytes]:
        state = ResponseState(self.pipeline, request)
        pending: list[Piece] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: ExcInfo = None, /
        ) -> Callable[[bytes], object]:
            pending.extend(state.start(int(status[:3]), headers))
            return lambda body: pending.extend(state.body(body, more=True))

        answer = None
        try:
            answer = self.app(environ, start_response)
            for body in answer:
                pending.extend(state.body(body, more=True))
                yield from self.send(pending, start, request)
            pending.extend(state.body(b"", more=False))
            pending.extend(state.end())
        except Exception as exc:
            failed = state.fail(exc)
            pending.extend(failed.pieces)
            yield from self.send(pending, start, request)
            if failed.hand_on:
                raise  # the server logs it, and cuts an answer that cannot end cleanly
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        yield from self.send(pending, start, request)

    def send(
        self, pending: list[Piece], start: StartResponse, request: RequestInfo
    ) -> Iterator[bytes]:
        id_header = self.pipeline.config.request_id_header
        for piece in pending:
            if isinstance(piece, Head):
                headers = list(piece.headers)
                if piece.original:
                    headers = [pair for pair in headers if pair[0].lower() != id_header.lower()]
                    headers.append((id_header, request.request_id))
                start(f"{piece.status} {responses.get(piece.status, 'Unknown')}", headers)
            elif piece.body:
                yield piece.body
        pending.clear()

"""The service on Flask: requests become calls, results become responses.

No view catches anything: `kaiko_flask.install` has the service's exceptions answered. No view looks
at a key either: `GuardMiddleware` runs the guards before any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

import kaiko_flask
from kaiko_demo.schemas import (
    AnalysisRequest,
    BatchRequest,
    ChatRequest,
    NewContext,
    NewMessages,
)
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from kaiko_demo.events import Stream
    from kaiko_demo.service import DemoService
    from kaiko_guards import Guard

__all__ = ["create_app"]


def create_app(service: DemoService, guards: Iterable[Guard]) -> Flask:
    """Return the application.

    Arguments:
        service: The service behind it.
        guards: Who may call it, how often and with how much.
    """
    app = Flask(__name__, static_folder=None)
    app.wsgi_app = GuardMiddleware(app.wsgi_app, guards)  # type: ignore[method-assign]  # as Flask's documentation does
    kaiko_flask.install(app)
    _add_contexts(app, service)
    _add_models(app, service)
    return app


def _add_contexts(app: Flask, service: DemoService) -> None:
    @app.post("/v2/contexts")
    def create_context() -> Response:
        return _answer(
            service.create_context(parse_body(NewContext, request.get_data())), status=201
        )

    @app.get("/v2/contexts/<context_id>")
    def context(context_id: str) -> Response:
        return _answer(service.context(context_id))

    @app.post("/v2/contexts/<context_id>/messages")
    def add_messages(context_id: str) -> Response:
        body = parse_body(NewMessages, request.get_data())
        return _answer(service.add_messages(context_id, body), status=201)

    @app.get("/v2/archive/<context_id>")
    def archived_context(context_id: str) -> Response:
        return _answer(service.archived_context(context_id))


def _add_models(app: Flask, service: DemoService) -> None:
    @app.get("/v2/models")
    def models() -> Response:
        return _answer(service.models())

    @app.post("/v2/analyses")
    def analyse() -> Response:
        body = parse_body(AnalysisRequest, request.get_data())
        return _stream(service.stream(body)) if body.stream else _answer(service.analyse(body))

    @app.post("/v2/analyses/batch")
    def analyse_batch() -> Response:
        return _answer(service.analyse_batch(parse_body(BatchRequest, request.get_data())))

    @app.post("/v2/chat")
    def chat() -> Response:
        body = parse_body(ChatRequest, request.get_data())
        return _stream(service.stream_chat(body)) if body.stream else _answer(service.chat(body))


def _answer(result: BaseModel, *, status: int = 200) -> Response:
    return Response(result.model_dump_json(), status, content_type="application/json")


def _stream(stream: Stream) -> Response:
    return Response(stream.pieces, content_type=stream.content_type)

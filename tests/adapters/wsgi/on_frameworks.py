"""One view on each WSGI framework, with what its page recommends.

A view returns a status, header fields and any iterable for a body, or raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon
import flask
from bottle import Bottle, HTTPResponse, request, response
from pyramid.config import Configurator
from pyramid.response import Response

from kaiko_middleware import KaikoError
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    View = Callable[[], tuple[int | str, list[tuple[str, str]], Iterable[bytes]]]

CORS = ("Access-Control-Allow-Origin", "*")
"""What the framework's own middleware puts on each answer."""


def on_bottle(view: View) -> KaikoMiddleware:
    """Bottle, whose plugin answers typed errors and which lets out the others."""
    api = Bottle()
    api.config["catchall"] = False
    app = KaikoMiddleware(api)

    def answering(callback: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **named: Any) -> Any:
            try:
                return callback(*args, **named)
            except KaikoError as error:
                return HTTPResponse(status=app.answer(error, request.environ).status)

        return wrapper

    def served() -> Iterable[bytes]:
        status, headers, body = view()
        answer: Any = response  # its attributes are properties, which the checkers do not know
        answer.status = status
        for name, value in headers:
            response.add_header(name, value)
        return body

    api.install(answering)
    api.add_hook("after_request", lambda: response.set_header(*CORS))
    api.get("/x", callback=served)
    return app


def on_falcon(view: View) -> KaikoMiddleware:
    """Falcon, whose error handler has everything answered."""
    api = falcon.App(cors_enable=True)
    app = KaikoMiddleware(api)

    class Resource:
        def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
            status, headers, body = view()
            resp.status = status
            for name, value in headers:
                resp.append_header(name, value)
            resp.stream = body

        on_head = on_get

    def on_error(req: falcon.Request, resp: falcon.Response, ex: Exception, _params: Any) -> None:
        resp.status = falcon.code_to_http_status(app.answer(ex, req.env).status)

    api.add_error_handler(Exception, on_error)
    api.add_route("/x", Resource())
    return app


def on_pyramid(view: View) -> KaikoMiddleware:
    """Pyramid, whose exception view answers typed errors."""

    def served(_request: Any) -> Response:
        status, headers, body = view()
        return Response(app_iter=body, status=status, headerlist=headers)

    def on_error(exc: Exception, request: Any) -> Response:
        return Response(status=app.answer(exc, request.environ).status)

    with Configurator() as config:
        config.add_route("x", "/x")
        config.add_view(served, route_name="x")
        config.add_exception_view(on_error, context=KaikoError)
        config.add_subscriber(
            lambda event: event.response.headers.add(*CORS), "pyramid.events.NewResponse"
        )
        app = KaikoMiddleware(config.make_wsgi_app())
    return app


def on_flask(view: View) -> KaikoMiddleware:
    """Flask without `install`, whose error handler has everything answered."""
    api = flask.Flask(__name__)
    app = KaikoMiddleware(api)

    @api.errorhandler(Exception)
    def on_error(exc: Exception) -> Any:
        return flask.Response(status=app.answer(exc, flask.request.environ).status)

    @api.get("/x")
    def served() -> Any:
        status, headers, body = view()
        return flask.Response(body, status, headers)

    @api.after_request
    def after(answer: flask.Response) -> flask.Response:
        answer.headers.add(*CORS)
        return answer

    del on_error, served, after
    return app


FRAMEWORKS = (on_bottle, on_falcon, on_pyramid, on_flask)

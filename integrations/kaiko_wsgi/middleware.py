"""The middleware around a WSGI application.

A success whose body is a list goes out with one field more. Everything else goes through a
`ResponseDriver`, which drives the core's `ResponseState`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kaiko_middleware import Config, current_request_id
from kaiko_middleware.arguments import require_wsgi_app
from kaiko_middleware.ids import set_request_id
from kaiko_middleware.layers import COVERED, layers_of
from kaiko_middleware.pipeline import Pipeline
from kaiko_wsgi.environ import ENVIRON_ID, id_around, path_in, request_id_of, request_info
from kaiko_wsgi.inner_body import serve_apart
from kaiko_wsgi.known_heads import KnownHeads
from kaiko_wsgi.start_wrapper import StartWrapper

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from kaiko_middleware import Reply
    from kaiko_wsgi.known_heads import Headers

__all__ = ["KaikoMiddleware"]

_NO_HEAD: Headers | None = None


class KaikoMiddleware:
    """Turns every error answer of the WSGI application it wraps into an envelope.

    An unmapped exception is answered and then raised again where the body ends, so that the
    server logs it as it would have (`Config.reraise`).

    Arguments:
        app: any WSGI application.
        config: the settings; all defaults when left out.

    Raises:
        TypeError: `app` is not a WSGI application, or `config` not a `Config`.

    Implements sections 5, 8 and 9 of the V2 contract.

    """

    def __init__(self, app: WSGIApplication, config: Config | None = None) -> None:
        require_wsgi_app("kaiko_wsgi.KaikoMiddleware", app)
        self.app = app
        self._pipeline = Pipeline(Config() if config is None else config)
        self.known: KnownHeads = KnownHeads(self._pipeline)
        """What is the same for all requests."""
        self._pop_id = self._pipeline.pop_id

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        previous = current_request_id()
        try:
            # What `_identify` does for most requests, without three calls.
            request_id = self._pop_id() if previous is None else None
        except IndexError:
            request_id = None
        if request_id is None:
            if previous is not None and id_around(environ) != previous:
                # Another request calls it in process.
                return serve_apart(partial(KaikoMiddleware.__call__, self), environ, start_response)
            request_id = self._identify(environ, previous)
            if request_id is None:
                return self._serve_uncovered(environ, start_response, previous)
        environ[ENVIRON_ID] = request_id
        wrapper = StartWrapper()
        wrapper.middleware = self
        wrapper.environ = environ
        wrapper.server_start = start_response
        wrapper.request_id = request_id
        wrapper.fields = _NO_HEAD
        wrapper.token = set_request_id(request_id)
        try:
            result = self.app(environ, wrapper.start)
        except BaseException as exc:  # noqa: BLE001 - the driver raises what is not answered
            return wrapper.driven().fail_in_call(exc)
        fields = wrapper.fields
        if fields:
            body: Iterable[bytes] | None = wrapper
            kind: type[object] = type(result)
            parts: Any = result  # checkers do not know that it is a list
            if kind is list and len(parts) == 1 and type(parts[0]) is bytes:
                wrapper.parts = parts
            else:
                body = self.ready_body(result, wrapper)
            if body is not None:
                try:
                    wrapper.context.run(start_response, wrapper.status, fields)
                except BaseException as exc:  # noqa: BLE001 - likewise
                    return wrapper.driven().fail_in_call(exc, asked=True)
                return body
        return wrapper.driven().serve(result)

    def _identify(self, environ: WSGIEnvironment, previous: str | None) -> str | None:
        """Return the request's id; None where its path is not ours.

        Arguments:
            environ: the request.
            previous: the id that a layer outside gave it.

        """
        pipeline = self._pipeline
        if not pipeline.covers_everything and not pipeline.config.covers(
            path_in(environ, "PATH_INFO")
        ):
            return None
        return request_id_of(environ, pipeline) if previous is None else previous

    def answer(self, exc: BaseException, environ: WSGIEnvironment) -> Reply:
        """Answer an exception for a framework that gave it to a handler of the service's.

        The framework then sends an answer with this status. Its body is replaced, and its headers
        stay: those that its own middleware adds, such as CORS.

        >>> def handler(request, exc):
        ...     return Response(status=app.answer(exc, request.environ).status)

        Arguments:
            exc: the exception; logged here, as an error of this request.
            environ: the request's environ.

        Raises:
            BaseException: `exc` itself, if this middleware does not cover the request's path.

        """
        request_id: object = environ.get(ENVIRON_ID)
        if not isinstance(request_id, str) or self in environ.get(COVERED, ()):
            raise exc
        answer = self._pipeline.on_exception(exc, request_info(environ, request_id))
        layers = layers_of(environ, request_id)
        layers.reply, layers.error = answer.reply, answer.error
        return answer.reply

    def ready_body(
        self, result: Iterable[bytes], wrapper: StartWrapper, /
    ) -> Iterable[bytes] | None:
        """Return what the server gets behind a head that needs no look; None: the body may fail.

        What is returned puts the request id back when it is closed.
        """
        parts: Any = result  # checkers do not know whether it is a list
        kind: type[object] = type(result)
        if kind is not list or not all(type(part) is bytes for part in parts):
            return None
        wrapper.parts = parts
        return wrapper

    def shows_debug_page(self, _environ: WSGIEnvironment, /) -> bool:
        """Whether the framework's debug pages are left alone here; for adapters of frameworks."""
        return False

    def _serve_uncovered(
        self, environ: WSGIEnvironment, start_response: StartResponse, previous: str | None
    ) -> Iterable[bytes]:
        environ[COVERED] = (*environ.get(COVERED, ()), self)
        if previous is None:
            return self.app(environ, start_response)
        return serve_apart(self.app, environ, start_response)

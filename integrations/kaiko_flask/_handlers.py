"""What Flask asks where something is raised: error handlers, and two methods of the application.

The service's own error handlers are asked first, by Flask's own rules. What they return goes out as
any other answer does, and is rewritten on its way. What none of them takes is answered here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Flask, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import RoutingException

from kaiko_flask._apiflask import known_to_apiflask
from kaiko_flask._apis import asked_for_request, package_of, takes
from kaiko_flask._known import KNOWN
from kaiko_flask._layer import shows_debug_page
from kaiko_middleware import KaikoError, current_request_id
from kaiko_middleware.config import handing_on
from kaiko_middleware.headers import DESCRIBES_BODY
from kaiko_middleware.layers import PASS_THROUGH, layers_of
from kaiko_middleware.map_exception import is_disconnect
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.render import Reply
from kaiko_middleware.response_pieces import Head
from kaiko_middleware.response_state import ResponseState
from kaiko_wsgi.environ import ENVIRON_ID, request_info

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIEnvironment

    from flask import Response
    from flask.typing import ResponseReturnValue

    from kaiko_middleware.response_pieces import Chunk

__all__ = ["Handlers"]


class Handlers:
    """The handlers of one application.

    Arguments:
        app: the application.
        pipeline: the core's steps.

    """

    def __init__(self, app: Flask, pipeline: Pipeline) -> None:
        self._app = app
        self._pipeline = pipeline
        self._heard = Pipeline(handing_on(pipeline.config))
        """For exceptions that Flask has logged and signalled: no setting keeps them from that."""
        self._known = KNOWN
        self._apiflasks: Callable[[Any], Any] | None = None
        """APIFlask's own error processor, where ours is in its place."""
        self._flasks_exception = app.handle_exception
        self._flasks_http_exception = app.handle_http_exception

    def register(self) -> None:
        """Put the handlers where the service has none."""
        app: Any = self._app  # its methods are set for this one alone
        classes: list[type[BaseException]] = [KaikoError, *self._pipeline.config.mapping.classes]
        for cls in classes:
            asked = issubclass(cls, Exception) and not issubclass(cls, HTTPException)
            if asked and cls is not Exception and cls not in app.error_handler_spec[None][None]:
                app.register_error_handler(cls, self.mapped)
        processor = getattr(app, "error_callback", None)
        if package_of(processor) == "apiflask":
            self._known = known_to_apiflask()
            self._apiflasks, app.error_callback = processor, self.api_error
        app.handle_exception = self.unhandled
        app.handle_http_exception = self.http_exception

    def mapped(self, exc: Exception) -> ResponseReturnValue:
        """Be the error handler of typed errors and of the classes that the configuration maps."""
        request_id = _request_id()
        if request_id is not None:
            response = self._mapped_response(exc, request_id)
            if response is not None:
                return response
        # As if this handler was not there.
        own = self._next_handler(exc)
        if own is None:
            raise exc
        given: ResponseReturnValue = self._app.ensure_sync(own)(exc)
        return given

    def http_exception(self, exc: HTTPException) -> HTTPException | ResponseReturnValue:
        """Answer one of Werkzeug's exceptions, unless an error handler of the service's does."""
        request_id = _request_id()
        if (
            request_id is None
            or exc.code is None
            or exc.response is not None  # an answer that the service made
            or isinstance(exc, RoutingException)
        ):
            return self._flasks_http_exception(exc)
        given = self._flasks_http_exception(exc) if self._own_handler(exc) else exc
        return (self._mapped_response(exc, request_id) or exc) if given is exc else given

    def api_error(self, exc: Any) -> Any:
        """Be APIFlask's error processor, until the service sets one."""
        request_id = _request_id()
        response = None
        # What was not raised is Flask-HTTPAuth's. Its challenge comes later.
        if request_id is not None and exc.__traceback__ is not None:
            response = self._mapped_response(exc, request_id)
        return response or cast("Callable[[Any], Any]", self._apiflasks)(exc)

    def of_resource(self, handler: Callable[[Exception], Any], exc: Exception) -> Any:
        """Answer what a resource raised, unless the service told its `Api` what to answer.

        Arguments:
            handler: what the application has for one of the methods that an `Api` takes.
            exc: what was raised.

        """
        request_id = _request_id()
        asked = None if request_id is None else asked_for_request(handler)
        mapped = isinstance(exc, KaikoError) or self._pipeline.config.mapping.handles(exc)
        if request_id is None or asked is None or takes(asked.api, exc, mapped=mapped):
            return handler(exc)
        info = request_info(request.environ, request_id)
        error = self._pipeline.find(exc, info, self._known)  # Flask-RESTX changes the exception
        http = exc if isinstance(exc, HTTPException) else None
        if http is None and (error is not None or is_disconnect(exc)):
            return asked.following(exc)  # as if there was no `Api`
        handed_on = False

        def hand_on(raised: Exception) -> Any:
            nonlocal handed_on
            handed_on = True
            return asked.following(raised)

        given: Any = asked.ask(hand_on, exc)
        reply = None
        if handed_on:
            return given
        if http is None:
            reply = self._reply_to(exc, given, request_id, own=False)
        elif error is not None and http.response is None and http.code == given.status_code:
            self._pipeline.report(error, exc, info)
            reply = self._pipeline.render(error, info, _kept(given))
        return given if reply is None else self._in_place_of(given, reply, request_id)

    def unhandled(self, exc: Exception) -> Response:
        """Answer what no error handler was asked for, or none took."""
        request_id = _request_id()
        if request_id is None:
            return self._flasks_exception(exc)
        if self._is_ours(exc):
            response = self._mapped_response(exc, request_id)
            if response is not None:
                return self._app.finalize_request(response, from_error_handler=True)
        return self._unmapped_response(exc, request_id)

    def _is_ours(self, exc: Exception) -> bool:
        """Whether it is answered by what it is mapped to, if it is."""
        if isinstance(exc, HTTPException) and self._app.trap_http_exception(exc):
            return False
        return (
            isinstance(exc, KaikoError)
            or self._pipeline.config.mapping.handles(exc)
            or is_disconnect(exc)
            or self._last_resort() is None
        )

    def _last_resort(self) -> object:
        """Return the service's handler of what nothing else takes."""
        return self._own_handler(InternalServerError())

    def _own_handler(self, exc: Exception) -> object:
        """Return the handler that Flask asks, unless it is one that an extension brings."""
        app: Any = self._app  # its method is not public, and has no public counterpart
        handler: object = app._find_error_handler(exc, request.blueprints)  # noqa: SLF001 - see above
        package = package_of(handler)
        if package == "apiflask":  # it asks the error processor
            return None if app.error_callback == self.api_error else handler
        return None if package == "flask_smorest" else handler

    def _next_handler(self, exc: Exception) -> Callable[[Exception], Any] | None:
        """Return the error handler that Flask would ask, were it not for ours."""
        spec = self._app.error_handler_spec
        for name in (*request.blueprints, None):
            for cls in type(exc).__mro__:
                handler = spec[name][None].get(cast("type[Exception]", cls))
                if handler is not None and handler != self.mapped:
                    return handler
        return None

    def _mapped_response(self, exc: Exception, request_id: str) -> Response | None:
        environ = request.environ
        answer = self._pipeline.on_mapped(exc, request_info(environ, request_id), known=self._known)
        return None if answer is None else self._response(answer.reply, environ, request_id)

    def _unmapped_response(self, exc: Exception, request_id: str) -> Response:
        """Have Flask signal, log and answer it, and make that answer ours."""
        layers = layers_of(request.environ, request_id)
        own = self._last_resort() is not None
        layers.passed = exc  # if it is raised again, the layer around Flask does not map it
        try:
            given = self._flasks_exception(exc)
        except Exception as raised:
            if raised is not exc:  # the service's handler failed
                layers.passed = None
                raise
            if self._pipeline.config.reraise or shows_debug_page(self._app, request.environ):
                raise
            failed = InternalServerError(original_exception=exc)
            given, own = self._app.finalize_request(failed, from_error_handler=True), False
        layers.passed = None
        reply = self._reply_to(exc, given, request_id, own=own)
        return given if reply is None else self._in_place_of(given, reply, request_id)

    def _in_place_of(self, given: Response, reply: Reply, request_id: str) -> Response:
        response = self._response(reply, request.environ, request_id)
        response.call_on_close(given.close)
        return response

    def _reply_to(
        self, exc: Exception, given: Response, request_id: str, *, own: bool
    ) -> Reply | None:
        """Return what is answered in place of `given`; None if that goes out as it is.

        Arguments:
            exc: the exception behind it.
            given: what Flask answers.
            request_id: the request's id.
            own: whether a handler of the service's made it.

        """
        info = request_info(request.environ, request_id)
        headers = given.headers.to_wsgi_list()
        if not own and given.status_code == 500:  # `after_request` may have made it another
            return self._heard.on_unmapped(exc, info, _kept(given)).reply
        if given.status_code < 400:
            return None
        layers = layers_of(request.environ, request_id)
        state = ResponseState(self._heard, info, layers=layers, deferring=True)
        state.answers_exception = True
        as_it_is = bool(request.environ.get(PASS_THROUGH))
        pieces = state.start(given.status_code, headers, as_it_is=as_it_is)
        if any(isinstance(each, Head) and each.original for each in pieces):
            return None  # it is let through
        if not pieces and given.is_streamed:
            pieces = state.other_body()  # it is dropped unread
        elif not pieces:
            pieces = state.body(given.get_data(), more=False)
        state.end_answer(exc)
        head, *rest = pieces
        if not isinstance(head, Head) or head.original:
            return None
        return Reply(head.status, head.headers, b"".join(cast("Chunk", each).body for each in rest))

    def _response(self, reply: Reply, environ: WSGIEnvironment, request_id: str) -> Response:
        layers = layers_of(environ, request_id)
        layers.reply, layers.sent = reply, reply.headers
        # Past what Werkzeug does for each field it is given, and for the length.
        headers = Headers()
        headers[:] = reply.headers
        made: Any = self._app.response_class  # the checkers disagree which class that is
        response: Response = made([reply.body], status=reply.status, headers=headers)
        return response


def _kept(response: Response) -> list[tuple[str, str]]:
    """Return the header fields that do not speak of the body."""
    return [
        pair for pair in response.headers.to_wsgi_list() if pair[0].lower() not in DESCRIBES_BODY
    ]


def _request_id() -> str | None:
    """Return the request's id; None if its path is not ours."""
    given = request.environ.get(ENVIRON_ID)
    return None if current_request_id() is None else given

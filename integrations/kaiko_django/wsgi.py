"""The layer around the whole WSGI application, for what no middleware can reach.

A success that Django has ready passes here, with one header more; everything else goes
through a `WrappedResponse`, which drives the core's `ResponseState`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse

from kaiko_django._closing import restore_when_closed
from kaiko_django._wsgi_body import Restoring, is_answerable, path_of
from kaiko_django._wsgi_response import WrappedResponse, plain_head
from kaiko_django.conf import Setup
from kaiko_django.layer_marks import ENVIRON_ID
from kaiko_middleware import Config, current_request_id
from kaiko_middleware.ids import set_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

__all__ = ["WSGIWrapper"]


class WSGIWrapper:
    """Turns every error answer of the WSGI application it wraps into an envelope.

    An unmapped exception is answered and then raised again where the body ends, so that the
    server logs it as it would have (`Config.reraise`).

    Arguments:
        app: Django's handler, or any WSGI application around it.
        config: the settings; all defaults when left out.

    """

    def __init__(self, app: WSGIApplication, config: Config | None = None) -> None:
        self.app = app
        self._setup = Setup(Config() if config is None else config)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        setup = self._setup
        previous = current_request_id()
        if not setup.everywhere and not setup.config.covers(path_of(environ)):
            return self._serve_uncovered(environ, start_response, previous)
        known: object = environ.get(ENVIRON_ID)
        if isinstance(known, str) and known == previous:
            request_id = known
        else:
            request_id = environ[ENVIRON_ID] = setup.request_id(environ)
        set_request_id(request_id)
        try:
            return self._serve(environ, start_response, request_id, previous)
        except BaseException:
            set_request_id(previous)
            raise

    def _serve(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        request_id: str,
        previous: str | None,
    ) -> Iterable[bytes]:
        setup = self._setup
        head: tuple[str, list[tuple[str, str]]] | None = None
        flow: WrappedResponse | None = None

        def watched() -> WrappedResponse:
            nonlocal flow
            if flow is None:
                flow = WrappedResponse(previous, setup, environ, start_response, request_id)
                if head is not None:
                    flow.start(*head)
            return flow

        # Kept until it is known what body comes with it: Django returns next.
        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            nonlocal head
            if head is None and flow is None:
                head = status, headers
                return lambda data: watched().write(data)
            return watched().start(status, headers, exc_info)

        try:
            result = self.app(environ, start)
            if flow is None and head is not None and isinstance(result, HttpResponse):
                status, headers = head
                plain = plain_head(setup, environ, request_id, status, headers)
                if plain is not None:
                    head = None  # given away: should the server refuse it, ours comes instead
                    start_response(status, plain.headers)
                    restore_when_closed(result, previous)
                    return result
            return watched().take(result)
        except BaseException as exc:
            if not is_answerable(exc):
                raise
            return watched().fail(exc)

    def _serve_uncovered(
        self, environ: WSGIEnvironment, start_response: StartResponse, previous: str | None
    ) -> Iterable[bytes]:
        if previous is None:
            return self.app(environ, start_response)
        # It must not see the id of a request that called it in process.
        set_request_id(None)
        try:
            return Restoring(previous, self.app(environ, start_response))
        except BaseException:
            set_request_id(previous)
            raise

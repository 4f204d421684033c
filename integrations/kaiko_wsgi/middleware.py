"""The middleware around a WSGI application.

It keeps the application's head until it is known what body comes with it. All answers go
through a `ResponseDriver`, which drives the core's `ResponseState`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware import Config, current_request_id
from kaiko_middleware.ids import set_request_id
from kaiko_wsgi.environ import ENVIRON_ID, path_of
from kaiko_wsgi.response_driver import ResponseDriver, is_answerable, plain_head
from kaiko_wsgi.restoring_body import RestoringBody
from kaiko_wsgi.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

__all__ = ["KaikoMiddleware"]


class KaikoMiddleware:
    """Turns every error answer of the WSGI application it wraps into an envelope.

    An unmapped exception is answered and then raised again where the body ends, so that the
    server logs it as it would have (`Config.reraise`).

    Arguments:
        app: any WSGI application.
        config: the settings; all defaults when left out.

    Implements sections 5, 8 and 9 of the V2 contract.

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

    def restores_id(self, _result: Iterable[bytes], _previous: str | None, /) -> bool:
        """Have a body put the id `previous` back when it is closed; whether it can.

        For adapters of frameworks whose body takes callbacks: where the head needs no look,
        the server then gets the framework's body itself.
        """
        return False

    def _serve(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        request_id: str,
        previous: str | None,
    ) -> Iterable[bytes]:
        setup = self._setup
        head: tuple[str, list[tuple[str, str]]] | None = None
        made: ResponseDriver | None = None

        def driver() -> ResponseDriver:
            nonlocal made
            if made is None:
                made = ResponseDriver(previous, setup, environ, start_response, request_id)
                if head is not None:
                    made.start(*head)
            return made

        # Kept until it is known what body comes with it: the application returns next.
        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            nonlocal head
            if head is None and made is None:
                head = status, headers
                return lambda data: driver().write(data)
            return driver().start(status, headers, exc_info)

        try:
            result = self.app(environ, start)
            if made is None and head is not None and self.restores_id(result, previous):
                status, headers = head
                plain = plain_head(setup, environ, request_id, status, headers)
                if plain is not None:
                    head = None  # given away: should the server refuse it, ours comes instead
                    start_response(status, plain[0])
                    return result
            return driver().take(result)
        except BaseException as exc:
            if not is_answerable(exc):
                raise
            return driver().fail(exc)

    def _serve_uncovered(
        self, environ: WSGIEnvironment, start_response: StartResponse, previous: str | None
    ) -> Iterable[bytes]:
        if previous is None:
            return self.app(environ, start_response)
        # It must not see the id of a request that called it in process.
        set_request_id(None)
        try:
            return RestoringBody(previous, self.app(environ, start_response))
        except BaseException:
            set_request_id(previous)
            raise

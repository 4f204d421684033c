"""The guards as pure WSGI middleware, for any WSGI application.

A thread cannot be stopped, so nothing is cancelled here: `deadline()` tells the application, and
the clients that it calls with, how much time is left.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from kaiko_guards._chain import Guards, ask_plain_verifier, needs_plain_verifier
from kaiko_guards._request import GuardedRequest
from kaiko_guards._sizes import Tally
from kaiko_guards._standing import limit_headers
from kaiko_middleware import Config, KaikoError, PayloadTooLargeError, current_request_id
from kaiko_middleware.arguments import require_wsgi_app
from kaiko_middleware.layers import layers_of
from kaiko_wsgi import KaikoMiddleware
from kaiko_wsgi.environ import ENVIRON_ID, path_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

    from kaiko_guards._chain import Guard
    from kaiko_guards._request import TrustedProxies
    from kaiko_guards._standing import Standing

__all__ = ["ENVIRON_PRINCIPAL", "GuardMiddleware"]

_REFUSAL = "kaiko.refusal"
ENVIRON_PRINCIPAL = "kaiko.principal"
"""The key of the environ for whom the request's key belongs to."""


class GuardMiddleware:
    """Runs the guards before the application.

    It stands inside of the envelope middleware, and works without it as well: what it refuses is
    an envelope either way.

    Arguments:
        app: any WSGI application.
        guards: the guards, in any order; a verifier of keys is a synchronous one.
        config: the envelope's settings, where there is no envelope middleware.
        trusted_proxies: addresses and networks of proxies whose `X-Forwarded-For` is believed;
            `unix:` for the server's Unix socket.

    Raises:
        ConfigError: a value is not allowed.

    """

    def __init__(
        self,
        app: WSGIApplication,
        guards: Iterable[Guard] = (),
        *,
        config: Config | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        require_wsgi_app("kaiko_guards.wsgi.GuardMiddleware", app)
        self.app = app
        self._guards = Guards(guards, trusted_proxies)
        needs_plain_verifier("guards", self._guards)
        self._answering = KaikoMiddleware(_raise_refusal, config)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        answer = _Answer(start_response)
        try:
            return self._serve(environ, answer)
        except KaikoError as refused:
            if answer.started or _is_inside(environ):
                raise
            environ[_REFUSAL] = refused
            return self._answering(environ, answer.start)

    def _serve(self, environ: WSGIEnvironment, answer: _Answer) -> Iterable[bytes]:
        guards = self._guards
        request = _request(environ, guards.proxies)
        seconds = guards.seconds_for(request)
        limited: AbstractContextManager[None] = nullcontext()
        if guards.deadline is not None and seconds is not None:
            limited = guards.deadline.in_thread(request, seconds)
        with limited:
            self._admit(environ, answer, request)
            try:
                result = self.app(environ, answer.start)
                if not answer.started:  # a generator has not even begun
                    result = _Begun(result)
            except Exception:
                answer.promise(environ)
                answer.check()
                raise
        try:
            answer.check()
        except PayloadTooLargeError:
            _close(result)
            raise
        return result

    def _admit(self, environ: WSGIEnvironment, answer: _Answer, request: GuardedRequest) -> None:
        """Run the guards."""
        guards = self._guards
        if guards.size is not None:
            tally = Tally(guards.size.for_path(request.path))
            length = request.read_header("content-length")
            tally.announce(length)
            # A server that takes chunks passes the length that came with them on, if any did.
            if not length or request.read_header("transfer-encoding"):
                environ["wsgi.input"] = answer.body = CountedInput(environ["wsgi.input"], tally)
        if guards.keys is not None and guards.keys.needs_key(request):
            value = request.read_header(guards.keys.header)
            guards.keys.admit(request, *ask_plain_verifier(guards.keys, value))
            environ[ENVIRON_PRINCIPAL] = request.principal
        answer.standing = guards.counting.count(request)


class _Begun:
    """An answer whose first part is there: only with it an application has to begin.

    Arguments:
        result: what the application returned.

    """

    def __init__(self, result: Iterable[bytes]) -> None:
        self._result = result
        self._parts = iter(result)
        try:
            self._first: list[bytes] = list(islice(self._parts, 1))
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Return all parts."""
        return chain(self._first, self._parts)

    def close(self) -> None:
        """Close the application's answer."""
        _close(self._result)


def _close(result: object) -> None:
    close = getattr(result, "close", None)
    if close is not None:
        close()


class _Answer:
    """What becomes of `start_response`."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start = start_response
        self.started = False
        self.standing: Standing | None = None
        self.body: CountedInput | None = None

    def promise(self, environ: WSGIEnvironment) -> None:
        """Have what is answered outside of the guards tell what is left of the limit, too."""
        request_id: object = environ.get(ENVIRON_ID)
        if self.standing is not None and isinstance(request_id, str):
            layers_of(environ, request_id).promised = tuple(limit_headers(self.standing))

    def check(self) -> None:
        """Raise what the body is refused for, whatever the application makes of it."""
        if self.body is not None and self.body.too_large is not None and not self.started:
            raise self.body.too_large

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        """Be the application's `start_response`."""
        if not status.startswith("413"):
            self.check()
        self.started = True
        if self.standing is not None:
            told = {name.lower() for name, _ in headers}
            headers = [*headers, *limit_headers(self.standing, told)]
        return (
            self._start(status, headers)
            if exc_info is None
            else self._start(status, headers, exc_info)
        )


class CountedInput:
    """A request's body, counted as it is read.

    Arguments:
        stream: the server's `wsgi.input`.
        tally: counts.

    """

    def __init__(self, stream: InputStream, tally: Tally) -> None:
        self._stream = stream
        self._tally = tally
        self.too_large: PayloadTooLargeError | None = None
        """Why no more is read."""

    def _counted(self, data: bytes) -> bytes:
        try:
            self._tally.add(len(data))
        except PayloadTooLargeError as error:
            self.too_large = error
            raise
        return data

    def _at_most(self, size: int | None) -> int:
        most = self._tally.left + 1  # one more than is allowed tells that it is too much
        return most if size is None or size < 0 else min(size, most)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most `size` octets."""
        return self._counted(self._stream.read(self._at_most(size)))

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line of at most `size` octets."""
        return self._counted(self._stream.readline(self._at_most(size)))

    def readlines(self, hint: int = -1, /) -> list[bytes]:
        """Read all lines, or so many that they have `hint` octets."""
        lines: list[bytes] = []
        size = 0
        for line in self:
            lines.append(line)
            size += len(line)
            if 0 < hint <= size:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        """Read line by line."""
        return iter(self.readline, b"")


def _request(environ: WSGIEnvironment, proxies: TrustedProxies) -> GuardedRequest:
    return GuardedRequest(
        str(environ.get("REQUEST_METHOD", "GET")),
        path_in(environ, "PATH_INFO"),
        partial(environ_header, environ),
        str(environ["REMOTE_ADDR"]) if environ.get("REMOTE_ADDR") else None,
        proxies,
    )


def environ_header(environ: Mapping[str, object], name: str, /) -> str | None:
    """Return the value of a request header; `name` is lower-case."""
    key = name.upper().replace("-", "_")
    found = environ.get(key if key in {"CONTENT_LENGTH", "CONTENT_TYPE"} else f"HTTP_{key}")
    return found if isinstance(found, str) and found else None


def _is_inside(environ: Mapping[str, object]) -> bool:
    """Whether an envelope middleware outside answers what is raised here."""
    request_id = environ.get(ENVIRON_ID)
    return request_id is not None and request_id == current_request_id()


def _raise_refusal(environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
    error: KaikoError = environ.pop(_REFUSAL)
    raise error

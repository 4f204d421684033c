"""What the application gets as `start_response`, and the server as the body of a plain success.

A list of bytes behind a head that needs no look is the usual answer, and nothing in it can fail any
more: it goes out with one field more. Everything else goes through a `ResponseDriver`.

This runs for every answer, so it is optimized for the common case: a call of our own costs as much
as the look at a head.
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from typing import TYPE_CHECKING

from kaiko_middleware.ids import restore_request_id, set_request_id
from kaiko_middleware.layers import LAYERS
from kaiko_middleware.tracing import TRACING, hold_end
from kaiko_wsgi.known_heads import USUAL_TYPES, answered_inside
from kaiko_wsgi.response_driver import ResponseDriver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Context, Token
    from wsgiref.types import StartResponse, WSGIEnvironment

    from _typeshed import OptExcInfo

    from kaiko_wsgi.known_heads import Headers
    from kaiko_wsgi.response_driver import Answering

__all__ = ["StartWrapper"]

_modules = sys.modules


class StartWrapper:
    """The `start_response` of one response, its `write`, and its body where that is a list.

    A server can count its parts. It is no list itself: granian closes none, and the id would stay
    current in its thread. Whoever makes one sets `middleware`, `environ`, `server_start`,
    `request_id`, `token` and `fields`: an `__init__` would cost as much as the look at a head.
    """

    __slots__ = (
        "_driver",
        "context",
        "environ",
        "fields",
        "middleware",
        "parts",
        "request_id",
        "server_start",
        "status",
        "token",
    )

    middleware: Answering
    environ: WSGIEnvironment
    server_start: StartResponse
    request_id: str
    token: Token[str | None]
    """Puts back the id that was current before."""
    fields: Headers | None
    """The fields to send, once there is a head that needs no look; empty: a driver has the head."""
    status: str
    """The status line of that head."""
    context: Context
    """The context in which the application gave it."""
    parts: list[bytes]
    """The body."""
    _driver: ResponseDriver

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __bool__(self) -> bool:
        return True  # as `write`, it has no parts

    def start(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Be the application's `start_response`."""
        if self.fields is not None or exc_info is not None:
            return self.driven().start(status, headers, exc_info)
        if TRACING in _modules and (release := hold_end()) is not None:
            return self.driven(release).start(status, headers)
        if status == "200 OK" and len(headers) == 2:
            # What frameworks send with JSON, and that is most of all that they send.
            first, second = headers
            name, kind = first
            other, length = second
            if (
                kind in USUAL_TYPES
                and name == "Content-Type"
                and other == "Content-Length"
                and length.isdecimal()
                and length.isascii()
            ):
                self.status = status
                self.fields = [first, second, (self.middleware.known.id_header, self.request_id)]
                self.context = copy_context()
                return self
        return self._start_unusual(status, headers)

    def _start_unusual(self, status: str, headers: Headers) -> Callable[[bytes], object]:
        """Do what `start` does with any other head."""
        fields = self.middleware.known.plain_fields(status, headers, self.request_id)
        if fields is None:
            # An exception's answer that a framework's handler of ours made is the next usual.
            if not (
                headers
                and LAYERS in self.environ
                and answered_inside(self.environ, self.request_id, status, headers)
            ):
                return self.driven().start(status, headers)
            fields = headers
        self.status = status
        self.fields = fields
        self.context = copy_context()
        return self

    def __call__(self, data: bytes, /) -> None:
        """Be what `start` returns, the `write` of applications of the old kind."""
        self.driven().write(data)

    def close(self) -> None:
        """Put the id back; servers call this when all is sent, or nothing more."""
        try:
            restore_request_id(self.token)
        except (ValueError, RuntimeError):  # in another context, or a second time
            set_request_id(self.previous)

    @property
    def previous(self) -> str | None:
        """The id that was current before."""
        value: object = self.token.old_value
        return value if isinstance(value, str) else None

    def driven(self, release: Callable[[], None] | None = None) -> ResponseDriver:
        """Return the driver of this response, made when it is first asked for.

        Arguments:
            release: lets the current span end.

        """
        if self.fields is not None and not self.fields:
            return self._driver
        driver = self._driver = ResponseDriver(
            self.previous, self.middleware, self.environ, self.server_start, self.request_id
        )
        driver.release_span = release
        if self.fields is not None:
            driver.take_over(self.status, self.fields, self.context)
        self.fields = []
        return driver

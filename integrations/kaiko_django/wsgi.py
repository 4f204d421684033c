"""The WSGI middleware around Django's handler, whose responses the server gets as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse

from kaiko_django.responses import restore_when_closed
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kaiko_wsgi.start_wrapper import StartWrapper

__all__ = ["WSGIWrapper"]

_close = HttpResponse.close


class WSGIWrapper(KaikoMiddleware):
    """`kaiko_wsgi.KaikoMiddleware`, which knows that a response of Django's is ready."""

    def ready_body(
        self, result: Iterable[bytes], wrapper: StartWrapper, /
    ) -> Iterable[bytes] | None:
        """Return the response, which puts the id back by itself, if it is one of Django's.

        A service's own `close` may fail, which is then logged with the request.
        """
        if not isinstance(result, HttpResponse):
            return None
        if type(result).close is not _close or "close" in vars(result):
            return None
        restore_when_closed(result, wrapper.previous)
        return result

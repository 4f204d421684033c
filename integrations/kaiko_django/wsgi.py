"""The WSGI middleware around Django's handler, whose responses the server gets as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse

from kaiko_django.responses import restore_when_closed
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WSGIWrapper"]

_close = HttpResponse.close


class WSGIWrapper(KaikoMiddleware):
    """`kaiko_wsgi.KaikoMiddleware`, which knows that a response of Django's is ready."""

    def restores_id(self, result: Iterable[bytes], previous: str | None, /) -> bool:
        """Let the response put the id back by itself; whether it is one of Django's.

        A service's own `close` may fail, which is then logged with the request.
        """
        if not isinstance(result, HttpResponse):
            return False
        if type(result).close is not _close or "close" in vars(result):
            return False
        restore_when_closed(result, previous)
        return True

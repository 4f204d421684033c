"""Streams that fail behind GZip, on a real server: `python -m adapters.django.served_gzip NAME`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.urls import path
from django.views.decorators.gzip import gzip_page

from adapters.django import served_project
from adapters.django.stacks import Urls
from adapters.django.support import typed
from adapters.django.test_streams import LINES, SSE, Streams, bug

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

# Of a shorter one, GZip would keep all until the end.
CHUNK = b"".join(b'{"row":"%x"}\n' % (number * 2_654_435_761) for number in range(20_000))


def _zipped(view: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    def zipped(request: HttpRequest) -> HttpResponseBase:
        return view(request)

    decorate: Any = gzip_page  # ty does not see through the type that its stub gives it
    return decorate(zipped)


served_project.URLS = Urls(
    [
        path("text", _zipped(Streams(bug, CHUNK))),
        path("events", _zipped(Streams(bug, CHUNK, kind=SSE))),
        path("lines", _zipped(Streams(bug, CHUNK, kind=LINES))),
        path("first", _zipped(Streams(bug))),
        path("whole", _zipped(Streams(None, CHUNK))),
        path("typed", _zipped(typed)),
    ]
)

if __name__ == "__main__":
    served_project.main(sys.argv[1])

"""Views and middleware that the tests of this folder share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse

from kaiko_middleware import current_request_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from django.http import HttpRequest

logger = logging.getLogger("project")


def ids(request: HttpRequest) -> JsonResponse:
    """Say every id that a view can see."""
    logger.warning("in the view")
    return JsonResponse(
        {"current": current_request_id(), "request": getattr(request, "kaiko_request_id", None)}
    )


async def async_ids(request: HttpRequest) -> JsonResponse:
    """Say every id that an asynchronous view can see."""
    return ids(request)


def streamed_ids(request: HttpRequest) -> StreamingHttpResponse:
    """Say in each chunk which id is current while it is made."""
    return StreamingHttpResponse(_async_chunks() if isinstance(request, ASGIRequest) else _chunks())


def _chunks() -> Iterator[str]:
    for _ in range(3):
        yield f"{current_request_id()};"


async def _async_chunks() -> AsyncIterator[str]:
    for _ in range(3):
        yield f"{current_request_id()};"


def inner(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Say, as a middleware, which id is current."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Seen"] = f"{current_request_id()} {getattr(request, 'kaiko_request_id', None)}"
        return response

    return middleware


def own_id(_request: HttpRequest) -> HttpResponse:
    """Set an id of one's own."""
    return HttpResponse(headers={"x-request-id": "mine"})

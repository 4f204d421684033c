"""A request that another request makes in process: neither sees the id of the other.

The caller may never close the body, or never read it, so the id is current only while the
application runs. Implements section 5 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware import current_request_id
from kaiko_middleware.ids import restore_request_id, set_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["InnerBody", "serve_apart"]


def serve_apart(
    app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> InnerBody:
    """Call an application where no id is current; the id that is current stays after the call."""
    token = set_request_id(None)
    try:
        result = app(environ, start_response)
        return InnerBody(current_request_id(), result)
    finally:
        restore_request_id(token)


class InnerBody:
    """A body that is read and closed with the id of its own request.

    Arguments:
        request_id: that id.
        result: the application's body.

    """

    def __init__(self, request_id: str | None, result: Iterable[bytes]) -> None:
        self._request_id = request_id
        self._result = result

    def __iter__(self) -> Iterator[bytes]:
        chunks: Iterator[bytes] | None = None
        while True:
            token = set_request_id(self._request_id)
            try:
                if chunks is None:
                    chunks = iter(self._result)
                chunk = next(chunks)
            except StopIteration:
                return
            finally:
                restore_request_id(token)
            yield chunk

    def close(self) -> None:
        """Close the application's body."""
        close: Callable[[], object] | None = getattr(self._result, "close", None)
        if close is None:
            return
        token = set_request_id(self._request_id)
        try:
            close()
        finally:
            restore_request_id(token)

"""The end of a response, where the request id that was current before is put back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kaiko_middleware.ids import set_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

__all__ = ["restore_when_closed"]

_forget = partial(set_request_id, None)


def restore_when_closed(response: HttpResponseBase, previous: str | None) -> None:
    """Put the id back that was current before, when the response is closed.

    A stream logs with its id until then. The value is set rather than a token reset: under
    ASGI the response is closed in a thread, whose changes asgiref carries back.
    """
    # Django's own list of what to do then, which its stubs do not know.
    closers: list[Callable[[], object]] = getattr(response, "_resource_closers")  # noqa: B009 - as said
    closers.append(_forget if previous is None else partial(set_request_id, previous))

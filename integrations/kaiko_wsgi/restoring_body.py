"""The body that a server gets: when it is closed, it puts the request id back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.ids import set_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["RestoringBody"]


class RestoringBody:
    """A body whose `close` puts back the request id that was current before.

    Arguments:
        previous: that id.
        result: the application's body.

    """

    def __init__(self, previous: str | None, result: Iterable[bytes] = ()) -> None:
        self._previous = previous
        self._result = result

    def close(self) -> None:
        """Close the application's body; servers call this when all is sent, or nothing more."""
        try:
            close: Callable[[], object] | None = getattr(self._result, "close", None)
            if close is not None:
                close()
        finally:
            self.restore()

    def restore(self) -> None:
        """Put the id back."""
        set_request_id(self._previous)

"""What every wrapped WSGI response does: it closes, and puts the request id back."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING

from kaiko_middleware.ids import set_request_id
from kaiko_middleware.safe_exception import leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import WSGIEnvironment

__all__ = ["Restoring", "is_answerable", "path_of"]


class Restoring:
    """A body whose `close` puts back the request id that was current before.

    Arguments:
        previous: that id.
        result: the application's body.

    """

    def __init__(self, previous: str | None, result: Iterable[bytes] = ()) -> None:
        self._previous = previous
        self._result = result

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._result)

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


def is_answerable(exc: BaseException) -> bool:
    """Whether an answer goes out before `exc` is handed on.

    Nobody cancels a synchronous call: a CancelledError is the application's own here.
    """
    return all(
        isinstance(leaf, Exception | SystemExit | KeyboardInterrupt | CancelledError)
        for leaf in leaves(exc)
    )


def path_of(environ: WSGIEnvironment) -> str:
    """Return the path as Django has it: UTF-8, with the script's name."""
    raw = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return raw.encode("latin-1", "replace").decode("utf-8", "replace") or "/"

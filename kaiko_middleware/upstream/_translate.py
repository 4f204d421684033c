"""`with upstream.translate():` raises typed errors instead of a client's exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType

    from kaiko_middleware.errors import KaikoError


class _Finds(Protocol):
    def find_exception(self, exc: BaseException, /) -> KaikoError | None: ...


class Translation:
    """The context manager; made by `Upstream.translate`.

    Arguments:
        upstream: finds the typed error for an exception.

    """

    __slots__ = ("_upstream",)

    def __init__(self, upstream: _Finds) -> None:
        self._upstream = upstream

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        _cls: type[BaseException] | None,
        exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Raise the typed error for a client's exception; let all others pass."""
        if not isinstance(exc, Exception):
            return
        error = self._upstream.find_exception(exc)
        if error is None or error is exc:
            return
        if error.__traceback__ is not None:
            # It was raised inside and wrapped by a client; `from exc` would make a cycle.
            raise error from error.__cause__
        raise error from exc

"""`with upstream.translate():` raises typed errors instead of a client's exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_middleware.errors import KaikoError


class Translation:
    """The context manager; made by `Upstream.translate`, and usable again.

    Arguments:
        find: returns the typed error for an exception, or None.

    """

    __slots__ = ("_find",)

    def __init__(self, find: Callable[[Exception], KaikoError | None]) -> None:
        self._find = find

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _cls: object, exc: BaseException | None, _traceback: object) -> None:
        """Raise the typed error for a client's exception; let all others pass."""
        error = self._find(exc) if isinstance(exc, Exception) else None
        if error is None or error is exc:
            return
        # One that was raised inside and wrapped by a client: `from exc` would make a cycle.
        raise error from error.__cause__ if error.__traceback__ else exc

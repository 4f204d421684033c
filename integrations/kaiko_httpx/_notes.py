"""Notes on typed errors, for whoever reads a traceback in a shell or a test.

A typed error shows its caller nothing of the upstream; a note is part of a traceback and never of
an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware import KaikoError

if TYPE_CHECKING:
    from kaiko_middleware.upstream import Upstream

__all__ = ["Explaining", "Translating"]


class Explaining:
    """Adds a note to the typed error that is raised inside."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _cls: object, exc: BaseException | None, _traceback: object) -> None:
        """Name the upstream, its status and the category."""
        if isinstance(exc, KaikoError):
            _explain(exc)


class Translating:
    """Raises typed errors with a note instead of a client's exceptions.

    Arguments:
        upstream: the upstream that is called.

    """

    __slots__ = ("_find",)

    def __init__(self, upstream: Upstream) -> None:
        self._find = upstream.find_exception

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _cls: object, exc: BaseException | None, _traceback: object) -> None:
        """Raise the typed error for a client's exception; let all others pass."""
        error = self._find(exc) if isinstance(exc, Exception) else None
        if error is None:
            return
        _explain(error)
        if error is not exc:
            # One that was raised inside and wrapped by a client: `from exc` would make a cycle.
            raise error from error.__cause__ if error.__traceback__ else exc


def _explain(error: KaikoError) -> None:
    said = error.upstream
    if said is None:
        return
    answer = "gave no answer" if said.status is None else f"answered {said.status}"
    note = f"upstream {said.name!r} {answer}: {said.category}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)

"""Where an exception was raised: in some frameworks, its class alone does not tell.

Litestar's `ClientException` and Werkzeug's `BadRequest` are an unreadable body, or the service's
own. The frames of the traceback tell them apart, and hold what was validated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .safe_exception import traceback_of

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Frames"]


class Frames:
    """The frames that an exception came through.

    Arguments:
        exc: the exception.

    """

    def __init__(self, exc: BaseException) -> None:
        self._frames: dict[tuple[str, str], FrameType] = {}
        self.innermost: str = ""
        """The module that raised it."""
        traceback = traceback_of(exc)
        while traceback is not None:
            frame = traceback.tb_frame
            self.innermost = str(frame.f_globals.get("__name__", ""))
            self._frames[self.innermost, frame.f_code.co_name] = frame
            traceback = traceback.tb_next

    @property
    def root(self) -> str:
        """The library that raised it."""
        return self.innermost.partition(".")[0]

    def through(self, module: str, *functions: str) -> bool:
        """Whether it came through one of `functions`, or through any function of `module`."""
        return any(
            name == module and (not functions or function in functions)
            for name, function in self._frames
        )

    def locals_of(self, module: str, function: str) -> dict[str, Any]:
        """Return the local variables of a function; empty if it did not come through that."""
        frame = self._frames.get((module, function))
        return {} if frame is None else dict(frame.f_locals)

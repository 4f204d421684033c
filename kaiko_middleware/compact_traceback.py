"""Tracebacks short enough for every request's log.

The standard library's full text costs more than all the rest of an error answer together.
This walk names each frame with its line, says notes, causes and the members of groups, bounds
everything, survives cycles and exceptions that cannot be printed, redacts keys, and never
lets a message start a new line.
"""

from __future__ import annotations

import linecache
from functools import lru_cache
from typing import TYPE_CHECKING

from ._text import log_safe, safe_str
from .safe_exception import (
    cause_of,
    class_name,
    context_of,
    dict_of,
    is_client_error,
    members,
    module_name,
    suppresses_context,
    text_of,
    traceback_of,
)

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["compact_traceback", "describe"]

_FIRST_FRAMES = 4
_LAST_FRAMES = 12
_WITH_FRAMES = 16
_EXCEPTIONS = 256
_NOTES = 8
_TEXT = 512
_SHORT_TEXT = 128


def compact_traceback(exc: BaseException, traceback: TracebackType | None = None) -> str:
    """Return the exception, its notes, its frames, its causes and its members.

    Arguments:
        exc: the exception.
        traceback: where it came from, most recent call last; the exception's own if not given.
            An exception that travels on has more frames in its own.

    """
    lines: list[str] = []
    seen: set[int] = set()
    pending: list[tuple[str, BaseException]] = [("", exc)]
    while pending:
        prefix, current = pending.pop()
        if id(current) in seen:
            lines.append(f"{prefix}{_name(current)} (shown above)")
            continue
        if len(seen) == _EXCEPTIONS:
            lines.append(f"… and {len(pending) + 1} more")
            break
        seen.add(id(current))
        whole = len(seen) <= _WITH_FRAMES
        lines.append(f"{prefix}{describe(current, _TEXT if whole else _SHORT_TEXT)}")
        if whole:
            lines += _notes(current)
            first = current is exc and traceback is not None
            lines += _frames(traceback if first else traceback_of(current))
        inside = members(current)
        pending.extend(
            (f"member {number} of {len(inside)}: ", inside[number - 1])
            for number in range(len(inside), 0, -1)
        )
        cause, context = cause_of(current), context_of(current)
        if cause is not None:
            pending.append(("caused by ", cause))
        elif context is not None and not suppresses_context(current):
            pending.append(("while handling ", context))
    return "\n".join(lines)


def _name(exc: BaseException) -> str:
    cls = type(exc)
    module = module_name(cls)
    return class_name(cls) if module == "builtins" else f"{module}.{class_name(cls)}"


def describe(exc: BaseException, limit: int = _TEXT) -> str:
    """Return `module.Class: text` on one line, the text redacted and cut to `limit`."""
    text = _said(exc, exc, limit)
    return f"{_name(exc)}: {text}" if text else _name(exc)


def _said(text: object, exc: BaseException, limit: int = _TEXT) -> str:
    """Return what `exc` says of itself, or a note on it."""
    return log_safe(text_of(text) if is_client_error(exc) else safe_str(text), limit)


def _notes(exc: BaseException) -> list[str]:
    # What a subclass says instead, of itself or of its notes, may raise anything.
    kept: dict[str, list[object]] = dict_of(exc)
    notes = kept.get("__notes__")
    if type(notes) is not list:
        return []
    lines = [f"  note: {_said(str.__str__(safe_str(note)), exc)}" for note in notes[:_NOTES]]
    left_out = len(notes) - _NOTES
    return [*lines, f"  … and {left_out} more notes"] if left_out > 0 else lines


def _frames(traceback: TracebackType | None) -> list[str]:
    frames: list[TracebackType] = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    left_out = len(frames) - _FIRST_FRAMES - _LAST_FRAMES
    if left_out <= 0:
        return [_frame(item) for item in frames]
    lines = [_frame(item) for item in (*frames[:_FIRST_FRAMES], *frames[-_LAST_FRAMES:])]
    lines.insert(_FIRST_FRAMES, f"  … {left_out} frames")
    return lines


def _frame(item: TracebackType) -> str:
    frame = item.tb_frame
    code, module = frame.f_code, frame.f_globals
    name, loader = module.get("__name__"), module.get("__loader__")
    where = code.co_filename, item.tb_lineno, code.co_qualname
    try:
        return _remembered_frame(*where, name, loader)
    except TypeError:  # a loader without a hash
        return _frame_text(*where, name, loader)


def _frame_text(filename: str, number: int, function: str, name: object, loader: object) -> str:
    module = {"__name__": name, "__loader__": loader}
    try:
        source = linecache.getline(filename, number, module).strip()
    except Exception:  # noqa: BLE001 - an importer's get_source may raise anything
        source = ""
    text = f"  {filename}:{number} in {function}"
    return f"{text}: {log_safe(source, 160)}" if source else text


# In an error storm the same frames come again and again, and a source line is slow to find.
_remembered_frame = lru_cache(maxsize=512)(_frame_text)

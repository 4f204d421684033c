"""Tracebacks short enough for every request's log.

The standard library's full text costs more than all the rest of an error answer together.
This walk names each frame with its line, says notes, causes and the members of groups, bounds
everything, survives cycles and exceptions that cannot be printed, redacts keys, and never
lets a message start a new line.
"""

from __future__ import annotations

import linecache
from functools import lru_cache
from traceback import walk_tb
from typing import TYPE_CHECKING

from ._text import log_safe, safe_str
from .safe_exception import (
    cause_of,
    class_name,
    context_of,
    dict_of,
    is_client_error,
    may_quote,
    members,
    module_name,
    suppresses_context,
    text_of,
    traceback_of,
)

if TYPE_CHECKING:
    from types import CodeType, TracebackType

__all__ = ["compact_traceback", "describe"]

_FIRST_FRAMES = 4
_LAST_FRAMES = 12
_WITH_FRAMES = 16
_EXCEPTIONS = 256
_NOTES = 8
_TEXT = 512
_SHORT_TEXT = 128
_REMEMBERED = 512
_WALKS_REMEMBERED = 64
_LONGEST_REMEMBERED = 64  # frames


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
        if inside:
            pending += [
                (f"member {number} of {len(inside)}: ", inside[number - 1])
                for number in range(len(inside), 0, -1)
            ]
        cause, context = cause_of(current), context_of(current)
        if cause is not None:
            pending.append(("caused by ", cause))
        elif context is not None and not suppresses_context(current):
            pending.append(("while handling ", context))
    return "\n".join(lines)


def _name(exc: BaseException) -> str:
    cls: type = type(exc)
    return _name_of(cls)


@lru_cache(maxsize=256)
def _name_of(cls: type) -> str:
    module = module_name(cls)
    return class_name(cls) if module == "builtins" else f"{module}.{class_name(cls)}"


def describe(exc: BaseException, limit: int = _TEXT) -> str:
    """Return `module.Class: text` on one line, the text redacted and cut to `limit`."""
    name, text = _name(exc), _said(exc, exc, limit)
    return f"{name}: {text}" if text else name


def _said(text: object, exc: BaseException, limit: int = _TEXT) -> str:
    """Return what `exc` says of itself, or a note on it."""
    said = safe_str(text)
    return log_safe(text_of(said) if may_quote(said) and is_client_error(exc) else said, limit)


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
    walk: list[int] = []
    item = traceback
    while item is not None:
        # Not by the codes themselves: to hash or to compare one takes all of its parts.
        walk.append(id(item.tb_frame.f_code))
        walk.append(item.tb_lasti)
        item = item.tb_next
    depth = len(walk) // 2
    if depth > _LONGEST_REMEMBERED:
        return _lines(traceback, depth)
    key = tuple(walk)
    known = _known_walks.get(key)
    if known is None:
        if len(_known_walks) >= _WALKS_REMEMBERED:  # threads may have passed it
            _known_walks.clear()
        codes = [frame.f_code for frame, _ in walk_tb(traceback)]
        known = _known_walks[key] = codes, _lines(traceback, depth)
    return known[1]


def _lines(traceback: TracebackType | None, depth: int) -> list[str]:
    left_out = depth - _FIRST_FRAMES - _LAST_FRAMES
    lines: list[str] = []
    number = 0
    while traceback is not None:
        number += 1
        if number <= _FIRST_FRAMES or number > _FIRST_FRAMES + left_out:
            code = traceback.tb_frame.f_code
            known = _known_frames.get((id(code), traceback.tb_lasti))
            lines.append(known[1] if known is not None and known[0] is code else _frame(traceback))
        traceback = traceback.tb_next
    if left_out > 0:
        lines.insert(_FIRST_FRAMES, f"  … {left_out} frames")
    return lines


# In an error storm the same exception comes the same way again and again. The codes are kept
# with the lines, so that no other one gets the id of theirs.
_known_walks: dict[tuple[int, ...], tuple[list[CodeType], list[str]]] = {}
# Other ways have frames in common, and a source line is slow to find.
_known_frames: dict[tuple[int, int], tuple[CodeType, str]] = {}


def _frame(item: TracebackType) -> str:
    frame = item.tb_frame
    code = frame.f_code
    text = f"  {code.co_filename}:{item.tb_lineno} in {code.co_qualname}"
    try:
        source = linecache.getline(code.co_filename, item.tb_lineno, frame.f_globals).strip()
    except Exception:  # noqa: BLE001 - an importer's get_source may raise anything
        source = ""
    if source:
        text += f": {log_safe(source, 160)}"
    if len(_known_frames) >= _REMEMBERED:
        _known_frames.clear()
    _known_frames[id(code), item.tb_lasti] = code, text
    return text

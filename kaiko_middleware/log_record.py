"""The log record of an exception, whose traceback is rendered when it is first read.

The text of a traceback costs more than the rest of an error answer, and not every record is
formatted. Until somebody reads its text, a record's class is a subclass of what the service's
record factory made. Reading `exc_text` or `__dict__`, a copy and a pickle render the text and
give the record its own class back, so nothing of ours is left on it.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .compact_traceback import compact_traceback
from .safe_exception import class_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["ExcInfo", "rendered", "waiting_class"]


class ExcInfo(tuple[type[BaseException], BaseException, TracebackType | None]):
    """An `exc_info` that does not leave its process: a pickle holds None in its place."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _waiting_class(plain: type[logging.LogRecord]) -> type[logging.LogRecord]:
    """Return the class of a record of the class `plain` whose text nobody has read.

    Raises:
        TypeError: the class keeps its text in another way, or refuses to have a subclass.

    """
    if logging.LogRecord not in plain.__mro__ or hasattr(plain, "exc_text"):
        raise TypeError(plain)  # a record that keeps its text in some other way

    def reduce(record: logging.LogRecord, protocol: int) -> str | tuple[Any, ...]:
        _finish(record, plain)
        return record.__reduce_ex__(protocol)

    members = {
        "__slots__": (),
        "__module__": plain.__module__,
        "__reduce_ex__": reduce,
        "__dict__": _finishing("__dict__", plain),
        "exc_text": _finishing("exc_text", plain),
    }
    return type(plain.__name__, (plain,), members)


waiting_class: Callable[[type], type] = lru_cache(maxsize=16)(_waiting_class)
"""`_waiting_class`, remembered: a process has one or two classes of records."""


def _finishing(name: str, plain: type[logging.LogRecord]) -> property:
    """Return an attribute of a waiting record, which is one no more when the attribute is used."""

    def read(record: logging.LogRecord) -> object:
        _finish(record, plain)
        return getattr(record, name)

    def write(record: logging.LogRecord, value: object) -> None:
        record.__class__ = plain
        setattr(record, name, value)

    def remove(record: logging.LogRecord) -> None:
        record.__class__ = plain
        delattr(record, name)

    return property(read, write, remove)


def _finish(record: logging.LogRecord, plain: type[logging.LogRecord]) -> None:
    text = rendered(record)
    if type(record) is not plain:  # else another thread has read or set the text meanwhile
        # The text comes first: other threads see a record that waits, or one that has it.
        vars(logging.LogRecord)["__dict__"].__get__(record)["exc_text"] = text
        record.__class__ = plain


def rendered(record: logging.LogRecord) -> str | None:
    """Return the text of a record's exception; None if somebody has removed the exception."""
    exc: BaseException | None = None
    try:
        _, exc, traceback = record.exc_info or (None, None, None)
        return None if exc is None else compact_traceback(exc, traceback)
    except Exception:  # noqa: BLE001 - an error's record never fails
        of = "" if exc is None else f" of {class_name(type(exc))}"
        return f"<unprintable traceback{of}>"

"""The notes of an exception are in its compact traceback, and can do no harm there."""

from __future__ import annotations

from typing import NoReturn

import pytest

from kaiko_middleware.compact_traceback import compact_traceback
from unit.support import KEYS


class Hostile(str):
    """A text that can do nothing."""

    __slots__ = ()

    def fail(self, *_: object) -> NoReturn:
        raise RuntimeError

    __str__ = __repr__ = __len__ = isprintable = fail


class Unprintable:
    """An object without a text."""

    def __str__(self) -> str:
        raise RuntimeError


def noted(*notes: object, exc: Exception | None = None) -> Exception:
    """Return an exception with these notes, strings or not."""
    exc = exc or ValueError("text")
    exc.__dict__["__notes__"] = list(notes)
    return exc


def lines_of(exc: BaseException) -> list[str]:
    """Return what is said of an exception."""
    return compact_traceback(exc).splitlines()


def test_notes_follow_the_text_of_their_exception() -> None:
    """In their order, before the frames."""
    exc = ValueError("text")
    exc.add_note("first")
    exc.add_note("second")
    try:
        raise exc
    except ValueError:
        lines = lines_of(exc)
    assert lines[:3] == ["ValueError: text", "  note: first", "  note: second"]
    assert "in test_notes_follow" in lines[3]


def test_causes_and_members_have_notes_too() -> None:
    """Each under its own line."""
    cause = noted("of the cause", exc=KeyError("k"))
    group = ExceptionGroup("batch", [ValueError("plain"), noted("of the member")])
    group.__cause__ = cause
    group.add_note("of the group")
    assert lines_of(group) == [
        "ExceptionGroup: batch (2 sub-exceptions)",
        "  note: of the group",
        "caused by KeyError: 'k'",
        "  note: of the cause",
        "member 1 of 2: ValueError: plain",
        "member 2 of 2: ValueError: text",
        "  note: of the member",
    ]


@pytest.mark.parametrize("key", KEYS)
def test_no_note_tells_a_key(key: str) -> None:
    """Redacted like every text in a log."""
    text = compact_traceback(noted(f"called with {key} as key"))
    assert "***" in text
    assert key not in text


def test_a_client_s_note_tells_no_path() -> None:
    """An HTTP client's text is cut at the path of a URL, and so is a note on it."""
    client_error = type("ConnectError", (Exception,), {"__module__": "httpx"})("failed")
    (_, note) = lines_of(noted("for https://u:p@host/path?token=secret", exc=client_error))
    assert note == "  note: for https://***@host/***"


def test_a_note_is_one_short_line() -> None:
    """It can neither pretend to be a frame nor fill the log."""
    broken, long = lines_of(noted("a\nb\r\u2028\x1b[31m", "x" * 10_000))[1:]
    assert broken == "  note: a\\nb\\r\\u2028\\x1b[31m"
    assert len(long) < 600


def test_many_notes_are_eight_and_a_number() -> None:
    """However many a loop adds."""
    lines = lines_of(noted(*range(1000)))
    assert lines[8:] == ["  note: 7", "  … and 992 more notes"]
    assert len(lines_of(noted(*range(8)))) == 9


def test_a_note_that_is_no_string_is_told_as_one() -> None:
    """Whatever it is, and whatever it does."""
    lines = lines_of(noted(1, None, Unprintable(), Hostile("x")))
    assert lines[1:] == [
        "  note: 1",
        "  note: None",
        "  note: <unprintable Unprintable object>",
        "  note: <unprintable Hostile object>",
    ]


@pytest.mark.parametrize(
    "notes",
    ["text", None, 1, ("tuple",), {"a": 1}, Hostile("x")],
    ids=lambda notes: type(notes).__name__,
)
def test_notes_that_are_no_list_are_none(notes: object) -> None:
    """Python makes a list; what else somebody puts there is no note."""
    exc = ValueError("text")
    exc.__dict__["__notes__"] = notes
    assert lines_of(exc) == ["ValueError: text"]


def test_a_class_that_fails_to_say_its_notes_has_none() -> None:
    """It is not asked."""

    def broken(*_: object) -> NoReturn:
        raise SystemExit

    members = {"__notes__": property(broken), "__getattribute__": broken, "__module__": "service"}
    exc: Exception = type("BrokenError", (Exception,), members)("text")
    assert lines_of(exc) == ["service.BrokenError: text"]

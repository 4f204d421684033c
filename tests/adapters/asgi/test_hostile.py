"""Exceptions that do not want to be handled: they are answered, and logged, like any other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from adapters.asgi.apps import error_of, kaiko, raises, said, streams
from adapters.asgi.server import ask, connect
from kaiko_middleware import Config, ErrorReport, ExceptionMapping, KaikoError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi import Receive, Scope, Send


class Unprintable(Exception):
    """Neither its text nor its representation can be had."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("no text")

    def __repr__(self) -> NoReturn:
        raise RuntimeError("no representation")


class Unequal(Exception):
    """It cannot be compared, hashed or changed."""

    def __eq__(self, other: object) -> NoReturn:
        raise RuntimeError("not comparable")

    __hash__ = None  # type: ignore[assignment]  # that is what goes wrong

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(name)


class Endless(ExceptionGroup[Exception]):
    """It says that it holds itself."""

    @property
    def exceptions(self) -> Any:
        """Itself."""
        return (self,)


class Closed(ExceptionGroup[Exception]):
    """It does not say what it holds."""

    @property
    def exceptions(self) -> NoReturn:
        """Fail."""
        raise RuntimeError("no members")


class Unreadable(Exception):
    """None of its attributes can be read."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError("no attributes")


class UnreadableError(NotFoundError):
    """A service's own, of which none can be read either."""

    def __init__(self) -> None:
        """Leave out the base's, which reads some."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError("no attributes")


class _Nameless(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in {"__module__", "__qualname__"}:
            raise RuntimeError(name)
        return super().__getattribute__(name)


class Nameless(Exception, metaclass=_Nameless):
    """Its class has no name to be found by."""


def _cycle() -> Exception:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    return first


def _self_context() -> Exception:
    inner, outer = ValueError("a"), KeyError("b")
    inner.__context__, outer.__context__ = outer, inner
    return outer


def _deep_group(depth: int = 200) -> Exception:
    group: Exception = ValueError("secret")
    for _ in range(depth):
        members: list[Exception] = [group]
        group = ExceptionGroup("g", members)
    return group


def _deep_cause(depth: int = 5000) -> Exception:
    exc: Exception = ValueError("secret")
    for _ in range(depth):
        outer = KeyError("b")
        outer.__cause__ = exc
        exc = outer
    return exc


def _long() -> Exception:
    return ValueError("x" * 10_000_000)


def _surrogates() -> Exception:
    return ValueError("\ud800\x00\r\n\u2028\x1b[31m")


_HOSTILE: dict[str, Callable[[], BaseException]] = {
    "unprintable": Unprintable,
    "unequal": Unequal,
    "cycle of causes": _cycle,
    "cycle of contexts": _self_context,
    "deep group": _deep_group,
    "deep causes": _deep_cause,
    "long": _long,
    "surrogates": _surrogates,
    "memory": MemoryError,
    "group of unprintables": lambda: ExceptionGroup("g", [Unprintable(), Unprintable()]),
    "stop": StopAsyncIteration,
    "endless group": lambda: Endless("g", [ValueError("secret")]),
    "closed group": lambda: Closed("g", [ValueError("secret")]),
    "unreadable": lambda: Unreadable("secret"),
    "group of unreadables": lambda: ExceptionGroup("g", [Unreadable("secret")]),
    "nameless": lambda: Nameless("secret"),
    "class": lambda: type("X" * 10_000, (Exception,), {})("a"),
}

hostile = pytest.mark.parametrize("name", _HOSTILE)


def _recurse() -> int:
    return _recurse() + 1


@hostile
@pytest.mark.parametrize("reraise", [True, False])
def test_it_is_answered(name: str, *, reraise: bool, caplog: pytest.LogCaptureFixture) -> None:
    """500, one record that fits on a screen, and the exception itself to who wants it."""
    reports: list[ErrorReport] = []
    made = _HOSTILE[name]()
    app = kaiko(raises(lambda: made), Config(reraise=reraise, on_error=[reports.append]))
    answer = ask(app)
    assert error_of(answer)["code"] == "internal"
    assert (answer.raised is made) is reraise
    assert [level for level, _ in said(caplog)] == ["ERROR"]
    assert len(caplog.text) < 20_000
    assert [report.exception is made for report in reports] == [True]


@hostile
def test_it_ends_a_stream(name: str) -> None:
    """The last event says it."""

    async def fails() -> None:
        made = _HOSTILE[name]()
        raise made

    answer = ask(kaiko(streams(b"data: 1\n\n", fails, kind=b"text/event-stream")))
    assert answer.whole
    assert b'"code":"internal"' in answer.body


@hostile
def test_it_closes_a_socket(name: str) -> None:
    """So does the close."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        made = _HOSTILE[name]()
        raise made

    seen = connect(kaiko(app))
    assert seen.closed is not None
    assert seen.closed[0] == 1011


def test_a_typed_error_that_cannot_be_read_is_a_bug() -> None:
    """As an answer, at the end of a stream and at the end of a socket."""

    async def fails() -> None:
        raise UnreadableError

    async def socket(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise UnreadableError

    assert error_of(ask(kaiko(raises(UnreadableError))))["code"] == "internal"
    stream = ask(kaiko(streams(b"data: 1\n\n", fails, kind=b"text/event-stream")))
    assert b'"code":"internal"' in stream.body
    closed = connect(kaiko(socket)).closed
    assert closed is not None
    assert closed[0] == 1011
    assert closed[1].startswith("internal req-")


def test_a_real_recursion_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    """Its traceback has a thousand frames; the log shows the ends of it."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        _recurse()

    answer = ask(kaiko(app))
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, RecursionError)
    assert "frames" in caplog.text
    assert len(caplog.text) < 20_000


def test_a_mapping_that_fails_is_a_bug_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """The exception is then unmapped, and both are in the log."""
    mapping = ExceptionMapping()

    def fails(_exc: LookupError) -> KaikoError:
        raise KeyError("handler")

    mapping.register(LookupError, fails)
    answer = ask(kaiko(raises(lambda: LookupError("original")), Config(mapping=mapping)))
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, LookupError)
    assert "handler" in caplog.text
    assert "original" in caplog.text


def test_a_broken_typed_error_is_internal() -> None:
    """A subclass that spoils its own attributes is answered as what it is: a bug."""

    class Broken(NotFoundError):
        def __init__(self) -> None:
            """Forget the parent's."""

        def __getattribute__(self, name: str) -> object:
            if name == "message":
                raise RuntimeError(name)
            return super().__getattribute__(name)

    answer = ask(kaiko(raises(Broken)))
    assert error_of(answer)["type"] in {"server_error", "not_found_error"}


@pytest.mark.parametrize("broken", ["filter", "handler"])
def test_a_log_that_fails_is_no_reason_not_to_answer(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer goes out, and the exception goes on."""

    def fails(*_args: Any) -> NoReturn:
        raise RuntimeError("the log is broken")

    logger = logging.getLogger("kaiko")
    if broken == "filter":
        monkeypatch.setattr(logger, "filters", [fails])
    else:
        handler = logging.Handler()
        monkeypatch.setattr(handler, "handle", fails)
        monkeypatch.setattr(logger, "handlers", [handler])
    answer = ask(kaiko(raises(lambda: ValueError("secret"))))
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, ValueError)


def test_one_exception_object_may_be_raised_for_many_requests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A constant that is raised again and again is reported each time, with each id."""
    constant = ValueError("constant")
    app = kaiko(kaiko(raises(lambda: constant)))
    ids = [ask(app).id for _ in range(3)]
    assert [record.__dict__["request_id"] for record in caplog.records] == ids


def test_it_shows_nothing_of_itself() -> None:
    """Neither text nor class nor path of an unmapped exception goes out."""
    answer = ask(kaiko(raises(lambda: ValueError("/srv/secret kaiko_live_abc"))))
    assert b"secret" not in answer.body
    assert b"ValueError" not in answer.body
    assert all("secret" not in value for _, value in answer.headers)

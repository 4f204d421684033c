"""A traceback is rendered when somebody reads it, once, and everybody who reads it sees it."""

from __future__ import annotations

import copy
import gc
import inspect
import io
import json
import logging
import logging.handlers
import pickle
import queue
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter

from kaiko_middleware import compact_traceback as traceback_module
from kaiko_middleware import log_record
from kaiko_middleware.log_record import ExcInfo
from kaiko_middleware.report import report_failure
from unit.support import REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST_LINE = "LookupError: a bug"
logger = logging.getLogger("kaiko")


class BugError(LookupError):
    """An exception that can be watched."""


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The exceptions whose traceback was rendered."""
    rendered: list[BaseException] = []

    def render(exc: BaseException, *others: Any) -> str:
        rendered.append(exc)
        return traceback_module.compact_traceback(exc, *others)

    monkeypatch.setattr(log_record, "compact_traceback", render)
    return rendered


class Keep(logging.Handler):
    """Keeps records, and looks at nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the logger `kaiko` have these handlers and no other."""

    def only(*handlers: logging.Handler) -> None:
        monkeypatch.setattr(logger, "handlers", list(handlers))
        monkeypatch.setattr(logger, "propagate", False)

    return only


def fail(cls: type[LookupError] = LookupError) -> NoReturn:
    """Raise an exception."""
    raise cls("a bug")


def caught(cls: type[LookupError] = LookupError) -> LookupError:
    """Return an exception with its traceback."""
    try:
        fail(cls)
    except LookupError as exc:
        return exc


def report(exc: BaseException | None = None) -> None:
    """Log an unmapped exception."""
    report_failure(exc or caught(), REQUEST, "late")


@pytest.fixture
def record(only: Callable[..., None]) -> logging.LogRecord:
    """A record that nobody has read."""
    keep = Keep()
    only(keep)
    report()
    (record,) = keep.records
    return record


# --- when ------------------------------------------------------------------------------------


def test_what_nobody_reads_is_not_rendered(
    only: Callable[..., None], renders: list[BaseException]
) -> None:
    """A handler that keeps the record has read nothing."""
    keep = Keep()
    only(keep)
    report()
    assert len(keep.records) == 1
    assert renders == []


def test_a_handler_that_prints_the_message_alone_reads_nothing(
    only: Callable[..., None], renders: list[BaseException]
) -> None:
    """Nor do a filter and a handler that ask for other attributes."""
    said: list[str] = []

    class Short(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.levelname} {record.getMessage()}")

    short = Short()
    short.addFilter(lambda record: record.exc_info is not None and hasattr(record, "request_id"))
    only(short)
    report()
    assert len(said) == 1
    assert renders == []


def test_a_text_is_rendered_once_whoever_reads_it(
    record: logging.LogRecord, renders: list[BaseException]
) -> None:
    """Two formatters, an attribute and `__dict__`."""
    printed = [logging.Formatter().format(record) for _ in range(2)]
    assert printed[0] == printed[1]
    assert printed[0].splitlines()[1] == FIRST_LINE
    assert record.exc_text == vars(record)["exc_text"]
    assert len(renders) == 1


def test_a_copy_made_to_format_it_renders_nothing_again(
    record: logging.LogRecord, renders: list[BaseException]
) -> None:
    """Formatters with colours, uvicorn's among them, format a copy."""

    class Coloured(logging.Formatter):
        def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
            return super().formatMessage(copy.copy(record))

    assert FIRST_LINE in Coloured("%(message)s").format(record)
    assert len(renders) == 1


def test_the_frames_are_those_of_when_it_was_logged(
    only: Callable[..., None],
) -> None:
    """An exception that is raised again collects those of the server as well."""
    keep = Keep()
    only(keep)

    def logs() -> None:
        try:
            fail()
        except LookupError as exc:
            report(exc)
            raise

    def serves() -> None:
        logs()

    with pytest.raises(LookupError):
        serves()
    (record,) = keep.records
    text = record.exc_text or ""
    assert [line.partition(" in ")[2].partition(":")[0] for line in text.splitlines()[1:]] == [
        "test_the_frames_are_those_of_when_it_was_logged.<locals>.logs",
        "fail",
    ]


def loads(pickled: bytes) -> Any:
    """Return what a process that was sent `pickled` has."""
    return pickle.loads(pickled)  # noqa: S301 - our own


# --- who reads -------------------------------------------------------------------------------

READS: dict[str, Callable[[logging.LogRecord], object]] = {
    "attribute": lambda record: record.exc_text,
    "getattr": lambda record: getattr(record, "exc_text", None),
    "__dict__": lambda record: record.__dict__["exc_text"],
    "vars": lambda record: dict(vars(record))["exc_text"],
    "format": lambda record: logging.Formatter("%(exc_text)s").formatMessage(record),
    "copy": lambda record: copy.copy(record).exc_text,
    "copy's __dict__": lambda record: vars(copy.copy(record))["exc_text"],
    "deepcopy": lambda record: copy.deepcopy(record).exc_text,
    "makeLogRecord": lambda record: logging.makeLogRecord(record.__dict__).exc_text,
    "pickle": lambda record: loads(pickle.dumps(record)).exc_text,
    "the oldest pickle": lambda record: loads(pickle.dumps(record, 0)).exc_text,
}


@pytest.mark.parametrize("way", READS)
def test_every_way_of_reading_shows_the_text(
    record: logging.LogRecord, renders: list[BaseException], way: str
) -> None:
    """The first time and after, and the record is then one of the service's own class."""
    text = READS[way](record)
    assert isinstance(text, str)
    assert text.splitlines()[0] == FIRST_LINE
    assert READS[way](record) == text
    assert type(record) is logging.LogRecord
    assert len(renders) == 1


def test_a_copy_keeps_the_exception_and_a_pickle_only_its_text(record: logging.LogRecord) -> None:
    """No exception and no traceback has to be pickled, and nothing of ours to be loaded."""
    assert record.exc_info
    for twin in (copy.copy(record), copy.deepcopy(record), logging.makeLogRecord(vars(record))):
        assert type(twin) is logging.LogRecord
        assert twin.exc_info == record.exc_info
    assert copy.copy(record.exc_info) is record.exc_info
    pickled = pickle.dumps(record)
    assert b"kaiko_middleware._" not in pickled
    loaded = loads(pickled)
    assert type(loaded) is logging.LogRecord
    assert loaded.exc_info is None
    assert vars(loaded)["request_id"] == REQUEST.request_id


def test_a_waiting_record_looks_like_any_other(record: logging.LogRecord) -> None:
    """Its class is one of the service's, by name too, and can be looked at."""
    assert isinstance(record, logging.LogRecord)
    assert (type(record).__name__, type(record).__module__) == ("LogRecord", "logging")
    assert dict(inspect.getmembers(type(record)))["exc_text"] is not None
    assert "status" not in dir(record)
    assert "path" in dir(record)


# --- who writes ------------------------------------------------------------------------------


def test_a_text_that_is_set_is_kept(
    record: logging.LogRecord, renders: list[BaseException]
) -> None:
    """A filter that wants none, or another one, says so."""
    record.exc_text = "mine"
    assert (record.exc_text, vars(record)["exc_text"]) == ("mine", "mine")
    assert renders == []


def test_a_text_that_is_removed_is_gone(
    record: logging.LogRecord, renders: list[BaseException]
) -> None:
    """As that of any record is."""
    del record.exc_text
    assert not hasattr(record, "exc_text")
    assert renders == []


def test_attributes_that_are_replaced_are_replaced(
    record: logging.LogRecord, renders: list[BaseException]
) -> None:
    """All of them at once."""
    record.__dict__ = {"exc_text": "mine", "msg": "m"}
    assert (record.exc_text, record.msg) == ("mine", "m")
    assert renders == []


def test_an_exception_that_was_removed_has_no_text(record: logging.LogRecord) -> None:
    """Who removes the exception before anybody formatted it wants no traceback."""
    record.exc_info = None
    assert record.exc_text is None
    assert logging.Formatter().format(record) == record.getMessage()


def test_a_text_that_another_thread_sets_meanwhile_stays(
    record: logging.LogRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last word is the other's."""

    def render(*_: object) -> str:
        record.exc_text = "the other's"
        return "ours"

    monkeypatch.setattr(log_record, "compact_traceback", render)
    assert record.exc_text == "the other's"


def test_a_record_keeps_no_exception_alive(only: Callable[..., None]) -> None:
    """Nothing of ours holds it once `exc_info` is gone."""
    keep = Keep()
    only(keep)
    exc = caught(BugError)
    report(exc)
    (record,) = keep.records
    watched = weakref.ref(exc)
    del exc
    record.exc_info = None
    gc.collect()
    assert watched() is None


# --- what fails ------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [ValueError, RecursionError, MemoryError])
def test_a_rendering_that_fails_is_a_short_text(
    record: logging.LogRecord, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    """A record of an error never fails."""

    def render(*_: object) -> NoReturn:
        raise failure

    monkeypatch.setattr(log_record, "compact_traceback", render)
    assert record.exc_text == "<unprintable traceback of LookupError>"


def test_an_exc_info_of_another_kind_is_a_short_text(record: logging.LogRecord) -> None:
    """A filter may put anything there."""
    setattr(record, "exc_info", 1)  # noqa: B010 - no checker lets it pass
    assert record.exc_text == "<unprintable traceback>"


# --- other processes and threads -------------------------------------------------------------


def listened(only: Callable[..., None], handler: logging.handlers.QueueHandler) -> str:
    """Return what a listener's thread prints of the record that a queue handler was given."""
    stream = io.StringIO()
    printer = logging.StreamHandler(stream)
    printer.setFormatter(logging.Formatter("%(threadName)s %(message)s"))
    listener = logging.handlers.QueueListener(handler.queue, printer)
    only(handler)
    report()
    listener.start()
    listener.stop()
    return stream.getvalue()


def test_a_queue_handler_formats_before_it_queues(
    only: Callable[..., None], renders: list[BaseException]
) -> None:
    """The text is in the message of the copy, once."""
    printed = listened(only, logging.handlers.QueueHandler(queue.SimpleQueue()))
    assert printed.count(FIRST_LINE) == 1
    assert len(renders) == 1


def test_a_listener_may_be_the_first_to_read(
    only: Callable[..., None], renders: list[BaseException]
) -> None:
    """Of a queue handler that hands over the record as it is."""

    class AsItIs(logging.handlers.QueueHandler):
        def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
            return record

    printed = listened(only, AsItIs(queue.SimpleQueue()))
    assert printed.count(FIRST_LINE) == 1
    assert "in fail: raise cls" in printed
    assert len(renders) == 1


def test_a_socket_handler_sends_the_text(record: logging.LogRecord) -> None:
    """As the dict that a receiver makes a record of."""
    handler = logging.handlers.SocketHandler("127.0.0.1", None)
    sent = loads(handler.makePickle(record)[4:])
    received = logging.makeLogRecord(sent)
    assert received.exc_info is None
    assert (received.exc_text or "").splitlines()[0] == FIRST_LINE


def test_threads_that_read_at_once_see_one_text(record: logging.LogRecord) -> None:
    """Whichever comes first."""
    threads = 8
    start = threading.Barrier(threads)
    seen: list[object] = []

    def read() -> None:
        start.wait()
        seen.append((record.exc_text, vars(record)["exc_text"]))

    readers = [threading.Thread(target=read) for _ in range(threads)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(seen) == threads
    assert set(seen) == {(record.exc_text, record.exc_text)}


# --- a service's own records -----------------------------------------------------------------


class Tagged(logging.LogRecord):
    """A class of a service's own, with something to say in each record."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.tag = "service"


class Slotted(logging.LogRecord):
    """One with a slot beside its dict."""

    __slots__ = ("tag",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.tag = "service"


class TextInASlot(Tagged):
    """One that keeps the text elsewhere."""

    __slots__ = ("exc_text",)


class Final(Tagged):
    """One that refuses to have a subclass."""

    def __init_subclass__(cls) -> None:
        raise TypeError("final")


class Duck:
    """One that is no `LogRecord` at all."""

    def __init__(self, *args: Any) -> None:
        vars(self).update(vars(Tagged(*args)))

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        return "quack"


@pytest.fixture
def factory() -> Iterator[Callable[[Any], None]]:
    """Set a record factory, and put the first one back."""
    before = logging.getLogRecordFactory()
    yield logging.setLogRecordFactory
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize(
    ("cls", "waits"),
    [(Tagged, True), (Slotted, True), (TextInASlot, False), (Final, False), (Duck, False)],
)
def test_a_services_own_record_stays_its_own(
    factory: Callable[[Any], None],
    only: Callable[..., None],
    renders: list[BaseException],
    cls: type,
    *,
    waits: bool,
) -> None:
    """And its text is rendered when it is read, if its class can wait for that; else at once."""
    keep = Keep()
    only(keep)
    factory(lambda *args, **_: cls(*args[:7]))
    report()
    (record,) = keep.records
    assert isinstance(record, cls)
    assert len(renders) == (0 if waits else 1)
    assert logging.Formatter().format(record).splitlines()[1] == FIRST_LINE
    assert type(record) is cls
    assert vars(copy.copy(record))["request_id"] == REQUEST.request_id
    assert getattr(copy.copy(record), "tag", None) == "service"
    assert len(renders) == 1


# --- formatters ------------------------------------------------------------------------------


class OfItsDict(logging.Formatter):
    """A formatter as many services have one: whatever is in `__dict__`, as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({k: v for k, v in record.__dict__.items() if k != "exc_info"})


def test_a_formatter_that_reads_the_dict_shows_the_text(record: logging.LogRecord) -> None:
    """No attribute is read."""
    said = json.loads(OfItsDict().format(record))
    assert said["exc_text"].splitlines()[0] == FIRST_LINE


def test_python_json_logger_shows_our_fields_and_the_exception(record: logging.LogRecord) -> None:
    """It renders `exc_info` by itself, and shows our text where that is gone."""
    said = json.loads(JsonFormatter().format(record))
    assert said["request_id"] == REQUEST.request_id
    assert "LookupError: a bug" in said["exc_info"]
    loaded = loads(pickle.dumps(record))
    said = json.loads(JsonFormatter().format(loaded))
    assert said["exc_info"].splitlines()[0] == FIRST_LINE


def test_structlog_shows_our_fields_and_the_exception(record: logging.LogRecord) -> None:
    """Its formatter makes a record of ours's `__dict__` and is given `exc_info`."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), structlog.processors.format_exc_info],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    said = json.loads(formatter.format(record))
    assert said["request_id"] == REQUEST.request_id
    assert "LookupError: a bug" in said["exception"]


def test_an_exc_info_is_what_python_gives() -> None:
    """A tuple of three, equal to the plain one."""
    try:
        fail()
    except LookupError:
        plain = sys.exc_info()
    assert plain[1] is not None
    assert ExcInfo(plain) == plain
    assert logging.Formatter().formatException(ExcInfo(plain)).endswith("LookupError: a bug")


def test_only_so_many_frames_are_remembered() -> None:
    """A service may compile code as it goes."""
    for number in range(600):
        made = compile("raise ValueError", f"made-{number}", "exec")
        with pytest.raises(ValueError, match=r"^$") as caught:
            exec(made)  # noqa: S102 - the test's own
        text = traceback_module.compact_traceback(caught.value)
        assert f"made-{number}:1 in <module>" in text
    assert len(traceback_module._known_frames) <= 512
    assert len(traceback_module._known_walks) <= 64


def recurse(times: int) -> NoReturn:
    """Fail some frames deep."""
    if times:
        recurse(times - 1)
    fail()


@pytest.mark.parametrize("times", [1, 200])
def test_the_same_way_is_told_alike_again(times: int) -> None:
    """A short one is remembered; a long one would take much memory."""
    told: list[str] = []
    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            recurse(times)
        told.append(traceback_module.compact_traceback(caught.value))
    assert told[0] == told[1]
    assert ("… 187 frames" in told[0]) is (times == 200)

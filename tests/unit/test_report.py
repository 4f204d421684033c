"""One log record per error answer, safe in every field, and hooks that can do no harm."""

from __future__ import annotations

import io
import json
import linecache
import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given

from kaiko_middleware import (
    AuthenticationError,
    Config,
    ConflictError,
    ErrorReport,
    ForbiddenError,
    InvalidValueError,
    KaikoError,
    NotFoundError,
    RateLimitError,
    RequestIdFilter,
    ServerError,
    ServiceUnavailableError,
)
from kaiko_middleware.compact_traceback import compact_traceback, describe
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.ids import reset_request_id, set_request_id
from kaiko_middleware.make_error import error_for_status
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import (
    RequestInfo,
    report_disconnect,
    report_error,
    report_failure,
    report_note,
)
from kaiko_middleware.upstream import UpstreamDetails
from unit.support import KEYS, REQUEST, REQUEST_ID, any_text

if TYPE_CHECKING:
    from collections.abc import Iterator

INFO, WARNING, ERROR, DEBUG = logging.INFO, logging.WARNING, logging.ERROR, logging.DEBUG


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (error_for_status(400), INFO),
        (AuthenticationError(), WARNING),
        (error_for_status(402), INFO),
        (ForbiddenError(), WARNING),
        (NotFoundError(), INFO),
        (error_for_status(405), INFO),
        (ConflictError(), INFO),
        (InvalidValueError(), INFO),
        (RateLimitError(), WARNING),
        (ServerError(), WARNING),
        (ServiceUnavailableError(), WARNING),
    ],
)
def test_a_mapped_error_is_one_record_at_its_level(
    error: KaikoError, level: int, log: pytest.LogCaptureFixture
) -> None:
    """5xx, 429, 401 and 403 at WARNING, other 4xx at INFO, none with a traceback."""
    Pipeline(Config()).on_exception(error, REQUEST)
    (record,) = log.records
    assert (record.name, record.levelno) == ("kaiko", level)
    assert record.exc_info is None


def test_a_record_carries_all_that_one_searches_for(log: pytest.LogCaptureFixture) -> None:
    """As attributes, so that a JSON formatter has them as members, and in the message."""
    request = RequestInfo(REQUEST_ID, "POST", "/v2/chat")
    error = NotFoundError("It has expired", code="context_not_found", param="context_id")
    Pipeline(Config()).on_exception(error, request)
    (record,) = log.records
    said = vars(record)
    assert {name: said[name] for name in FIELDS} == {
        "request_id": REQUEST_ID,
        "type": "not_found_error",
        "code": "context_not_found",
        "status": 404,
        "param": "context_id",
        "method": "POST",
        "path": "/v2/chat",
    }
    assert record.getMessage() == (
        f"POST /v2/chat -> 404 context_not_found: It has expired [{REQUEST_ID}]"
    )


FIELDS = ("request_id", "type", "code", "status", "param", "method", "path")


def test_a_record_tells_of_the_upstream_that_failed(log: pytest.LogCaptureFixture) -> None:
    """Its name, status and id; never on the wire."""
    error = ServiceUnavailableError()
    error.upstream = UpstreamDetails(
        name="llm\n",
        category="unavailable",
        status=529,
        request_id="up-1",
        excerpt="overloaded",
        processed=False,
    )
    answer = Pipeline(Config()).on_exception(error, REQUEST)
    (record,) = log.records
    said = vars(record)
    assert (said["upstream"], said["upstream_status"]) == ("llm\\n", 529)
    assert (said["upstream_request_id"], said["upstream_said"]) == ("up-1", "overloaded")
    assert b"overloaded" not in answer.reply.body


def raise_unmapped() -> NoReturn:
    """Fail in a way that nobody foresaw."""
    raise LookupError("secret text")


def caught(function: Any) -> BaseException:
    """Return what a function raises, with its traceback."""
    try:
        function()
    except BaseException as exc:  # noqa: BLE001 - that is what is wanted
        return exc
    raise AssertionError


def test_an_unmapped_exception_is_one_record_with_its_traceback(
    log: pytest.LogCaptureFixture,
) -> None:
    """`exc_info` is of the very exception, and `exc_text` is there already."""
    exc = caught(raise_unmapped)
    Pipeline(Config()).on_exception(exc, REQUEST)
    (record,) = log.records
    assert record.levelno == ERROR
    assert record.exc_info == (LookupError, exc, exc.__traceback__)
    assert record.exc_text is not None
    assert "secret" not in record.getMessage()
    assert record.exc_text.splitlines()[0] == "LookupError: secret text"


def test_no_formatter_renders_the_traceback_again() -> None:
    """`exc_text` is what a standard formatter prints."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("kaiko")
    logger.addHandler(handler)
    try:
        Pipeline(Config()).on_exception(caught(raise_unmapped), REQUEST)
    finally:
        logger.removeHandler(handler)
    printed = stream.getvalue()
    assert printed.count("LookupError: secret text") == 1
    assert "Traceback (most recent call last)" not in printed
    assert "in raise_unmapped: raise LookupError" in printed


def test_nothing_is_made_for_a_record_that_nobody_wants(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With INFO disabled, a typed 404 makes no record at all."""
    logger = logging.getLogger("kaiko")
    made: list[object] = []
    monkeypatch.setattr(logger, "makeRecord", lambda *values, **_named: made.append(values))
    with caplog.at_level(logging.CRITICAL, logger="kaiko"):
        Pipeline(Config()).on_exception(NotFoundError(), REQUEST)
        Pipeline(Config()).on_exception(caught(raise_unmapped), REQUEST)
        report_failure(ValueError(), REQUEST, "late")
        report_disconnect(ValueError(), REQUEST)
        report_note("note", REQUEST)
    assert made == []


# --- what others wrote -------------------------------------------------------------------

INJECTED = "x\r\n2026-01-01 CRITICAL forged\x1b[2J\u2028\u0085y"


def test_no_input_starts_a_line_of_its_own(log: pytest.LogCaptureFixture) -> None:
    """Method, path, message, param and the exception's text are the client's words."""
    request = RequestInfo(REQUEST_ID, INJECTED, INJECTED)
    pipeline = Pipeline(Config())
    pipeline.on_exception(NotFoundError(INJECTED, param=INJECTED), request)
    pipeline.on_exception(ValueError(INJECTED), request)
    report_note(INJECTED, request)
    report_failure(ValueError(INJECTED), request, "late")
    report_disconnect(ValueError(INJECTED), request)
    assert len(log.records) == 5
    for record in log.records:
        for text in (record.getMessage(), *map(str, (vars(record).get(name) for name in FIELDS))):
            assert len(text.splitlines()) == 1
            assert "\x1b" not in text
    assert log.records[1].exc_text is not None
    assert len(log.records[1].exc_text.splitlines()) == 1


@pytest.mark.parametrize("key", KEYS)
def test_no_key_is_in_any_field_of_a_record(key: str, log: pytest.LogCaptureFixture) -> None:
    """Redacted in tracebacks as well, source lines included."""
    request = RequestInfo(REQUEST_ID, key, f"/v2/{key}")
    pipeline = Pipeline(Config())
    pipeline.on_exception(ForbiddenError(key, param=key), request)
    exc = ValueError(key)
    exc.__cause__ = KeyError(key)
    pipeline.on_exception(ExceptionGroup(key, [exc]), request)
    report_failure(exc, request, "late")
    report_note(f"note {key}", request)
    report_disconnect(exc, request)
    for record in log.records:
        written = {name: str(value) for name, value in vars(record).items() if name != "exc_info"}
        shown = json.dumps({**written, "message": record.getMessage()})
        assert key.rsplit(maxsplit=1)[-1] not in shown


@given(any_text, any_text, any_text)
def test_whatever_is_logged_can_be_written(method: str, path: str, message: str) -> None:
    """To a UTF-8 file, on one line."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="utf-8", newline="")
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("kaiko")
    logger.addHandler(handler)
    logger.setLevel(INFO)
    try:
        Pipeline(Config()).on_exception(
            NotFoundError(message, param=message), RequestInfo(REQUEST_ID, method, path)
        )
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    stream.flush()
    assert len(written.getvalue().decode().splitlines()) == 1


def test_fields_are_cut(log: pytest.LogCaptureFixture) -> None:
    """A path of a megabyte is no record of a megabyte."""
    request = RequestInfo(REQUEST_ID, "X" * 10_000, "/" * 1_000_000)
    Pipeline(Config()).on_exception(NotFoundError("m" * 1_000_000, param="p" * 1_000), request)
    (record,) = log.records
    assert len(record.getMessage()) < 1_000
    assert len(vars(record)["method"]) == 33


class Hostile(Exception):
    """Cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_exception_that_cannot_be_printed_is_logged_all_the_same(
    log: pytest.LogCaptureFixture,
) -> None:
    """Its class and its frames are what one needs."""

    def fail() -> None:
        raise Hostile

    answer = Pipeline(Config()).on_exception(caught(fail), REQUEST)
    assert check_answer(*answer.reply) == []
    (record,) = log.records
    assert record.exc_text is not None
    assert "<unprintable Hostile object>" in record.exc_text


# --- hooks -------------------------------------------------------------------------------


def test_a_hook_is_told_everything() -> None:
    """The typed error, the exception behind it, and the request."""
    told: list[ErrorReport] = []
    pipeline = Pipeline(Config(on_error=[told.append]))
    typed, unmapped = NotFoundError(), ValueError("x")
    pipeline.on_exception(typed, REQUEST)
    answer = pipeline.on_exception(unmapped, REQUEST)
    pipeline.on_answer(404, [], b"", REQUEST)
    pipeline.on_bug("nothing was answered", REQUEST)
    assert told[0] == ErrorReport(typed, typed, REQUEST_ID, "GET", "/v2/chat", unmapped=False)
    assert told[1] == ErrorReport(
        answer.error, unmapped, REQUEST_ID, "GET", "/v2/chat", unmapped=True
    )
    assert [(report.exception, report.unmapped) for report in told[2:]] == [(None, False)] * 2


def test_a_hook_that_raises_is_logged_and_harms_nothing(log: pytest.LogCaptureFixture) -> None:
    """The answer goes out, and the next hook is called."""
    told: list[ErrorReport] = []

    def broken(_report: ErrorReport) -> None:
        raise RuntimeError("sk-ABCDEFGHIJKLMNOP")

    class BrokenToo:
        def __call__(self, _report: ErrorReport) -> None:
            raise KeyError("hook")

    pipeline = Pipeline(Config(on_error=[broken, BrokenToo(), told.append]))
    answer = pipeline.on_exception(NotFoundError(), REQUEST)
    assert check_answer(*answer.reply) == []
    assert len(told) == 1
    _, first, second = log.records
    assert first.levelno == second.levelno == ERROR
    assert "broken failed" in first.getMessage()
    assert "BrokenToo failed" in second.getMessage()
    assert vars(first)["request_id"] == REQUEST_ID
    assert "ABCDEFGH" not in (first.exc_text or "")


def test_hooks_are_called_whatever_the_level_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Reporting is not logging."""
    told: list[ErrorReport] = []
    with caplog.at_level(logging.CRITICAL, logger="kaiko"):
        Pipeline(Config(on_error=[told.append])).on_exception(NotFoundError(), REQUEST)
    assert len(told) == 1


class NoText(KaikoError):
    """Raises when its message is looked at."""

    def __getattribute__(self, name: str) -> object:
        if name == "message":
            raise RuntimeError("no message")
        return super().__getattribute__(name)


def test_an_error_that_cannot_be_reported_is_answered(log: pytest.LogCaptureFixture) -> None:
    """What failed is logged instead, with the request's id."""
    answer = Pipeline(Config()).on_exception(NoText(), REQUEST)
    assert answer.reply.status == 500
    assert check_answer(*answer.reply) == []
    assert {vars(record)["request_id"] for record in log.records} == {REQUEST_ID}
    assert "could not be reported" in log.records[0].getMessage()


@pytest.fixture
def broken_filter() -> Iterator[None]:
    """A filter of the service's that raises on every record."""

    def refuse(_record: logging.LogRecord) -> bool:
        raise RuntimeError("filter")

    logger = logging.getLogger("kaiko")
    logger.addFilter(refuse)
    yield
    logger.removeFilter(refuse)


@pytest.mark.usefixtures("broken_filter")
def test_logging_that_is_broken_costs_no_answer() -> None:
    """Whatever the service did to the logger."""
    answer = Pipeline(Config()).on_exception(ServerError(), REQUEST)
    assert check_answer(*answer.reply) == []


def test_a_record_factory_may_have_set_our_fields(log: pytest.LogCaptureFixture) -> None:
    """`extra=` refuses to overwrite; a service's tracing often sets `request_id` itself."""
    old = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = old(*args, **kwargs)
        record.request_id = "theirs"
        record.path = "theirs"
        return record

    logging.setLogRecordFactory(factory)
    try:
        Pipeline(Config()).on_exception(NotFoundError(), REQUEST)
    finally:
        logging.setLogRecordFactory(old)
    (record,) = log.records
    assert vars(record)["request_id"] == REQUEST_ID


def test_an_attribute_of_a_broken_class_is_no_way_into_the_log(
    log: pytest.LogCaptureFixture,
) -> None:
    """Code and status come from an instance that anybody can change."""
    error = NotFoundError()
    error.code = "a\nforged line"
    Pipeline(Config()).on_exception(error, REQUEST)
    assert len(log.records[0].getMessage().splitlines()) == 1
    assert vars(log.records[0])["code"] == "a\\nforged line"


# --- groups, late failures, disconnects --------------------------------------------------


def test_all_leaves_of_a_mapped_group_are_in_its_record(log: pytest.LogCaptureFixture) -> None:
    """One is answered, none is forgotten."""
    group = ExceptionGroup(
        "batch", [NotFoundError("first"), ExceptionGroup("inner", [ConflictError("second")])]
    )
    Pipeline(Config()).on_exception(group, REQUEST)
    (record,) = log.records
    assert record.levelno == INFO
    for text in ("404 not_found", "NotFoundError: first", "ConflictError: second"):
        assert text in record.getMessage()


def test_all_leaves_of_an_unmapped_group_are_in_its_traceback(
    log: pytest.LogCaptureFixture,
) -> None:
    """As members, numbered."""
    group = ExceptionGroup("batch", [NotFoundError("first"), ValueError("second")])
    Pipeline(Config()).on_exception(group, REQUEST)
    (record,) = log.records
    assert record.levelno == ERROR
    text = record.exc_text or ""
    assert "member 1 of 2: kaiko_middleware.errors.NotFoundError: first" in text
    assert "member 2 of 2: ValueError: second" in text


def test_only_the_leaves_that_are_shown_are_described(log: pytest.LogCaptureFixture) -> None:
    """A text may be costly to make."""
    asked: list[int] = []

    class Costly(Exception):
        def __str__(self) -> str:
            asked.append(1)
            return "costly"

    config = Config()
    config.mapping.register(Costly, lambda _: ConflictError())
    Pipeline(config).on_exception(ExceptionGroup("batch", [Costly() for _ in range(500)]), REQUEST)
    assert "and 436 more)" in log.records[0].getMessage()
    assert len(asked) == 64


def test_a_huge_group_is_told_in_a_bounded_record(log: pytest.LogCaptureFixture) -> None:
    """A thousand tasks that failed are one line each at most, then a number."""
    mapped = ExceptionGroup("batch", [NotFoundError(f"item {n}") for n in range(1_000)])
    unmapped = ExceptionGroup("batch", [ValueError(f"item {n}" * 99) for n in range(1_000)])
    pipeline = Pipeline(Config())
    pipeline.on_exception(mapped, REQUEST)
    pipeline.on_exception(unmapped, REQUEST)
    assert "and 936 more)" in log.records[0].getMessage()
    text = log.records[1].exc_text or ""
    assert text.splitlines()[-1] == "… and 745 more"
    assert len(text) < 64_000


def test_a_late_exception_is_logged_by_its_kind(log: pytest.LogCaptureFixture) -> None:
    """A mapped one in a line with its code, an unmapped one with its traceback; hooks are told."""
    told: list[ErrorReport] = []
    pipeline = Pipeline(Config(on_error=(told.append,)))
    typed, bug = NotFoundError("gone"), ValueError("bug")
    pipeline.report(typed, typed, REQUEST, late="cut short")
    pipeline.report(ServerError(), bug, REQUEST, unmapped=True, late="cut short")
    mapped, unmapped = log.records
    assert (mapped.levelno, unmapped.levelno) == (WARNING, ERROR)
    assert "cut short: 404 not_found: gone" in mapped.getMessage()
    assert (vars(mapped)["code"], vars(mapped)["status"]) == ("not_found", 404)
    assert mapped.exc_info is None
    assert unmapped.exc_info is not None
    assert "bug" not in unmapped.getMessage()
    assert [(report.exception, report.unmapped) for report in told] == [(typed, False), (bug, True)]


def test_a_disconnect_is_one_debug_record(log: pytest.LogCaptureFixture) -> None:
    """Clients leave all the time."""
    report_disconnect(ConnectionResetError("reset"), REQUEST)
    (record,) = log.records
    assert record.levelno == DEBUG
    assert record.exc_info is None
    assert "client disconnected: ConnectionResetError: reset" in record.getMessage()


def test_a_report_for_nobody_is_no_report(caplog: pytest.LogCaptureFixture) -> None:
    """A disabled level and no hook."""
    with caplog.at_level(logging.CRITICAL, logger="kaiko"):
        report_error(NotFoundError(), None, REQUEST, (), unmapped=False)
    assert caplog.records == []


# --- the filter ----------------------------------------------------------------------------


def record_of(**attributes: object) -> logging.LogRecord:
    """Make a record as some library would."""
    record = logging.LogRecord("library", INFO, __file__, 1, "text", (), None)
    vars(record).update(attributes)
    return record


def test_the_filter_stamps_records_of_anybody_with_the_current_id() -> None:
    """And lets every record through."""
    record = record_of()
    token = set_request_id(REQUEST_ID)
    try:
        assert RequestIdFilter().filter(record) is True
    finally:
        reset_request_id(token)
    assert vars(record)["request_id"] == REQUEST_ID


def test_the_filter_says_a_dash_outside_of_a_request() -> None:
    """A formatter that wants the id never fails."""
    for given_default, said in ((RequestIdFilter(), "-"), (RequestIdFilter("none"), "none")):
        record = record_of()
        given_default.filter(record)
        assert vars(record)["request_id"] == said


def test_the_filter_leaves_an_id_that_is_there_already() -> None:
    """Our own records know theirs, wherever they are handled."""
    record = record_of(request_id="other")
    RequestIdFilter().filter(record)
    assert vars(record)["request_id"] == "other"


# --- compact tracebacks --------------------------------------------------------------------


def test_frames_name_file_line_function_and_source() -> None:
    """The most recent call is the last."""
    text = compact_traceback(caught(raise_unmapped))
    last = text.splitlines()[-1]
    assert last.startswith(f"  {__file__}:")
    assert last.endswith('in raise_unmapped: raise LookupError("secret text")')


def test_causes_and_contexts_are_told_in_order() -> None:
    """`caused by` where it was said, `while handling` where it only happened."""

    def with_cause() -> None:
        try:
            raise_unmapped()
        except LookupError as exc:
            raise ValueError("second") from exc

    def with_context() -> None:
        try:
            with_cause()
        except ValueError:
            raise KeyError("third")  # noqa: B904 - the implicit context is under test

    def without() -> None:
        try:
            raise_unmapped()
        except LookupError:
            raise ValueError("alone") from None

    text = compact_traceback(caught(with_context))
    heads = [line for line in text.splitlines() if not line.startswith("  ")]
    assert heads == [
        "KeyError: 'third'",
        "while handling ValueError: second",
        "caused by LookupError: secret text",
    ]
    assert "LookupError" not in compact_traceback(caught(without))


def test_a_cycle_of_causes_ends() -> None:
    """Frameworks that re-raise in a loop make them."""
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert compact_traceback(first).splitlines() == [
        "ValueError: a",
        "caused by KeyError: 'b'",
        "caused by ValueError (shown above)",
    ]
    itself = ValueError("self")
    itself.__context__ = itself
    assert "shown above" in compact_traceback(itself)


def test_a_deep_stack_shows_its_ends() -> None:
    """Of a recursion, the start and the end are what one needs."""

    def deeper(levels: int) -> None:
        if levels:
            deeper(levels - 1)
        raise LookupError

    def overflow() -> None:
        overflow()

    lines = compact_traceback(caught(lambda: deeper(40))).splitlines()
    assert len(lines) == 1 + 4 + 1 + 12
    assert lines[5] == "  … 27 frames"
    assert len(compact_traceback(caught(overflow)).splitlines()) == 18


def test_a_chain_of_many_causes_is_bounded() -> None:
    """Frames of the first sixteen, one line of the others, then a number."""
    exc: BaseException = caught(raise_unmapped)
    for number in range(400):
        outer = ValueError(f"{number} " + "x" * 600)
        outer.__cause__ = exc
        exc = outer
    lines = compact_traceback(exc).splitlines()
    assert lines[-1] == "… and 1 more"
    assert len(lines) == 257
    assert len(lines[0]) > 500
    assert len(lines[100]) < 200


def test_an_importer_that_fails_hides_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source lines are a courtesy."""

    def fail(*_: object) -> NoReturn:
        raise RuntimeError("no source")

    unseen: dict[str, Any] = {}
    exec("def raise_unseen():\n    raise KeyError", unseen)  # noqa: S102 - no frame of it is kept
    exc = caught(unseen["raise_unseen"])
    with monkeypatch.context() as patch:
        patch.setattr(linecache, "getline", fail)
        text = compact_traceback(exc)
    assert text.splitlines()[-1].endswith("in raise_unseen")


def test_a_description_names_module_and_class() -> None:
    """A builtin needs no module, an empty text no colon."""
    assert describe(ValueError()) == "ValueError"
    assert describe(NotFoundError("x")) == "kaiko_middleware.errors.NotFoundError: x"
    assert describe(ValueError("x" * 1000), 16) == f"ValueError: {'x' * 16}…"

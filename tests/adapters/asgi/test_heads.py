"""What an application sends goes out as it was, but for the one header, or as an envelope."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.utils import ClientDisconnected

from adapters.asgi.apps import (
    answers,
    body,
    error_of,
    fail,
    kaiko,
    raises,
    said,
    sends,
    start,
    streams,
)
from adapters.asgi.server import RefusedError, ask
from kaiko_middleware import Config, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send


async def receive_nothing() -> Message:
    """Return an empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}


_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name not in {"x-request-id", "content-length", "content-type"}
)
_FIELDS = st.lists(
    st.tuples(
        _NAMES.map(lambda name: name.encode()),
        _VALUES.map(lambda value: value.strip().encode("latin-1")),
    ),
    max_size=6,
)


@given(
    status=st.sampled_from([200, 201, 204, 206, 299, 301, 304, 307, 399]),
    fields=_FIELDS,
    chunks=st.lists(st.binary(max_size=64), max_size=4),
    kind=st.sampled_from([None, b"text/plain", b"text/event-stream", b"application/jsonl"]),
    length=st.booleans(),
    reraise=st.booleans(),
)
def test_a_success_passes_as_it_is(
    *,
    status: int,
    fields: list[tuple[bytes, bytes]],
    chunks: list[bytes],
    kind: bytes | None,
    length: bool,
    reraise: bool,
) -> None:
    """No success, of whatever kind, changes by anything but the id."""
    headers = [*fields]
    if kind:
        headers.append((b"content-type", kind))
    if length:
        headers.append((b"content-length", str(sum(map(len, chunks))).encode()))
    events = [start(status, headers), *(body(chunk, more=True) for chunk in chunks), body()]
    with_it = ask(kaiko(sends(*events), Config(reraise=reraise)))
    without = ask(sends(*events))
    assert with_it.without_id() == without.without_id()
    assert with_it.headers[-1] == ("x-request-id", with_it.id)
    assert [event["type"] for event in with_it.events] == [e["type"] for e in without.events]


@pytest.mark.parametrize("status", [100, 101, 103, 199])
def test_an_informational_head_is_never_touched(status: int) -> None:
    """A 1xx does not even get the id."""
    assert ask(kaiko(sends(start(status), body()))).headers == []


def test_events_and_their_lists_are_never_changed() -> None:
    """One response object may be sent for two requests, each with its own id."""
    length = (b"content-length", b"2")
    for head in (
        start(200, [length]),
        start(200, []),
        start(404, [length]),
        start(200, [(b"x-request-id", b"own")]),
    ):
        before = {**head, "headers": list(head["headers"])}
        app = kaiko(sends(head, body(b"ok")))
        first, second = ask(app), ask(app)
        assert head == before
        assert len(first.all("x-request-id")) == len(second.all("x-request-id")) == 1
        assert first.id != second.id


@pytest.mark.parametrize("error", [KeyError("status"), TypeError("no pair")])
def test_a_server_that_refuses_a_head_is_asked_once(error: Exception) -> None:
    """Its `send` may be a plain function and raise what a head without a status raises, too."""
    asked: list[str] = []

    def send(message: Message) -> Awaitable[None]:
        asked.append(message["type"])
        raise error

    head = start(200, [(b"content-length", b"2"), (b"content-type", b"application/json")])
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    call = kaiko(sends(head, body(b"{}")))(scope, receive_nothing, send)
    with pytest.raises(type(error)) as caught:
        call.__await__().send(None)
    assert caught.value is error
    assert asked == ["http.response.start"]


@pytest.mark.parametrize(
    "field",
    [
        (b"content-length", b"2"),
        (b"content-length", b"+2"),
        (b"x-kind", b"2"),
        (b"x-request-id", b"2"),
    ],
)
def test_any_field_may_come_with_the_type(field: tuple[bytes, bytes]) -> None:
    """The head of a JSON success is looked at less closely, but only where it has a length."""
    kind = (b"content-type", b"application/json")
    answer = ask(kaiko(sends(start(200, [field, kind]), body(b"{}"))))
    sent = [(name.decode(), value.decode()) for name, value in (field, kind)]
    expected = [pair for pair in sent if pair[0] != "x-request-id"]
    assert answer.without_id() == (200, expected, b"{}", True)
    assert answer.id.startswith("req-")


def test_a_head_is_taken_as_it_was_when_it_was_sent() -> None:
    """What the application does to its list while the head is held changes nothing."""
    headers = [(b"x-a", b"1")]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200, headers))
        headers.append((b"x-late", b"2"))
        await send(body(b"ok"))

    assert ask(kaiko(app)).without_id()[1] == [("x-a", "1")]


@pytest.mark.parametrize("status", [200, 404])
def test_the_ids_of_the_application_are_replaced(status: int) -> None:
    """However it spells the header and however often it sets it."""
    own = [(b"X-Request-ID", b"mine"), (b"x-request-id", b"too")]
    answer = ask(kaiko(answers(status, headers=own)))
    assert answer.id.startswith("req-")


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("container", [list, tuple, iter], ids=["list", "tuple", "iterator"])
def test_headers_may_be_any_iterable(
    container: Callable[[list[object]], Iterable[object]], status: int
) -> None:
    """A tuple, or a generator that can be read once, loses nothing."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        pairs: list[object] = [(b"content-length", b"2"), [b"x-a", b"1"]]
        await send(start(status, container(pairs)))
        await send(body(b"ok"))

    answer = ask(kaiko(app))
    assert (answer.status, answer.one("x-a"), answer.whole) == (status, "1", True)


def test_a_head_may_have_no_headers() -> None:
    """ASGI lets the key be left out."""
    answer = ask(kaiko(sends({"type": "http.response.start", "status": 200}, body(b"ok"))))
    assert (answer.headers, answer.body) == ([("x-request-id", answer.id)], b"ok")


_LENGTH = (b"content-length", b"2")


@pytest.mark.parametrize(
    "field",
    [
        (b"x-bad", b"a\r\nset-cookie: a=b"),
        (b"x-bad", b"a\nb"),
        (b"x-bad", b"a\0b"),
        (b"x-bad\r\nset-cookie: a=b", b"1"),
        (b"x bad", b"1"),
        (b"", b"1"),
        (b"x:bad", b"1"),
        (b"x-\xe9", b"1"),
        ("x-bad", "text"),
        (b"x-bad", "text"),
        (None, None),
    ],
    ids=repr,
)
def test_a_success_with_a_header_no_server_takes_is_a_bug(field: tuple[bytes, bytes]) -> None:
    """It is answered 500 before anything of it is sent, whether or not its length is known."""
    for headers in ([_LENGTH, field], [field]):
        answer = ask(kaiko(sends(start(200, headers), body(b"ok"))))
        assert error_of(answer)["code"] == "internal"


@pytest.mark.parametrize(
    "field", [(b"x-bad", b"a\r\nb"), (b"x bad", b"1"), ("x-bad", "text")], ids=repr
)
def test_an_error_loses_a_header_no_server_takes(
    field: tuple[bytes, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """It keeps its status and its other headers, and the log says what was dropped."""
    answer = ask(kaiko(answers(403, headers=[field, (b"x-good", b"1")])))
    assert error_of(answer)["code"] == "permission_denied"
    assert answer.one("x-good") == "1"
    assert any("dropped" in text for _, text in said(caplog))


@pytest.mark.parametrize("status", [99, 0, -1, 600, 700, 10**6])
def test_a_status_no_server_takes_is_a_bug(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """It is answered 500 and logged once, with the status."""
    answer = ask(kaiko(answers(status)))
    assert (answer.status, error_of(answer)["code"]) == (500, "internal")
    ((level, text),) = said(caplog)
    assert level == "ERROR"
    assert f"status {status}" in text


@pytest.mark.parametrize("head", [{"status": "200"}, {"status": None}, {}], ids=repr)
def test_a_head_without_a_status_that_is_a_number_is_answered(head: Message) -> None:
    """What breaks over it is an exception of the application's."""
    answer = ask(kaiko(sends({"type": "http.response.start", "headers": [], **head})))
    assert error_of(answer)["code"] == "internal"
    assert answer.raised is not None


def test_an_application_that_returns_without_an_answer_is_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Servers would say so in six different shapes, or say nothing."""
    answer = ask(kaiko(sends()))
    assert error_of(answer)["code"] == "internal"
    ((level, text),) = said(caplog)
    assert (level, "returned without an answer" in text) == ("ERROR", True)


@pytest.mark.parametrize("first", [body(b"x"), {"type": "http.response.trailers", "headers": []}])
def test_a_body_before_the_head_is_a_bug(first: Message, caplog: pytest.LogCaptureFixture) -> None:
    """It is answered and logged, and the rest is dropped, instead of losing a part of it."""
    answer = ask(kaiko(sends(first, start(200, [_LENGTH]), body(b"ok"))))
    assert error_of(answer)["code"] == "internal"
    assert len(said(caplog)) == 1


def test_a_second_answer_is_refused_by_the_server_as_before() -> None:
    """The first is whole, and the server says what it thinks of the second."""
    events = (start(200, [_LENGTH]), body(b"ok"))
    answer = ask(kaiko(sends(*events, *events)))
    assert (answer.body, answer.whole) == (b"ok", True)
    assert isinstance(answer.raised, RefusedError)


def test_a_second_answer_after_an_error_is_dropped() -> None:
    """The envelope is out, and nothing can follow it."""
    answer = ask(kaiko(sends(start(404), body(b"x"), start(200, [_LENGTH]), body(b"ok"))))
    assert error_of(answer)["code"] == "not_found"


def test_an_answer_may_be_changed_while_it_is_held() -> None:
    """A layer that fails after a head without a body may answer anew."""
    answer = ask(kaiko(sends(start(200), start(404, [_LENGTH]), body(b"no"))))
    assert error_of(answer)["message"] == "no"


@pytest.mark.parametrize(
    "hint",
    [
        {"type": "http.response.early_hint", "links": [b"</a>"]},
        {"type": "http.response.push", "path": "/a", "headers": []},
        {"type": "http.response.debug", "info": {}},
    ],
    ids=lambda hint: hint["type"],
)
def test_what_comes_before_the_head_passes(hint: Message) -> None:
    """Early hints, pushes and what test clients are told come before any answer."""
    for app in (sends(hint, start(200, [_LENGTH]), body(b"ok")), sends(hint, start(404), body())):
        answer = ask(kaiko(app))
        assert answer.events[0] is hint
        assert answer.id


def _with_trailers(status: int, headers: list[tuple[bytes, bytes]]) -> ASGIApp:
    return sends(
        {**start(status, headers), "trailers": True},
        body(b"ok"),
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]},
    )


@pytest.mark.parametrize("headers", [[_LENGTH], [], [(b"content-type", b"text/event-stream")]])
def test_trailers_pass(headers: list[tuple[bytes, bytes]]) -> None:
    """After a body of known length, one of unknown length, and a stream of events."""
    answer = ask(kaiko(_with_trailers(200, headers)))
    assert answer.events[0]["trailers"] is True
    assert answer.events[-1]["headers"] == [(b"x-sum", b"1")]


def test_an_error_has_no_trailers() -> None:
    """They described a body that is not sent."""
    answer = ask(kaiko(_with_trailers(404, [])))
    assert "trailers" not in answer.events[0]
    assert error_of(answer)["code"] == "not_found"


@pytest.mark.parametrize("headers", [[(b"content-length", b"9")], []])
@pytest.mark.parametrize("event", ["pathsend", "zerocopysend"])
def test_a_file_is_left_to_the_server(event: str, headers: list[tuple[bytes, bytes]]) -> None:
    """A body that goes out as a path or a file is never read here."""
    file = {"type": f"http.response.{event}", "path": "/srv/file"}
    answer = ask(kaiko(sends(start(200, headers), file)))
    assert answer.events[-1] is file
    assert answer.whole


def test_an_error_from_a_file_is_an_envelope() -> None:
    """The file says nothing, but its status does."""
    file = {"type": "http.response.pathsend", "path": "/srv/404.html"}
    assert error_of(ask(kaiko(sends(start(404), file))))["code"] == "not_found"


def test_an_extension_nobody_knows_passes() -> None:
    """What a server may learn tomorrow is the server's to judge."""
    answer = ask(kaiko(sends({"type": "http.response.novelty"}, start(200), body())))
    assert isinstance(answer.raised, RefusedError)


@pytest.mark.parametrize("size", [65_536, 65_537, 1_000_000])
def test_a_large_error_body_is_dropped(size: int) -> None:
    """Up to 64 KiB are read for a text; more is not even kept."""
    chunks = [body(b'"' + b"x" * (size - 2) + b'"')]
    answer = ask(kaiko(sends(start(409, [(b"content-type", b"application/json")]), *chunks)))
    assert error_of(answer)["code"] == "conflict"


def test_an_error_stream_that_says_nothing_is_answered_at_its_first_chunk() -> None:
    """Nobody waits for a page of HTML that is dropped anyway."""
    seen: list[int] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(404, [(b"content-type", b"text/html")]))
        for number in range(3):
            await send(body(b"<p>", more=True))
            seen.append(number)
        await send(body())

    answer = ask(kaiko(app))
    assert error_of(answer)["code"] == "not_found"
    assert len(answer.events) == 2
    assert seen == [0, 1, 2]


def test_an_error_that_is_never_ended_is_answered() -> None:
    """The application returned: what it said of the error is all there is."""
    head = start(404, [(b"content-type", b"text/plain")])
    answer = ask(kaiko(sends(head, body(b"No such thing", more=True))))
    assert error_of(answer)["message"] == "No such thing"


@pytest.mark.parametrize("config", [Config(), Config(rewrite_answers=False)])
def test_one_answer_can_be_let_through(config: Config) -> None:
    """A true `kaiko_passthrough` in the scope's state leaves an error as it is, but for the id."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["kaiko_passthrough"] = True
        await answers(404, b'{"error":"invalid_grant"}')(scope, receive, send)

    answer = ask(kaiko(app, config))
    assert (answer.status, answer.body) == (404, b'{"error":"invalid_grant"}')
    assert answer.id


def test_what_fails_in_an_answer_let_through_is_still_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is cut like any other answer."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        scope["state"]["kaiko_passthrough"] = True
        await send(start(404))
        await send(body(b"x", more=True))
        await fail()

    answer = ask(kaiko(app))
    assert (answer.status, answer.body, answer.whole) == (404, b"x", False)
    assert len(said(caplog)) == 1


def test_answers_are_left_alone_on_request() -> None:
    """With `rewrite_answers=False` only exceptions become envelopes."""
    config = Config(rewrite_answers=False)
    answer = ask(kaiko(answers(404, b"none"), config))
    assert (answer.status, answer.body, len(answer.all("x-request-id"))) == (404, b"none", 1)
    assert error_of(ask(kaiko(raises(NotFoundError), config)))["code"] == "not_found"


def test_a_head_request_gets_no_body() -> None:
    """Neither for an exception, nor for an answer, nor at the end of a stream."""
    for app in (
        raises(NotFoundError),
        answers(404),
        streams(b"data: 1\n\n", fail, kind=b"text/event-stream"),
    ):
        answer = ask(kaiko(app), method="HEAD")
        bodies = [event.get("body") for event in answer.events if "body" in event["type"]]
        assert b"error" not in b"".join(filter(None, bodies))
        assert answer.id


def test_lifespan_and_what_is_unknown_pass() -> None:
    """Only http and websocket are ours."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    for kind in ("lifespan", "tomorrow"):
        ask(kaiko(app), type=kind)
    assert seen == ["lifespan", "tomorrow"]


def test_the_scope_gets_a_state_where_a_server_gives_none() -> None:
    """The id stands there for whatever stands outside."""
    states: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        states.append(scope["state"]["kaiko_request_id"])
        await answers()(scope, receive, send)

    answer = ask(kaiko(app), state=None)
    assert states == [answer.id]


def test_header_names_are_remembered_only_so_far() -> None:
    """A service that makes up names, as a proxy may, does not fill the memory."""
    app = kaiko(sends())
    for number in range(2000):
        app.app = answers(headers=[(b"x-%d" % number, b"1")])
        assert ask(app).one(f"x-{number}") == "1"
    assert len(app.known.names) <= 512


def test_the_config_is_checked() -> None:
    """A dictionary of settings is refused with a word on what is wanted."""
    with pytest.raises(TypeError, match=r"takes a kaiko_middleware.Config, not dict"):
        kaiko(sends(), cast("Any", {"reraise": False}))  # wrong on purpose


@pytest.mark.parametrize("wrong", [None, Config()], ids=["nothing", "config"])
def test_the_application_is_checked(wrong: Any) -> None:
    """What cannot be called as one is refused when it is given."""
    with pytest.raises(TypeError, match=r"kaiko_asgi\.KaikoMiddleware takes an ASGI application"):
        kaiko(wrong)


def test_an_informational_level_costs_no_record(caplog: pytest.LogCaptureFixture) -> None:
    """A success is never logged, at any level."""
    caplog.set_level(logging.DEBUG)
    ask(kaiko(answers()))
    assert said(caplog) == []


# --- a 500 is reported once it is known what comes of it ------------------------------


async def _answers_500(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answers(500, b"secret")(_scope, _receive, send)


def _after(make: Callable[[], BaseException]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _answers_500(scope, receive, send)
        raise make()

    return app


class _ServiceExit(BaseException):
    """Somebody's control flow."""


@pytest.mark.parametrize(
    ("app", "levels", "raised"),
    [
        (_answers_500, ["WARNING"], None),
        (_after(lambda: ValueError("secret")), ["ERROR"], ValueError),
        (_after(NotFoundError), ["WARNING"], None),
        (_after(ClientDisconnected), ["WARNING", "DEBUG"], None),
        (_after(_ServiceExit), ["WARNING"], _ServiceExit),
        (kaiko(_after(lambda: ValueError("secret"))), ["ERROR"], ValueError),
    ],
    ids=["returned", "then a bug", "then typed", "then left", "then stopped", "in two layers"],
)
def test_a_500_is_one_record(
    app: ASGIApp,
    levels: list[str],
    raised: type[BaseException] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of its exception, where one comes out after it, as frameworks raise it again."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    got: list[BaseException | None] = [None]

    async def outside(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await kaiko(app)(scope, receive, send)
        except BaseException as exc:  # noqa: BLE001 - that is what is looked at
            got[0] = exc

    answer = ask(outside)
    assert error_of(answer)["code"] == "internal"
    assert [level for level, _ in said(caplog)] == levels
    assert type(got[0]) is (raised or type(None))
    assert caplog.records[0].__dict__["request_id"] == answer.id


def test_a_length_that_is_no_plain_number_passes_behind_names_that_are_known() -> None:
    """It is left to the server, as without us."""
    lengths = iter([b"2", b"2", b"+2"])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        fields = [(b"content-length", next(lengths)), (b"content-type", b"text/csv")]
        await sends(start(200, fields), body(b"ok"))(scope, receive, send)

    served = kaiko(app)
    got = [ask(served) for _ in range(3)]
    assert [answer.one("content-length") for answer in got] == ["2", "2", "+2"]
    assert {(answer.status, answer.body, answer.whole) for answer in got} == {(200, b"ok", True)}

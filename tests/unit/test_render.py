"""From an error to bytes: the exact envelope, the headers of section 4, and no failure ever."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import from_json

from kaiko_middleware import (
    AuthenticationError,
    Config,
    InvalidRequestError,
    KaikoError,
    NotFoundError,
    RateLimitError,
    Reply,
    ServerError,
    ServiceUnavailableError,
    render,
)
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines
from kaiko_middleware.make_error import error_for_status
from kaiko_middleware.render import close_frame, event_frame, json_line
from unit.support import KEYS, REQUEST_ID, any_text, error_of, faults, header

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_envelope_is_the_contracts_byte_for_byte() -> None:
    """Five members in this order, no space, nothing beside `error`."""
    error = InvalidRequestError(
        "The 'messages' field is required", code="missing_field", param="messages"
    )
    assert render(error, REQUEST_ID).body == (
        b'{"error":{"type":"invalid_request_error","code":"missing_field",'
        b'"message":"The \'messages\' field is required","param":"messages",'
        b'"request_id":"req-7f65ab21d1"}}'
    )


def test_param_is_null_where_nothing_is_to_blame() -> None:
    """`param` is always there."""
    assert b'"param":null,' in render(NotFoundError(), REQUEST_ID).body


def test_a_plain_error_has_exactly_these_headers() -> None:
    """Those that the contract demands, and no other."""
    reply = render(NotFoundError("No"), REQUEST_ID)
    assert reply.headers == (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(reply.body))),
        ("X-Request-ID", REQUEST_ID),
        ("X-Should-Retry", "false"),
        ("Cache-Control", "no-store"),
    )


@given(any_text, st.one_of(st.none(), any_text))
@example("\0\ud800\u2028\u2029</script>", "\r\n\t")
def test_any_string_renders_as_json_that_strict_parsers_take(
    message: str, param: str | None
) -> None:
    """Whatever Python can hold, a client's parser can read."""
    reply = render(NotFoundError(message, param=param), REQUEST_ID)
    assert from_json(reply.body)["error"]["request_id"] == REQUEST_ID
    assert faults(reply) == []


def test_ten_megabytes_render_as_a_short_message() -> None:
    """Size is no way to make rendering fail, or slow."""
    reply = render(NotFoundError("x" * 10_000_000, param="p" * 10_000_000), REQUEST_ID)
    assert error_of(reply.body)["message"] == "x" * 1024
    assert error_of(reply.body)["param"] == "p" * 256


@pytest.mark.parametrize("key", KEYS)
def test_no_key_is_in_a_message_or_a_param(key: str) -> None:
    """Authors paste what the client sent."""
    body = render(NotFoundError(f"no such key: {key}", param=key), REQUEST_ID).body
    assert key.encode() not in body
    assert b"***" in body


def test_an_empty_message_becomes_the_statuss_own() -> None:
    """A message is never empty, and never another status's."""
    assert error_of(render(NotFoundError(""), REQUEST_ID).body)["message"] == (
        "The resource was not found"
    )
    assert error_of(render(error_for_status(410, " "), REQUEST_ID).body)["message"] == (
        "The resource is gone"
    )


def test_retryable_says_what_x_should_retry_says() -> None:
    """The row's, unless the error says otherwise."""
    assert header(render(ServerError(), REQUEST_ID), "X-Should-Retry") == ["true"]
    assert header(render(ServerError(retryable=False), REQUEST_ID), "X-Should-Retry") == ["false"]
    assert header(render(error_for_status(501), REQUEST_ID), "X-Should-Retry") == ["false"]
    assert header(render(error_for_status(408), REQUEST_ID), "X-Should-Retry") == ["true"]


def test_limits_are_whole_numbers_of_seconds_rounded_up() -> None:
    """A client never waits too short a time."""
    reply = render(RateLimitError(retry_after=1.2, limit=5, remaining=0, reset=59.01), REQUEST_ID)
    assert header(reply, "Retry-After") == ["2"]
    assert header(reply, "X-RateLimit-Limit") == ["5"]
    assert header(reply, "X-RateLimit-Remaining") == ["0"]
    assert header(reply, "X-RateLimit-Reset") == ["60"]
    assert header(render(ServiceUnavailableError(retry_after=3), REQUEST_ID), "Retry-After") == [
        "3"
    ]


def test_what_is_not_known_of_a_limit_is_not_said() -> None:
    """No header without a number in it."""
    reply = render(RateLimitError(retry_after=float("nan"), limit=10**400), REQUEST_ID)
    assert header(reply, "Retry-After") == header(reply, "X-RateLimit-Reset") == []
    assert check_answer(*reply) == []


def test_every_401_has_a_challenge() -> None:
    """The configured one, unless the error brings its own; other statuses have none."""
    assert header(render(AuthenticationError(), REQUEST_ID), "WWW-Authenticate") == ["ApiKey"]
    own = AuthenticationError(headers={"www-authenticate": "Bearer"})
    assert header(render(own, REQUEST_ID), "WWW-Authenticate") == ["Bearer"]
    config = Config(challenge='Basic realm="v2"')
    assert header(render(AuthenticationError(), REQUEST_ID, config=config), "WWW-Authenticate") == [
        'Basic realm="v2"'
    ]
    assert header(render(error_for_status(407), REQUEST_ID), "WWW-Authenticate") == []
    assert header(
        render(AuthenticationError(), REQUEST_ID, replaced=[("Vary", "Accept")]),
        "WWW-Authenticate",
    ) == ["ApiKey"]


def test_a_service_may_set_cache_control_itself() -> None:
    """`no-store` is a default."""
    error = NotFoundError(headers={"cache-control": "max-age=5"})
    assert header(render(error, REQUEST_ID), "Cache-Control") == ["max-age=5"]


GONE = [
    "Content-Type",
    "Content-Length",
    "Content-Encoding",
    "Content-Language",
    "Content-Location",
    "Content-Disposition",
    "Content-MD5",
    "Digest",
    "Repr-Digest",
    "Accept-Ranges",
    "Trailer",
    "Transfer-Encoding",
    "Expires",
    "ETag",
    "Last-Modified",
]


@pytest.mark.parametrize("name", GONE)
@pytest.mark.parametrize("case", [str, str.lower, str.upper], ids=["as-is", "lower", "upper"])
def test_what_described_the_replaced_body_goes(name: str, case: Callable[[str], str]) -> None:
    """A stale ETag would make a cache keep the error."""
    reply = render(NotFoundError(), REQUEST_ID, replaced=[(case(name), "stale")])
    assert "stale" not in [value for _, value in reply.headers]
    assert check_answer(*reply) == []


STAYS = [
    ("Allow", "GET, HEAD"),
    ("Vary", "Accept"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"),
    ("Upgrade", "websocket"),
    ("Content-Range", "bytes */10"),
    ("Content-Security-Policy", "default-src 'none'"),
    ("Link", "</a>; rel=next"),
    ("X-Own", "1"),
    ("X-Own", "2"),
]


def test_everything_else_of_a_replaced_answer_stays_repeated_ones_too() -> None:
    """The body is replaced, not what the service said about the request."""
    reply = render(error_for_status(416), REQUEST_ID, replaced=STAYS)
    assert [pair for pair in reply.headers if pair in STAYS] == STAYS


def test_ours_replaces_what_the_application_set() -> None:
    """There is one id and one word about retrying, whoever else set some."""
    replaced = [("x-request-id", "theirs"), ("X-SHOULD-RETRY", "true"), ("Retry-After", "9")]
    error = RateLimitError(retry_after=1, headers={"X-Request-Id": "mine", "retry-after": "7"})
    reply = render(error, REQUEST_ID, replaced=replaced)
    assert header(reply, "X-Request-ID") == [REQUEST_ID]
    assert header(reply, "X-Should-Retry") == ["true"]
    assert header(reply, "Retry-After") == ["1"]


def test_an_errors_header_beats_the_replaced_answers_but_adds_to_lists() -> None:
    """One Allow and one Cache-Control; cookies and Vary of both."""
    error = NotFoundError(
        headers=[("Allow", "GET"), ("Cache-Control", "private"), ("Vary", "A"), ("Set-Cookie", "a")]
    )
    replaced = [("allow", "PUT"), ("cache-control", "public"), ("vary", "B"), ("set-cookie", "b")]
    reply = render(error, REQUEST_ID, replaced=replaced)
    assert header(reply, "Allow") == ["GET"]
    assert header(reply, "Cache-Control") == ["private"]
    assert header(reply, "Vary") == ["A", "B"]
    assert header(reply, "Set-Cookie") == ["a", "b"]


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("given_value", "sent"),
    [
        ("5", ["5"]),
        ("1.2", ["2"]),
        (" 7 ", ["7"]),
        ("Tue, 14 Nov 2023 22:13:30 GMT", ["10"]),
        ("Tuesday, 14-Nov-23 22:13:30 GMT", ["10"]),
        ("Tue Nov 14 22:13:30 2023", ["10"]),
        ("Tue, 14 Nov 2023 22:13:10 GMT", ["0"]),
        ("-3", []),
        ("inf", []),
        ("nan", []),
        ("soon", []),
        ("9" * 30, []),
        ("Tue, 99 Nov 2023 22:13:30 GMT", []),
        ("Fri, 31 Dec 99999 23:59:59 GMT", []),
        ("999999999", ["999999999"]),
        ("1700000060", ["60"]),
        ("1700000059.0001", ["60"]),
        ("1700000059.1234567890123456789", ["60"]),
        ("1699999999", ["0"]),
        ("1000000000", ["0"]),
        ("1700000060000", ["60"]),
        ("1700000059001", ["60"]),
        ("1699999999999", ["0"]),
        ("999999999999", ["2147483647"]),
        ("2023-11-14T22:13:30Z", []),
        ("1.7e9", []),
        ("60s", []),
        ("1764403200000000", []),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("field", ["Retry-After", "X-RateLimit-Reset"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_point_in_time_and_seconds_are_sent_as_whole_seconds_from_now(  # noqa: PLR0917 - columns
    given_value: str,
    sent: list[str],
    zone: str,
    field: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any of HTTP's three dates in GMT, seconds or milliseconds, wherever the server stands."""
    import time

    monkeypatch.setattr("time.time", lambda: NOW)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        given = [(field, given_value), (field.lower(), given_value)]
        replies = [
            render(error_for_status(status), REQUEST_ID, replaced=given),
            render(error_for_status(status, headers=given), REQUEST_ID),
        ]
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert [header(reply, field) for reply in replies] == [sent, sent]


def test_headers_are_exposed_to_browsers_where_cors_applies() -> None:
    """Merged into what the CORS middleware exposes, and only where it answers at all."""
    replaced = [
        ("Access-Control-Allow-Origin", "*"),
        ("access-control-expose-headers", "X-Own, x-request-id"),
        ("Access-Control-Expose-Headers", ""),
    ]
    reply = render(NotFoundError(), REQUEST_ID, replaced=replaced)
    (exposed,) = header(reply, "Access-Control-Expose-Headers")
    assert exposed == (
        "X-Own, x-request-id, X-Should-Retry, Cache-Control, Retry-After, X-RateLimit-Limit, "
        "X-RateLimit-Remaining, X-RateLimit-Reset, WWW-Authenticate"
    )
    assert check_answer(*reply) == []
    without = render(NotFoundError(), REQUEST_ID, replaced=[("Vary", "Origin")])
    assert header(without, "Access-Control-Expose-Headers") == []


def test_fields_of_the_draft_are_exposed_where_they_are_sent() -> None:
    """Each once; other answers do not name them."""
    told = [("RateLimit", '"a";r=1'), ("ratelimit", '"b";r=2'), ("RateLimit-Policy", '"a";q=2')]
    cors = [("Access-Control-Allow-Origin", "*")]
    reply = render(NotFoundError(), REQUEST_ID, replaced=[*told, *cors])
    (exposed,) = header(reply, "Access-Control-Expose-Headers")
    assert exposed.endswith(", WWW-Authenticate, RateLimit, RateLimit-Policy")


BAD_HEADERS: list[Any] = [
    ("X-Own", "a\r\nSet-Cookie: b"),
    ("X-Own", "a\nb"),
    ("X-Own", "a\0b"),
    ("X-Own", "snow ☃"),
    ("X Own", "a"),
    ("", "a"),
    ("X-Own", 5),
    (5, "a"),
]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, "5", timedelta(5)])
def test_a_number_that_says_nothing_is_dropped_and_logged(
    value: Any, log: pytest.LogCaptureFixture
) -> None:
    """Those of a wrong type can only be set afterwards."""
    error = RateLimitError(limit=3)
    error.retry_after = error.reset = value
    reply = render(error, REQUEST_ID)
    assert check_answer(*reply) == []
    assert header(reply, "X-RateLimit-Limit") == ["3"]
    assert header(reply, "Retry-After") == header(reply, "X-RateLimit-Reset") == []
    (record,) = log.records
    assert "dropped: 'Retry-After', 'X-RateLimit-Reset'" in record.getMessage()
    assert vars(record)["request_id"] == REQUEST_ID


@pytest.mark.parametrize("pair", BAD_HEADERS, ids=ascii)
def test_a_header_that_cannot_be_sent_is_dropped_and_logged(
    pair: tuple[str, str], log: pytest.LogCaptureFixture
) -> None:
    """A server would cut the connection, or split the response."""
    reply = render(error_for_status(404, headers=[pair, ("X-Good", "é")]), REQUEST_ID)
    assert check_answer(*reply) == []
    assert header(reply, "X-Good") == ["é"]
    (record,) = log.records
    assert "headers that cannot be sent were dropped" in record.getMessage()
    assert len(record.getMessage().splitlines()) == 1
    assert vars(record)["request_id"] == REQUEST_ID


@pytest.mark.parametrize(
    ("request_id", "shown"),
    [
        ("gw:1/a+b=c._-", "gw:1/a+b=c._-"),
        ("a b\r\nX: y", "a_b__X:_y"),
        ("", "req-unknown"),
        ("é" * 200, "_" * 128),
        (None, "None"),
    ],
)
def test_an_id_outside_the_alphabet_never_leaves(request_id: Any, shown: str) -> None:
    """Not even when an adapter hands one over."""
    reply = render(NotFoundError(), request_id)
    assert header(reply, "X-Request-ID") == [error_of(reply.body)["request_id"]] == [shown]


def test_the_id_header_has_the_configured_name() -> None:
    """Both on the answer and in what browsers may read."""
    config = Config(request_id_header="X-Correlation-ID")
    reply = render(
        NotFoundError(),
        REQUEST_ID,
        config=config,
        replaced=[("Access-Control-Allow-Origin", "*"), ("X-Request-ID", "the service's own")],
    )
    assert header(reply, "X-Correlation-ID") == [REQUEST_ID]
    assert header(reply, "X-Request-ID") == ["the service's own"]
    assert header(reply, "Access-Control-Expose-Headers")[0].startswith("X-Correlation-ID, ")
    assert check_answer(*reply, request_id_header="X-Correlation-ID") == []


@pytest.mark.parametrize("status", [501, 502, 504, 520, 599])
def test_a_status_set_by_hand_is_still_the_tables(status: int) -> None:
    """An instance is only an instance: what must not leave does not."""
    error = ServerError()
    error.status = status
    assert render(error, REQUEST_ID).status in {500, 503}
    assert check_answer(*render(error, REQUEST_ID)) == []


class Broken(KaikoError):
    """A class whose message raises when it is looked at."""

    def __getattribute__(self, name: str) -> object:
        if name == "message":
            raise RuntimeError("sk-ABCDEFGHIJKLMNOP")
        return super().__getattribute__(name)


def broken_status(status: Any) -> KaikoError:
    """Return an error whose status is none."""
    error = NotFoundError()
    error.status = status
    return error


@pytest.mark.parametrize(
    "error",
    [Broken(), broken_status(200), broken_status("404"), broken_status([])],
    ids=["message", "below", "text", "unhashable"],
)
def test_an_error_that_a_subclass_broke_is_a_500(
    error: KaikoError, log: pytest.LogCaptureFixture
) -> None:
    """Rendering never fails; what failed is in the log, without the keys in it."""
    reply = render(error, REQUEST_ID)
    assert reply.status == 500
    assert check_answer(*reply) == []
    (record,) = log.records
    assert "could not be rendered" in record.getMessage()
    assert record.exc_info is not None
    assert "ABCDEFGH" not in (record.exc_text or "")


@pytest.mark.parametrize("name", ["code", "param", "message"])
def test_an_attribute_that_is_no_string_gives_the_default(name: str) -> None:
    """A number where a text is due is not worth a 500."""
    error = NotFoundError("No", param="x")
    setattr(error, name, 5)
    reply = render(error, REQUEST_ID)
    assert reply.status == 404
    assert check_answer(*reply) == []


@given(
    given_status=st.integers(-10, 800),
    message=any_text,
    names=st.lists(st.tuples(any_text, any_text), max_size=3),
)
def test_every_answer_conforms(
    given_status: int, message: str, names: list[tuple[str, str]]
) -> None:
    """The checker, which shares only the tables, finds nothing."""
    error = error_for_status(given_status, message, headers=names)
    assert faults(render(error, REQUEST_ID, replaced=names)) == []


def test_a_reply_is_three_things() -> None:
    """Status, headers, body: any framework can send it."""
    assert Reply._fields == ("status", "headers", "body")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("cut", [0, 1, 2, 3], ids=["whole", "last-newline", "half-line", "name"])
def test_a_half_written_event_is_ended_before_the_last_one(newline: bytes, cut: int) -> None:
    """The error is an event of its own, wherever the stream broke."""
    whole = b"data: first" + newline * 2 + b"data: second" + newline * 2
    sent = {0: whole, 1: whole[: -len(newline)], 2: whole[: -2 * len(newline)], 3: whole[:-9]}[cut]
    frame = event_frame(render(NotFoundError(), REQUEST_ID).body, sent[-4:])
    assert check_event_stream(sent + frame, request_id=REQUEST_ID) == []


@pytest.mark.parametrize(
    ("error", "frame"),
    [
        (NotFoundError(code="context_not_found"), (1008, f"context_not_found {REQUEST_ID}")),
        (ServerError(), (1011, f"internal {REQUEST_ID}")),
        (error_for_status(502), (1011, f"service_unavailable {REQUEST_ID}")),
    ],
    ids=["4xx", "5xx", "collapsed"],
)
def test_a_socket_is_closed_with_code_and_id(error: KaikoError, frame: tuple[int, str]) -> None:
    """1008 for the client's errors, 1011 for ours."""
    assert close_frame(error, REQUEST_ID) == frame


def test_a_close_reason_is_short_and_shows_nothing() -> None:
    """At most 123 bytes, no key, and no code that is none."""
    error = NotFoundError(code="c" * 64)
    _, reason = close_frame(error, "r" * 128)
    assert len(reason.encode()) == 123
    error.code = "no code\n"
    assert close_frame(error, "kaiko_live_abc") == (1008, "not_found kaiko_live_***")


@pytest.mark.parametrize("sent", [b"", b'{"a":1}\n', b'{"a":1}\n{"b"'])
def test_a_half_written_line_is_ended_before_the_last_one(sent: bytes) -> None:
    """The error is a line of its own."""
    line = json_line(render(NotFoundError(), REQUEST_ID).body, sent[-4:])
    assert check_json_lines(sent + line, request_id=REQUEST_ID) == []
    assert (sent + line).count(b"\n\n") == 0

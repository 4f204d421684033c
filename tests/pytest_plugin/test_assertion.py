"""`assert_error`: what passes, and what is said of what does not."""

from __future__ import annotations

import gzip
import re
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kaiko_middleware import (
    KaikoError,
    MissingFieldError,
    NotFoundError,
    RateLimitError,
    ServiceUnavailableError,
    render,
)
from kaiko_pytest import assert_error
from pytest_plugin.service import LampIsOn, LampNotFound, client

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_middleware import Reply


def answer(error: KaikoError, **changes: Any) -> Any:
    """Return what a test client would return for an error."""
    reply: Reply = render(error, "req-7f65ab21d1")
    given = {"status_code": reply.status, "headers": reply.headers, "content": reply.body}
    return SimpleNamespace(**given | changes)


def said(call: Callable[[], object]) -> str:
    """Return what a failing assertion says."""
    with pytest.raises(AssertionError) as caught:
        call()
    return str(caught.value)


def test_the_envelope_comes_back() -> None:
    """Parsed and typed."""
    envelope = assert_error(client.get("/lamps/declared"), LampNotFound)
    assert envelope.error.code == "lamp_not_found"
    assert envelope.error.request_id.startswith("req-")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LampNotFound("x"), {"status": 404}),
        (LampNotFound("x"), {"code": "lamp_not_found"}),
        (LampNotFound("x"), {"status": 404, "code": "lamp_not_found", "param": "lamp_id"}),
        (LampNotFound("x", param="a"), {"status": 404, "param": "a"}),
        (LampIsOn("x"), {"status": 409, "param": None}),
        (LampNotFound("No lamp 7"), {"status": 404, "message": "No lamp 7"}),
        (LampNotFound("No lamp 7"), {"status": 404, "message": re.compile(r"lamp \d")}),
    ],
)
def test_an_error_is_named_by_values(error: KaikoError, expected: dict[str, Any]) -> None:
    """As many as the test wants."""
    assert_error(answer(error), **expected)


@pytest.mark.parametrize(
    ("error", "cls"),
    [
        (LampNotFound(), LampNotFound),
        (LampNotFound(), NotFoundError),
        (NotFoundError(code="other"), NotFoundError),
        (MissingFieldError("a"), MissingFieldError),
        (RateLimitError(retry_after=3), RateLimitError),
        (ServiceUnavailableError(), ServiceUnavailableError),
    ],
)
def test_an_error_is_named_by_its_class(error: KaikoError, cls: type[KaikoError]) -> None:
    """A row's class takes each code of the row."""
    assert_error(answer(error), cls)


def test_another_error_is_compared_side_by_side() -> None:
    """Each difference is marked, and the answer is shown."""
    text = said(lambda: assert_error(answer(LampIsOn("On")), LampNotFound, param=None))
    assert text.startswith(
        "LampNotFound: the answer has another status, type and code\n\n"
        "           expected         seen\n"
        "! status   404              409\n"
        "! type     not_found_error  conflict_error\n"
        "! code     lamp_not_found   lamp_is_on\n"
        "  param    null             null\n"
        "  message  (any)            On\n\n"
        "  GET\n"
        "  HTTP 409\n"
        "  Content-Type: application/json\n"
    )
    assert text.endswith('"request_id":"req-7f65ab21d1"}}')


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ({"status": 404, "param": "other"}, "! param    other  "),
        ({"status": 404, "message": "On"}, "! message  On  "),
        ({"status": 404, "message": re.compile("O.")}, "! message  matching O.  "),
        ({"code": "lamp"}, "! code     lamp  "),
        ({"status": 200}, "! status   200 "),
    ],
)
def test_each_value_is_compared(expected: dict[str, Any], line: str) -> None:
    """And named in the first line."""
    text = said(lambda: assert_error(answer(LampNotFound("No")), **expected))
    assert line in text
    name = line.split()[1]
    assert text.startswith(f"the answer has another {name}\n")


def test_a_success_is_no_error() -> None:
    """Whatever was expected."""
    text = said(lambda: assert_error(client.get("/lamps/fine"), LampNotFound))
    assert text.startswith("LampNotFound: the answer is no error: it is a 200\n")
    assert "\n  GET http://testserver/lamps/fine\n" in text


def test_the_expected_error_keeps_the_whole_contract() -> None:
    """Each broken rule is named with its section, and why it may be broken."""
    reply = render(LampNotFound("No"), "req-7f65ab21d1")
    kept = [pair for pair in reply.headers if pair[0] != "Cache-Control"]
    body = reply.body.replace(b"}}", b'},"trace":1}')
    broken = answer(LampNotFound(), headers=kept, content=body)
    text = said(lambda: assert_error(broken, LampNotFound))
    assert text.startswith(
        "LampNotFound: the answer is the expected one, but it breaks the contract\n"
    )
    assert "  4. Headers: " in text
    assert "\n    cache-control: there is no Cache-Control\n" in text
    assert "\n    envelope: the body is not an object with the one member 'error'\n" in text
    assert "\nSomething outside of our middleware made this answer, or changed it." in text


def test_what_is_no_envelope_has_no_members() -> None:
    """Not JSON, deep JSON, another shape."""
    for body in (b"<html>", b"[" * 100_000, b"[1]", b'{"error": 1}'):
        text = said(partial(assert_error, answer(LampNotFound(), content=body), LampNotFound))
        assert "! code     lamp_not_found   null" in text


def test_what_is_shown_is_bounded() -> None:
    """A long body, many headers, a long value, control characters."""
    headers = [*((f"x-{number}", "y") for number in range(40)), ("x-long", "z" * 500)]
    huge = answer(LampNotFound(), headers=headers, content=b"x" * 5_000)
    text = said(lambda: assert_error(huge, code="a" * 200))
    assert "… and 11 more\n" in text
    assert f"{'x' * 1000}… (5000 bytes)" in text
    assert len(text) < 8_000
    text = said(lambda: assert_error(answer(LampNotFound("a\x1b[31m")), code="other"))
    assert r"a\x1b[31m" in text


def test_a_client_that_undoes_a_coding_is_read() -> None:
    """The body is not what was sent: the length that was sent says nothing of it."""
    reply = render(LampNotFound("No"), "req-7f65ab21d1")
    packed = gzip.compress(reply.body)
    headers = [pair for pair in reply.headers if pair[0] != "Content-Length"]
    sent = [*headers, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))]
    response = httpx2.Response(404, headers=sent, content=packed)
    assert assert_error(response, LampNotFound).error.message == "No"
    raw = answer(LampNotFound(), headers=sent, content=packed)
    assert "! code     lamp_not_found   null" in said(lambda: assert_error(raw, LampNotFound))


def test_the_id_may_be_in_another_header() -> None:
    """It is the one that has the body's id."""
    headers = [
        ("X-Correlation-ID" if name == "X-Request-ID" else name, value)
        for name, value in render(LampNotFound(), "req-7f65ab21d1").headers
    ]
    assert_error(answer(LampNotFound(), headers=headers), LampNotFound)


def test_headers_may_be_bytes_or_a_mapping() -> None:
    """As raw headers are, and those of a response that a test makes."""
    headers = render(LampNotFound(), "req-7f65ab21d1").headers
    raw = [(name.encode(), value.encode()) for name, value in headers]
    assert_error(answer(LampNotFound(), headers=raw), LampNotFound)
    assert_error(answer(LampNotFound(), headers=dict(headers)), LampNotFound)


def test_a_body_may_be_called_data() -> None:
    """As werkzeug's and Flask's is."""
    reply = render(LampNotFound(), "req-7f65ab21d1")
    response: Any = SimpleNamespace(status_code=404, headers=reply.headers, data=reply.body)
    assert_error(response, LampNotFound)


WRONG: Any = assert_error


@pytest.mark.parametrize(
    ("arguments", "named", "text"),
    [
        ((LampNotFound,), {"status": 404}, "a class, or a status and a code, not both"),
        ((LampNotFound,), {"code": "x"}, "a class, or a status and a code, not both"),
        ((), {}, "needs the expected error: a class, a status or a code"),
        ((), {"param": "x"}, "needs the expected error: a class, a status or a code"),
        ((ValueError,), {}, "takes a class of KaikoError, not <class 'ValueError'>"),
        ((404,), {}, "takes a class of KaikoError, not 404"),
    ],
)
def test_misuse_is_a_type_error(
    arguments: tuple[Any, ...], named: dict[str, Any], text: str
) -> None:
    """Never a test that passes."""
    with pytest.raises(TypeError, match=re.escape(text)):
        WRONG(answer(LampNotFound()), *arguments, **named)


def test_what_is_no_response_is_a_type_error() -> None:
    """A forgotten await is named."""

    async def ask() -> object:
        """Be a coroutine."""

    coroutine = ask()
    with pytest.raises(TypeError, match=r"not coroutine; await it first$"):
        WRONG(coroutine, LampNotFound)
    coroutine.close()
    with pytest.raises(TypeError, match=r"takes a test client's response, not dict$"):
        WRONG({}, LampNotFound)

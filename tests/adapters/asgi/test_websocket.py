"""WebSocket: an answer in place of the handshake, a close that says what happened after it."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from adapters.asgi.apps import error_of, kaiko, raises, said
from adapters.asgi.loopback import connected, run, serving
from adapters.asgi.server import RefusedError, connect
from kaiko_middleware import (
    Config,
    ForbiddenError,
    NotFoundError,
    RateLimitError,
    current_request_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from adapters.asgi.server import Socket
    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

SERVERS = ["wsproto"]
# Before 0.53, uvicorn gives a refusal on this protocol a second Content-Length.
if tuple(map(int, version("uvicorn").split(".")[:2])) >= (0, 53):
    SERVERS.append("websockets-sansio")


def script(*steps: dict[str, object] | Callable[[], BaseException]) -> ASGIApp:
    """Return an application that sends these events, and raises where a step makes something."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for step in steps:
            if isinstance(step, dict):
                await send(step)
            else:
                raise step()

    return app


ACCEPT: dict[str, object] = {"type": "websocket.accept"}
CLOSE: dict[str, object] = {"type": "websocket.close", "code": 4001, "reason": "own words"}


def denies(
    status: int, data: bytes, *, end: bool = True
) -> tuple[dict[str, object], dict[str, object]]:
    """Return the events of an answer in place of the handshake."""
    return (
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": [(b"content-type", b"text/plain")],
        },
        {"type": "websocket.http.response.body", "body": data, "more_body": not end},
    )


def answers(status: int, data: bytes) -> Iterator[dict[str, object]]:
    """Return the events of middleware that takes a handshake for a request."""
    for event in denies(status, data):
        yield {**event, "type": str(event["type"]).removeprefix("websocket.")}


def _boom() -> ValueError:
    return ValueError("secret")


# --- before accept -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("app", "status", "code"),
    [
        (script(NotFoundError), 404, "not_found"),
        (script(lambda: RateLimitError(retry_after=3)), 429, "too_many_requests"),
        (script(TimeoutError), 503, "timeout"),
        (script(_boom), 500, "internal"),
        (script(lambda: ExceptionGroup("g", [_boom()])), 500, "internal"),
        (script(CLOSE), 403, "permission_denied"),
        (script(CLOSE, CLOSE), 403, "permission_denied"),
        (script(*denies(429, b"Slow down")), 429, "too_many_requests"),
        (script(*denies(429, b"Slow down"), CLOSE), 429, "too_many_requests"),
        (script(*answers(429, b"Slow down")), 429, "too_many_requests"),
        (script(*denies(404, b"Slow down", end=False)), 404, "not_found"),
        (script(*denies(404, b"", end=False), _boom), 500, "internal"),
        (script(denies(200, b"")[0], _boom), 500, "internal"),
        (script(), 500, "internal"),
    ],
    ids=[
        "typed",
        "limited",
        "timeout",
        "bug",
        "group",
        "closed",
        "closed twice",
        "answered",
        "answered and closed",
        "answered as HTTP",
        "half answered",
        "failed while answering",
        "failed after a head",
        "silent",
    ],
)
def test_a_handshake_is_answered_with_an_envelope(
    app: ASGIApp, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever keeps it from being accepted, and whatever comes after that; logged once."""
    caplog.set_level(logging.INFO)
    seen = connect(kaiko(app))
    assert seen.denial is not None
    assert (seen.denial.status, error_of(seen.denial)["code"]) == (status, code)
    assert seen.closed is None
    assert len(said(caplog)) == 1


def _closes(code: int, reason: str = "") -> dict[str, object]:
    return {"type": "websocket.close", "code": code, "reason": reason}


def _handling(exc: Exception, close: dict[str, object]) -> ASGIApp:
    """Return an application that closes while it handles an exception, as frameworks do."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            raise exc  # noqa: TRY301 - and catches it, as Falcon and Litestar do
        except Exception:  # noqa: BLE001 - as above
            await send(close)

    return app


@pytest.mark.parametrize(
    ("app", "status", "code", "level"),
    [
        (script(_closes(3404)), 404, "not_found", "INFO"),
        (script(_closes(3405)), 404, "not_found", "INFO"),
        (script(_closes(3503)), 503, "service_unavailable", "WARNING"),
        (script(_closes(4401)), 401, "invalid_api_key", "WARNING"),
        (script(_closes(4600)), 403, "permission_denied", "WARNING"),
        (script(_closes(1011)), 500, "internal", "WARNING"),
        (script(_closes(1011), _boom), 500, "internal", "ERROR"),
        (script(_closes(4500, "Own")), 403, "permission_denied", "WARNING"),
        (script(_closes(4500, "Internal Server Error")), 500, "internal", "WARNING"),
        (_handling(NotFoundError(), _closes(1011)), 404, "not_found", "INFO"),
        (_handling(NotFoundError(), _closes(4500, "Own")), 404, "not_found", "INFO"),
        (_handling(_boom(), _closes(1011)), 500, "internal", "ERROR"),
        (_handling(_boom(), _closes(4500, "Own")), 403, "permission_denied", "WARNING"),
        (_handling(NotFoundError(), _closes(1008)), 403, "permission_denied", "WARNING"),
    ],
    ids=range(14),
)
def test_a_close_before_accept_says_why_in_its_code(
    app: ASGIApp, status: int, code: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Falcon adds the status to 3000 and others to 4000; for an exception there is one code."""
    caplog.set_level(logging.INFO)
    denial = connect(kaiko(app)).denial
    assert denial is not None
    assert (denial.status, error_of(denial)["code"]) == (status, code)
    assert [record.levelname for record in caplog.records] == [level]


@pytest.mark.parametrize(
    ("app", "code", "reason"),
    [
        (script(NotFoundError), 1008, "not_found"),
        (script(_boom), 1011, "internal"),
        (script(*denies(429, b"Slow down")), 1008, "too_many_requests"),
        (script(), 1011, "internal"),
    ],
    ids=["typed", "bug", "denial", "silent"],
)
def test_without_the_extension_a_handshake_is_closed(
    app: ASGIApp, code: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that cannot send an answer makes an empty 403 of the close."""
    caplog.set_level(logging.INFO)
    seen = connect(kaiko(app), denial=False)
    assert seen.denial is None
    assert seen.closed is not None
    assert (seen.closed[0], seen.closed[1].split()[0]) == (code, reason)
    assert len(said(caplog)) == 1


def test_without_the_extension_a_close_is_the_applications_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There is nothing better to say."""
    seen = connect(kaiko(script(CLOSE)), denial=False)
    assert seen.closed == (4001, "own words")
    assert said(caplog) == []


_REFUSED: dict[str, object] = {
    "type": "websocket.close",
    "code": 1008,
    "reason": [{"type": "int_parsing", "loc": ["query", "limit"], "msg": "", "input": "x"}],
}


def test_a_list_for_a_reason_denies_or_closes(caplog: pytest.LogCaptureFixture) -> None:
    """FastAPI closes so what its validation refused; no server could send that."""
    caplog.set_level(logging.INFO)
    denied = connect(kaiko(script(_REFUSED)))
    assert denied.denial is not None
    assert error_of(denied.denial)["code"] == "invalid_limit"
    for app in (
        connect(kaiko(script(_REFUSED)), denial=False),
        connect(kaiko(script(ACCEPT, _REFUSED))),
    ):
        assert app.closed is not None
        assert (app.closed[0], app.closed[1].split()[0]) == (1008, "invalid_limit")
    assert len(said(caplog)) == 3


def test_a_server_may_leave_the_extensions_out() -> None:
    """The scope's key is optional, and may be None."""
    seen = connect(kaiko(script(_boom)), denial=False, extensions=None)
    assert seen.closed is not None


@pytest.mark.parametrize("status", [200, 302])
def test_a_handshake_answered_with_no_error_is_left_alone(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A redirect in place of a socket is none of ours, but for the id."""
    seen = connect(kaiko(script(*denies(status, b"there"))))
    assert seen.denial is not None
    assert (seen.denial.status, seen.denial.body) == (status, b"there")
    assert seen.denial.id
    assert said(caplog) == []


def test_an_answer_let_through_is_left_alone() -> None:
    """`kaiko_passthrough` holds for a handshake, too."""
    app = script(*denies(404, b"none"))
    seen = connect(kaiko(app), state={"kaiko_passthrough": True})
    assert seen.denial is not None
    assert seen.denial.body == b"none"


# --- after accept --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "code", "reason"),
    [
        (NotFoundError, 1008, "not_found"),
        (lambda: ForbiddenError(code="key_revoked"), 1008, "key_revoked"),
        (TimeoutError, 1011, "timeout"),
        (_boom, 1011, "internal"),
        (lambda: ExceptionGroup("g", [NotFoundError()]), 1008, "not_found"),
        (lambda: SystemExit(3), 1011, "internal"),
    ],
    ids=["typed", "own code", "timeout", "bug", "group", "exit"],
)
@pytest.mark.parametrize("denial", [True, False])
def test_an_open_socket_is_closed_with_a_reason(
    make: Callable[[], BaseException],
    code: int,
    reason: str,
    *,
    denial: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """1008 for what is the client's, 1011 for what is ours; the code and the id are the reason."""
    caplog.set_level(logging.INFO)
    seen = connect(kaiko(script(ACCEPT, make)), denial=denial)
    request_id = dict(seen.headers)["x-request-id"]
    assert seen.closed == (code, f"{reason} {request_id}")
    assert seen.denial is None
    assert len(said(caplog)) == 1
    assert request_id in caplog.text


def test_a_reason_has_at_most_123_bytes() -> None:
    """However long the code and a trusted id are."""
    error = NotFoundError(code="a" * 64)
    seen = connect(
        kaiko(script(ACCEPT, lambda: error), Config(trust_request_id=True)),
        headers=[("X-Request-ID", "x" * 128)],
    )
    assert seen.closed is not None
    assert len(seen.closed[1].encode()) == 123


def test_a_reason_shows_no_key() -> None:
    """A code or a trusted id that looks like a key is no exception."""
    seen = connect(kaiko(script(ACCEPT, lambda: NotFoundError(code="kaiko_live_abc"))))
    assert seen.closed is not None
    assert "abc" not in seen.closed[1]


@pytest.mark.parametrize("answer", [denies, answers])
def test_an_http_answer_after_accept_closes_the_socket(
    answer: Callable[[int, bytes], Iterable[dict[str, object]]], caplog: pytest.LogCaptureFixture
) -> None:
    """A framework answers an HTTP exception so, and a server would only fail over it."""
    caplog.set_level(logging.INFO)
    seen = connect(kaiko(script(ACCEPT, *answer(403, b"no"), CLOSE)))
    assert seen.closed is not None
    assert (seen.closed[0], seen.closed[1].split()[0]) == (1008, "permission_denied")
    assert seen.raised is None
    assert len(said(caplog)) == 1


def test_a_refusal_closes_a_socket_once(caplog: pytest.LogCaptureFixture) -> None:
    """Where no answer can be sent; what is raised after it is raised, and closes nothing."""
    caplog.set_level(logging.DEBUG)
    seen = connect(kaiko(script(*denies(503, b""), _boom)), denial=False)
    assert seen.closed is not None
    assert isinstance(seen.raised, ValueError)
    assert "client disconnected" not in caplog.text


def test_an_answer_that_is_no_error_is_refused_after_accept_as_before() -> None:
    """The server says what it thinks of it."""
    seen = connect(kaiko(script(ACCEPT, *denies(200, b"ok"))))
    assert isinstance(seen.raised, RefusedError)


@pytest.mark.parametrize("app", [script(ACCEPT), script(ACCEPT, CLOSE)], ids=["left", "closed"])
def test_a_socket_without_errors_is_what_it_was(
    app: ASGIApp, caplog: pytest.LogCaptureFixture
) -> None:
    """Its events pass as they are; accept carries the id."""
    caplog.set_level(logging.DEBUG)
    seen, bare = connect(kaiko(app)), connect(app)
    assert (seen.accepted, seen.closed, seen.sent) == (True, bare.closed, bare.sent)
    assert [name for name, _ in seen.headers] == ["x-request-id"]
    assert said(caplog) == []


@pytest.mark.parametrize("headers", [None, (), [(b"X-Request-ID", b"own"), (b"x-a", b"1")]])
def test_accept_carries_the_id_once(headers: object) -> None:
    """Ours replaces the application's, and the event itself is not changed."""
    accept: dict[str, object] = {**ACCEPT, "headers": headers}
    seen = connect(kaiko(script(accept)))
    assert [name for name, _ in seen.headers].count("x-request-id") == 1
    assert dict(seen.headers)["x-request-id"].startswith("req-")
    assert accept == {**ACCEPT, "headers": headers}


def test_a_failure_after_the_close_is_only_reported(caplog: pytest.LogCaptureFixture) -> None:
    """There is nobody to tell."""
    for before in ((), (ACCEPT,)):
        caplog.clear()
        seen = connect(kaiko(script(*before, CLOSE, _boom)))
        assert isinstance(seen.raised, ValueError)
        assert "ERROR" in {level for level, _ in said(caplog)}


# --- both ----------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [(), (ACCEPT,)], ids=["before", "after"])
@pytest.mark.parametrize("denial", [True, False])
def test_who_else_sees_it(steps: tuple[dict[str, object], ...], *, denial: bool) -> None:
    """Unmapped exceptions are raised again unless kept; typed ones are answered, and over."""

    def raised(make: Callable[[], BaseException], config: Config | None = None) -> object:
        return type(connect(kaiko(script(*steps, make), config), denial=denial).raised)

    assert raised(_boom) is ValueError
    assert raised(_boom, Config(reraise=False)) is type(None)
    assert raised(NotFoundError) is type(None)
    assert raised(lambda: SystemExit(3), Config(reraise=False)) is SystemExit


@pytest.mark.parametrize("steps", [(), (ACCEPT,)], ids=["before", "after"])
@pytest.mark.parametrize("denial", [True, False])
def test_layers_report_it_once(
    steps: tuple[dict[str, object], ...], *, denial: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A mounted application with middleware of its own changes nothing."""
    seen = connect(kaiko(kaiko(script(*steps, _boom))), denial=denial)
    assert isinstance(seen.raised, ValueError)
    ((level, text),) = said(caplog)
    assert level == "ERROR"
    if seen.denial is not None:
        assert seen.denial.id in text
    if seen.closed is not None:
        assert seen.closed[1].split()[1] in text


def test_a_socket_has_an_id_of_its_own() -> None:
    """In the scope's state and in the context, and it is gone afterwards."""
    seen: list[object] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.extend([current_request_id(), scope["state"]["kaiko_request_id"]])
        await send(ACCEPT)

    request_id = dict(connect(kaiko(app)).headers)["x-request-id"]
    assert seen == [request_id, request_id]
    assert current_request_id() is None


def test_a_server_that_refuses_the_code_gets_a_private_one() -> None:
    """As daphne does: without it the socket would stay open."""
    closed: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "websocket.close":
            if not 3000 <= message["code"] <= 4999:
                raise ValueError("invalid close code")
            closed.append(message["code"])

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope: Scope = {"type": "websocket", "path": "/", "headers": [], "extensions": {}}
    asyncio.run(kaiko(script(ACCEPT, NotFoundError))(scope, receive, send))
    assert closed == [4008]


def test_a_path_that_is_left_alone_is_left_alone() -> None:
    """Not even the id is added."""
    app = kaiko(script(ACCEPT, _boom), Config(paths=["/v2"]))
    seen = connect(app, "/elsewhere")
    assert (seen.headers, seen.closed) == ([], None)
    assert isinstance(seen.raised, ValueError)


@pytest.mark.parametrize("ws", SERVERS)
class TestOnUvicorn:
    """The same over a real socket."""

    def test_denied(self, ws: str) -> None:
        """The client of a handshake reads the envelope."""

        async def main() -> Socket:
            async with serving(kaiko(raises(NotFoundError)), ws=ws) as port, connected(port) as it:
                return await it.upgrade("/")

        seen = run(main())
        assert seen.denial is not None
        assert error_of(seen.denial)["code"] == "not_found"

    @pytest.mark.parametrize("app", [script(CLOSE), script()], ids=["closed", "silent"])
    def test_refused(self, app: ASGIApp, ws: str) -> None:
        """So does one whose handshake was closed, or left without an answer."""

        async def main() -> Socket:
            async with serving(kaiko(app), ws=ws) as port, connected(port) as it:
                return await it.upgrade("/")

        seen = run(main())
        assert seen.denial is not None
        error_of(seen.denial)

    @pytest.mark.parametrize(
        ("make", "code", "reason"),
        [(NotFoundError, 1008, "not_found"), (_boom, 1011, "internal")],
        ids=["typed", "bug"],
    )
    def test_closed(
        self, make: Callable[[], BaseException], code: int, reason: str, ws: str
    ) -> None:
        """The client of an open socket reads the close."""

        async def main() -> Socket:
            app = kaiko(script(ACCEPT, make))
            async with serving(app, ws=ws) as port, connected(port) as it:
                return await it.closing(await it.upgrade("/"))

        seen = run(main())
        assert seen.closed == (code, f"{reason} {dict(seen.headers)['x-request-id']}")

"""The guards in front of ASGI applications: alike with and without the envelope middleware."""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from litestar import Litestar, asgi
from litestar.middleware import DefineMiddleware
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from adapters.asgi.apps import answers, body, error_of, said, sends, start
from adapters.asgi.server import Answer, ask, call, connect, http_scope
from adapters.httpx.virtual_time import run
from guards.test_memory import Clock
from kaiko_asgi import KaikoMiddleware
from kaiko_guards import ApiKeys, BodyLimit, Deadline, RateLimit, ValidKey, deadline
from kaiko_guards.asgi import GuardMiddleware
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import Config, ConflictError
from kaiko_middleware.settings_check import ConfigError
from kaiko_starlette import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send
    from kaiko_guards import GuardedRequest, KeyAnswer

    Stack = Callable[[ASGIApp, list[Any]], Any]

KEY = "kaiko_live_" + "a1" * 20
UNKNOWN = "kaiko_live_" + "b2" * 20
REVOKED = "kaiko_live_" + "c3" * 20
BROKEN = "kaiko_live_" + "d4" * 20
_ANSWERS: dict[str, KeyAnswer] = {KEY: ValidKey("billing", "billing"), REVOKED: "revoked"}


class Keys:
    """Knows a few keys."""

    def verify(self, key: str, /) -> KeyAnswer:
        if key == BROKEN:
            raise OSError("the database is gone")
        return _ANSWERS.get(key, "unknown")


class AsyncKeys:
    """Knows the same, after a while."""

    async def verify(self, key: str, /) -> KeyAnswer:
        await asyncio.sleep(0)
        return Keys().verify(key)


def alone(app: ASGIApp, guards: list[Any]) -> Any:
    return GuardMiddleware(app, guards)


def in_envelope(app: ASGIApp, guards: list[Any]) -> Any:
    return KaikoMiddleware(GuardMiddleware(app, guards))


def on_starlette(app: ASGIApp, guards: list[Any]) -> Any:
    starlette = Starlette(routes=[Mount("/", app)])
    starlette.add_middleware(GuardMiddleware, guards=guards)
    install(starlette)
    return starlette


def on_starlette_alone(app: ASGIApp, guards: list[Any]) -> Any:
    starlette = Starlette(routes=[Mount("/", app)])
    starlette.add_middleware(GuardMiddleware, guards=guards)
    return starlette


def on_litestar(app: ASGIApp, guards: list[Any]) -> Any:
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    mounted.__annotations__ = {"scope": Any, "receive": Any, "send": Any, "return": None}
    middleware: Any = GuardMiddleware  # its scope is any scope, and Litestar's is its own
    return Litestar(
        [asgi("/", is_mount=True, copy_scope=False)(mounted)],
        middleware=[DefineMiddleware(middleware, guards=guards)],
        plugins=[KaikoPlugin()],
        openapi_config=None,
        logging_config=None,
    )


STACKS: list[Stack] = [alone, in_envelope, on_starlette, on_starlette_alone, on_litestar]
each_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.__name__)


async def reads(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer with its length."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await answers(data=str(size).encode())(_scope, receive, send)


async def reads_and_shrugs(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, and answer with an error of its own where that fails."""
    try:
        await reads(scope, receive, send)
    except Exception:  # noqa: BLE001 - as frameworks do
        await answers(400, b"There was an error parsing the body")(scope, receive, send)


def waits(seconds: float) -> ASGIApp:
    """Return an application that takes so long."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await answers()(scope, receive, send)

    return app


async def timed(
    app: ASGIApp, headers: Iterable[tuple[str, str]] = (), **how: Any
) -> tuple[Answer, float]:
    """Serve one request, and say how long it took to answer."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    took: list[float] = []

    def on_send(_message: Message) -> None:
        took.append(loop.time() - began)

    answer = await call(app, http_scope(headers=headers, **how), on_send=on_send)
    return answer, took[-1]


# --- keys -----------------------------------------------------------------------------


@each_stack
@pytest.mark.parametrize("keys", [Keys(), AsyncKeys()], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        ("kaiko_test_" + "a1" * 20, 401, "invalid_api_key"),
        (UNKNOWN, 401, "invalid_api_key"),
        (REVOKED, 403, "key_revoked"),
        (BROKEN, 503, "service_unavailable"),
    ],
)
def test_a_request_without_a_valid_key_is_refused(
    stack: Stack, keys: Any, key: str | None, status: int, code: str, *, caplog: Any
) -> None:
    """And the application does not hear of it; a verifier that is down is no open door."""
    caplog.set_level(logging.DEBUG, "kaiko")
    heard: list[object] = []

    async def app(*_args: object) -> None:
        heard.append(_args)

    headers = [] if key is None else [("x-api-key", key)]
    answer = ask(stack(app, [ApiKeys(keys)]), headers=headers)
    assert (answer.status, error_of(answer)["code"]) == (status, code)
    assert (answer.all("www-authenticate") == ["ApiKey"]) == (status == 401)
    assert heard == []
    ((level, text),) = said(caplog)
    assert level == "WARNING"
    assert KEY[-40:] not in text
    assert answer.raised is None


@each_stack
@pytest.mark.parametrize("keys", [Keys(), AsyncKeys()], ids=["sync", "async"])
def test_a_valid_key_lets_a_request_through(stack: Stack, keys: Any) -> None:
    """And says whose it is."""
    found: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope["state"]["principal"])
        await answers()(scope, receive, send)

    answer = ask(stack(app, [ApiKeys(keys)]), headers=[("x-api-key", KEY)])
    assert (answer.status, found) == (200, ["billing"])


@each_stack
def test_a_public_path_needs_no_key(stack: Stack) -> None:
    """Below the root path, as the application's router sees it."""
    app = stack(answers(), [ApiKeys(Keys(), public=("/health",))])
    assert ask(app, "/health").status == 200
    assert ask(app, "/api/health", root_path="/api").status == 200
    assert ask(app, "/healthy").status == 401


def test_two_keys_are_none() -> None:
    """A proxy and an application might each take another one."""
    headers = [("x-api-key", KEY), ("x-api-key", KEY)]
    assert ask(alone(answers(), [ApiKeys(Keys())]), headers=headers).status == 401


@pytest.mark.parametrize("outside", [True, False], ids=["outside", "inside"])
def test_a_browser_can_read_a_refusal(*, outside: bool) -> None:
    """Wherever the service's CORS middleware is, where the envelope is installed."""
    starlette = Starlette(routes=[Mount("/", answers())])
    layers: list[tuple[Any, dict[str, Any]]] = [
        (GuardMiddleware, {"guards": [ApiKeys(Keys())]}),
        (CORSMiddleware, {"allow_origins": ["*"]}),
    ]
    for layer, options in layers if outside else reversed(layers):
        starlette.add_middleware(layer, **options)
    install(starlette)
    answer = ask(starlette, headers=[("origin", "https://a.example")])
    assert (answer.status, answer.one("access-control-allow-origin")) == (401, "*")


# --- limits ---------------------------------------------------------------------------


@each_stack
def test_a_limit_tells_what_is_left_and_then_refuses(stack: Stack) -> None:
    """Successes are told too, and never to retry."""
    app = stack(answers(), [RateLimit("2/minute", by="address", clock=Clock())])
    first, second, third = (ask(app) for _ in range(3))
    assert [each.status for each in (first, second, third)] == [200, 200, 429]
    assert [each.one("x-ratelimit-remaining") for each in (first, second, third)] == ["1", "0", "0"]
    assert [each.one("x-ratelimit-limit") for each in (first, third)] == ["2", "2"]
    assert first.all("retry-after") == []
    assert third.one("retry-after") == "30"
    assert error_of(third)["code"] == "too_many_requests"


@pytest.mark.parametrize("stack", [in_envelope, on_starlette, on_litestar])
@pytest.mark.parametrize(
    ("make", "status"), [(ConflictError, 409), (ValueError, 500)], ids=["typed", "bug"]
)
def test_an_error_that_is_answered_outside_tells_what_is_left(
    stack: Stack, make: type[Exception], status: int
) -> None:
    """The limit governs it as well."""

    async def app(*_args: object) -> None:
        raise make("secret")

    answer = ask(stack(app, [RateLimit("2/minute", by="address")]))
    assert answer.status == status
    assert answer.all("x-ratelimit-remaining") == ["1"]
    assert answer.all("x-ratelimit-limit") == ["2"]


def test_limits_govern_paths_and_methods_and_count_by_what_they_are_told() -> None:
    """Several at once, each with its own cost; the header fields are those of the tightest."""

    def by_tenant(request: GuardedRequest) -> str | None:
        return request.read_header("x-tenant")

    guards = [
        RateLimit("100/minute", by="address"),
        RateLimit("40/minute", by=by_tenant, cost=lambda _request: 20, paths=("/batch",)),
        RateLimit("1/minute", by="address", methods=("DELETE",)),
    ]
    app = alone(answers(), guards)
    tenant = [("x-tenant", "acme")]
    assert ask(app, "/batch", headers=tenant).one("x-ratelimit-remaining") == "20"
    assert ask(app, "/batch", headers=tenant).status == 200
    assert ask(app, "/batch", headers=tenant).status == 429
    assert ask(app, "/batch", headers=[("x-tenant", "other")]).status == 200
    assert ask(app, "/batch").one("x-ratelimit-limit") == "100"
    assert [ask(app, method="DELETE").status for _ in range(2)] == [200, 429]


def test_what_no_limit_governs_is_told_of_none() -> None:
    """Where there is only one, too."""
    app = alone(answers(), [RateLimit("1/minute", by="address", methods=("DELETE",))])
    assert [ask(app).all("x-ratelimit-limit") for _ in range(2)] == [[], []]
    assert [ask(app, method="DELETE").status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("by", ["key", "principal"])
def test_a_limit_counts_by_key_or_principal(by: Any) -> None:
    """And by the address where there is none."""
    app = alone(answers(), [ApiKeys(Keys(), public=("/health",)), RateLimit("1/minute", by=by)])
    assert [ask(app, headers=[("x-api-key", KEY)]).status for _ in range(2)] == [200, 429]
    assert [ask(app, "/health").status for _ in range(2)] == [200, 429]


def test_a_limit_counts_by_the_clock_that_it_is_given() -> None:
    """So tests, and a demo, may hold it still."""
    now = [0.0]
    app = alone(answers(), [RateLimit("1/minute", by="address", clock=lambda: now[0])])
    assert [ask(app).status for _ in range(2)] == [200, 429]
    now[0] = 60.0
    assert ask(app).status == 200


@pytest.mark.parametrize(
    ("by", "told"), [("key", [200, 200]), ("principal", [200, 200]), ("address", [200, 429])]
)
def test_a_preflight_counts_by_address_alone(by: Any, told: list[int]) -> None:
    """It has no key, and the address may be a whole office's."""
    app = alone(answers(), [ApiKeys(Keys()), RateLimit("1/minute", by=by)])
    headers = [("origin", "https://a.example"), ("access-control-request-method", "GET")]
    assert [ask(app, method="OPTIONS", headers=headers).status for _ in range(2)] == told


def test_an_application_that_tells_its_own_limit_is_not_overruled() -> None:
    """A framework's throttle says more of its own than we do."""
    app = alone(
        answers(headers=[(b"x-ratelimit-remaining", b"7")]), [RateLimit("2/minute", by="address")]
    )
    assert ask(app).all("x-ratelimit-remaining") == ["7"]
    assert ask(app).all("x-ratelimit-limit") == []


# --- sizes ----------------------------------------------------------------------------


@each_stack
@pytest.mark.parametrize("app", [reads, reads_and_shrugs])
@pytest.mark.parametrize(
    ("length", "parts"),
    [("11", [b"x" * 11]), (None, [b"x" * 6, b"x" * 5]), ("99999999999999999999", [b"x"])],
)
def test_a_body_that_is_too_large_is_refused(
    stack: Stack, app: ASGIApp, length: str | None, parts: list[bytes], caplog: Any
) -> None:
    """By what it says, or as it arrives, whatever the application makes of that."""
    caplog.set_level(logging.INFO, "kaiko")
    headers = [] if length is None else [("content-length", length)]
    answer = ask(stack(app, [BodyLimit(10)]), method="POST", headers=headers, body=parts)
    assert (answer.status, error_of(answer)["code"]) == (413, "payload_too_large")
    assert len(said(caplog)) == 1


@each_stack
def test_a_body_that_is_small_enough_arrives(stack: Stack) -> None:
    """To the last octet, and more where a path allows it."""
    app = stack(reads, [BodyLimit(10, paths={"/files": 20})])
    assert ask(app, method="POST", body=[b"x" * 6, b"y" * 4]).body == b"10"
    length = [("content-length", "10")]
    assert ask(app, method="POST", headers=length, body=[b"x" * 10]).body == b"10"
    assert ask(app, "/files/1", method="POST", body=[b"x" * 20]).body == b"20"


def test_a_length_that_is_none_is_the_servers_to_refuse() -> None:
    """The body is counted all the same."""
    app = alone(reads, [BodyLimit(10)])
    answer = ask(app, method="POST", headers=[("content-length", "ten")], body=[b"x"])
    assert answer.body == b"1"


def test_an_answer_that_is_under_way_is_cut() -> None:
    """Nothing better can be said of a body that turns out to be too large by then."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, [(b"content-length", b"9")]))
        await receive()

    answer = ask(alone(app, [BodyLimit(1)]), method="POST", body=[b"x" * 2])
    assert (answer.status, answer.whole) == (200, False)
    assert answer.raised is not None


# --- deadlines ------------------------------------------------------------------------


@each_stack
def test_work_that_takes_too_long_is_cancelled_and_answered(stack: Stack) -> None:
    """On time."""
    answer, took = run("asyncio", lambda: timed(stack(waits(60), [Deadline(0.5)])))
    error = error_of(answer)
    assert (answer.status, error["code"], error["message"]) == (
        503,
        "timeout",
        "The operation timed out",
    )
    assert answer.one("x-should-retry") == "true"
    assert took == pytest.approx(0.5, abs=0.01)


class SlowKeys:
    """Take a second to look a key up, or three where `stubborn`."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self._stubborn = stubborn

    async def verify(self, _key: str, /) -> KeyAnswer:
        for _ in range(3 if self._stubborn else 1):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                if not self._stubborn:
                    raise
        return "unknown"


@each_stack
@pytest.mark.parametrize("stubborn", [False, True])
def test_a_verifier_that_takes_too_long_is_ended(stack: Stack, *, stubborn: bool) -> None:
    """The time runs while the guards work; the application is not called."""
    guards = [Deadline(0.5), ApiKeys(SlowKeys(stubborn=stubborn))]
    app = stack(answers(), guards)
    answer, took = run("asyncio", lambda: timed(app, headers=[("x-api-key", KEY)]))
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
    assert took == pytest.approx(0.55 if stubborn else 0.5, abs=0.02)
    assert answer.raised is None


@each_stack
def test_work_that_cannot_be_stopped_goes_on_alone(stack: Stack) -> None:
    """Its client is answered; it is counted until it ends, and its own answer is dropped."""
    overrun: list[str] = []
    guard = Deadline(0.5, on_overrun=lambda request: overrun.append(request.path))
    seen: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                pass
        seen.append(guard.overrunning)
        await answers()(scope, receive, send)

    answer, took = run("asyncio", lambda: timed(stack(app, [guard])))
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
    assert took == pytest.approx(0.55, abs=0.02)
    assert (overrun, seen, guard.overrunning) == (["/"], [1], 0)
    assert answer.raised is None


def test_an_answer_under_way_is_not_answered_again() -> None:
    """Its work goes on, and nobody is told."""
    guard = Deadline(0.5)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200, [(b"content-length", b"2")]))
        for _ in range(2):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                pass
        await send(body(b"ok"))

    answer, _ = run("asyncio", lambda: timed(alone(app, [guard])))
    assert (answer.status, answer.body, answer.whole) == (200, b"ok", True)
    assert guard.overrunning == 0


def test_what_fails_while_it_is_cancelled_is_its_own_failure() -> None:
    """A deadline hides no bug."""

    async def app(*_args: object) -> None:
        try:
            await asyncio.sleep(5)
        finally:
            raise ValueError("secret")

    answer, _ = run("asyncio", lambda: timed(in_envelope(app, [Deadline(1)])))
    assert (answer.status, error_of(answer)["code"]) == (500, "internal")
    assert isinstance(answer.raised, ValueError)


def test_a_client_that_leaves_is_no_part_of_a_body() -> None:
    """What is counted are the parts that arrive."""
    left: list[str] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        first, second = await receive(), await receive()
        left.extend((first["type"], second["type"]))

    ask(alone(app, [BodyLimit(1)]), method="POST", body=[b"x"], leaves=True)
    assert left == ["http.request", "http.disconnect"]


def test_a_request_that_is_closed_elsewhere_harms_nothing() -> None:
    """An event loop that ends closes what runs, in another context."""

    async def app(*_args: object) -> None:
        await asyncio.sleep(60)

    async def nothing() -> Message:
        return {}

    async def drop(_message: Message) -> None:
        pass

    async def main() -> None:
        running = alone(app, [Deadline(30)])(http_scope(), nothing, drop)
        copy_context().run(running.send, None)
        running.close()
        assert deadline() is None

    asyncio.run(main())


def test_a_hook_that_fails_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""

    def fails(_request: GuardedRequest) -> None:
        raise ValueError("secret")

    async def app(*_args: object) -> None:
        try:
            await asyncio.sleep(2)
        except asyncio.CancelledError:
            await asyncio.sleep(2)

    answer, _ = run("asyncio", lambda: timed(alone(app, [Deadline(1, on_overrun=fails)])))
    assert answer.status == 503
    assert "the on_overrun hook failed" in caplog.text


def test_an_answer_in_the_last_moment_counts() -> None:
    """What the application sends while it is cancelled is its answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            await answers(data=b"what I have")(scope, receive, send)

    answer, _ = run("asyncio", lambda: timed(alone(app, [Deadline(1)])))
    assert (answer.status, answer.body) == (200, b"what I have")


@each_stack
def test_what_streams_has_no_deadline(stack: Stack) -> None:
    """Nor has what runs after a whole answer."""
    after: list[str] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200))
        for _ in range(3):
            await send(body(b"x", more=True))
            await asyncio.sleep(1)
        await send(body())
        await asyncio.sleep(1)
        after.append("ran")

    answer, _ = run("asyncio", lambda: timed(stack(app, [Deadline(1.5)])))
    assert (answer.body, answer.whole, after) == (b"xxx", True, ["ran"])


@each_stack
def test_a_head_without_a_body_is_no_answer_yet(stack: Stack) -> None:
    """Where the head is not out, the client gets an envelope; else the connection is cut."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200))
        await asyncio.sleep(5)

    answer, _ = run("asyncio", lambda: timed(stack(app, [Deadline(1)])))
    if stack in {in_envelope, on_starlette, on_litestar}:
        assert error_of(answer)["code"] == "timeout"
    else:
        assert (answer.status, answer.whole) == (200, False)


@pytest.mark.parametrize(
    ("asked", "allowed"), [("0.25", 0.25), ("60", 1), ("0", 0), ("soon", 1), ("-1", 1), ("1e9", 1)]
)
def test_a_caller_may_shorten_the_deadline(asked: str, allowed: float) -> None:
    """By X-Request-Deadline, in seconds; the work is told what is left."""
    told: list[float | None] = []

    async def app(*_args: object) -> None:
        told.append(deadline())
        await asyncio.sleep(5)

    headers = [("x-request-deadline", asked)]
    _, took = run("asyncio", lambda: timed(alone(app, [Deadline(1)]), headers))
    assert took == pytest.approx(allowed, abs=0.01)
    if allowed:
        (left,) = told
        assert left is not None
        assert 0 < left <= allowed
    assert deadline() is None


@each_stack
def test_a_caller_without_time_is_answered_at_once(stack: Stack) -> None:
    """The work would be in vain, also where it is done in no time."""
    app = stack(lambda *_args: pytest.fail("called"), [Deadline(5)])
    answer = ask(app, headers=[("x-request-deadline", "0")])
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")


@pytest.mark.parametrize(
    ("path", "status"), [("/", 503), ("/slow", 200), ("/slow/export", 200), ("/slower", 503)]
)
def test_a_path_may_have_another_deadline_or_none(path: str, status: int) -> None:
    """The longest prefix counts."""
    app = alone(waits(2), [Deadline(1, paths={"/slow": 3, "/slow/export": None})])
    assert run("asyncio", lambda: timed(app, path=path))[0].status == status


def test_a_cancellation_by_somebody_else_is_handed_on() -> None:
    """A server that shuts down is not told of a deadline."""

    async def main() -> object:
        task = asyncio.ensure_future(call(alone(waits(60), [Deadline(30)]), http_scope()))
        await asyncio.sleep(1)
        task.cancel()
        answer = await task
        return answer.raised

    assert isinstance(run("asyncio", main), asyncio.CancelledError)


def test_on_another_loop_nothing_is_ended() -> None:
    """The work is told what is left of its time."""
    told: list[float | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(deadline())
        await answers()(scope, receive, send)

    async def main() -> Answer:
        return await call(alone(app, [Deadline(5)]), http_scope())

    assert run("trio", main).status == 200
    assert told[0] is not None


# --- sockets, settings ----------------------------------------------------------------


async def accepts(_scope: Scope, receive: Receive, send: Send) -> None:
    """Accept a socket and close it."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1000})


@pytest.mark.parametrize("stack", [alone, in_envelope], ids=["alone", "in_envelope"])
def test_handshakes_are_guarded(stack: Stack) -> None:
    """By key and by limit; deadline and size are for requests."""
    app = stack(
        accepts, [Deadline(1), BodyLimit(0), ApiKeys(Keys()), RateLimit("1/minute", by="key")]
    )
    refused = connect(app)
    assert refused.denial is not None
    assert refused.denial.status == 401
    headers = [("x-api-key", KEY)]
    assert connect(app, headers=headers).accepted
    throttled = connect(app, headers=headers)
    assert throttled.denial is not None
    assert throttled.denial.status == 429


def test_a_lifespan_passes() -> None:
    """It is no request."""
    heard: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        heard.append(scope["type"])

    async def nothing() -> Message:
        return {}

    async def drop(_message: Message) -> None:
        pass

    async def main() -> None:
        await alone(app, [ApiKeys(Keys())])({"type": "lifespan"}, nothing, drop)

    run("asyncio", main)
    run("trio", main)
    assert heard == ["lifespan"] * 2


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"guards": ApiKeys(Keys())}, "guards"),
        ({"guards": "100/minute"}, "guards"),
        ({"guards": ["100/minute"]}, "guards"),
        ({"guards": [Deadline(1), Deadline(2)]}, "guards"),
        ({"trusted_proxies": "10.0.0.0/8"}, "trusted_proxies"),
    ],
)
def test_a_wrong_setting_is_named_at_once(given: dict[str, Any], named: str) -> None:
    """When the middleware is made."""
    with pytest.raises(ConfigError, match=f"^{named}: "):
        GuardMiddleware(sends(), **given)


def test_the_envelopes_settings_count_where_it_is_missing() -> None:
    """Its challenge and its id header."""
    config = Config(challenge="Bearer", request_id_header="X-Correlation-ID")
    answer = ask(GuardMiddleware(answers(), [ApiKeys(Keys())], config=config))
    assert answer.one("www-authenticate") == "Bearer"
    assert answer.one("x-correlation-id").startswith("req-")

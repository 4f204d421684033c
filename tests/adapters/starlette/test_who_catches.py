"""Who catches, answers: the service's middleware first, and ours what left all of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from adapters.asgi.apps import error_of, records_of
from adapters.asgi.server import ask, call, http_scope
from adapters.httpx.virtual_time import run
from adapters.starlette.catching import (
    INSTALLS,
    ORIGIN,
    BugError,
    Catching,
    CatchingBase,
    SoldOutError,
    StockError,
    fastapi,
    starlette,
    with_cors,
)
from kaiko_middleware import Config, ConflictError, ExceptionMapping
from kaiko_middleware.conformance import check_event_stream
from kaiko_starlette import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from adapters.asgi.server import Answer
    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

made = pytest.mark.parametrize("make", [starlette, fastapi])
catches = pytest.mark.parametrize("catching", [Catching, CatchingBase])
ordered = pytest.mark.parametrize("order", ["before", "after"])
_CORS = Middleware(CORSMiddleware, allow_origins=["https://a.example"])
_OURS = {"X-Request-ID", "X-Should-Retry", "Retry-After"}


def installed(*middleware: Middleware, config: Config | None = None, **how: Any) -> Starlette:
    """Return an installed Starlette application with this middleware, outermost first."""
    app = starlette(middleware=middleware, **how)
    install(app, config)
    return app


def for_browsers(answer: Answer) -> list[tuple[str, str]]:
    """Return what CORS middleware put on an answer."""
    return sorted(
        pair for pair in answer.headers if pair[0] == "vary" or pair[0].startswith("access-")
    )


def answers_alike(app: Starlette, prefix: str = "") -> Answer:
    """Check that a bug's answer has the CORS headers of a typed error's; return it."""
    bug = ask(app, f"{prefix}/bug", headers=[ORIGIN])
    assert error_of(bug)["code"] == "internal"
    assert isinstance(bug.raised, BugError)
    assert for_browsers(bug) == for_browsers(ask(app, f"{prefix}/typed", headers=[ORIGIN]))
    assert bug.one("access-control-allow-origin")
    return bug


# --- the service's middleware ----------------------------------------------------------


@made
@catches
@ordered
def test_what_middleware_catches_it_answers(
    make: Callable[[], Starlette], catching: Any, order: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its answer is made an envelope, with CORS headers; one record, and nothing is raised."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    answer = ask(with_cors(make, catching, order), "/sold-out", headers=[ORIGIN])
    assert answer.status == 409
    assert error_of(answer)["message"] == "Sold out"
    assert answer.one("access-control-allow-origin") == ORIGIN[1]
    assert answer.raised is None
    (record,) = records_of(caplog)
    assert (record.levelname, record.__dict__["status"]) == ("INFO", 409)


@made
@catches
@ordered
@pytest.mark.parametrize("reraise", [True, False])
def test_a_bug_under_it_is_ours(
    make: Callable[[], Starlette],
    catching: Any,
    order: str,
    *,
    reraise: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 500 envelope with CORS headers; one record, and the server gets the exception."""
    app = with_cors(make, catching, order, Config(reraise=reraise))
    answer = ask(app, "/bug", headers=[ORIGIN])
    assert error_of(answer)["code"] == "internal"
    assert answer.one("access-control-allow-origin") == ORIGIN[1]
    assert set(answer.one("access-control-expose-headers").split(", ")) >= _OURS
    assert isinstance(answer.raised, BugError) is reraise
    (record,) = records_of(caplog)
    assert record.name == ("kaiko.unmapped" if reraise else "kaiko")
    assert record.__dict__["request_id"] == answer.id


@made
@ordered
def test_without_an_origin_nothing_is_put_on(make: Callable[[], Starlette], order: str) -> None:
    """No browser's script asked."""
    answer = ask(with_cors(make, Catching, order), "/bug")
    assert for_browsers(answer) == []


@pytest.mark.parametrize("reraise", [True, False])
def test_what_the_table_maps_may_be_caught(*, reraise: bool) -> None:
    """A TimeoutError has no handler of the service's: its middleware is obeyed."""
    config = Config(reraise=reraise)
    caught = ask(installed(_CORS, Middleware(Catching, TimeoutError), config=config), "/timeout")
    assert (caught.status, caught.raised) == (409, None)
    missed = ask(installed(_CORS, config=config), "/timeout", headers=[ORIGIN])
    assert error_of(missed)["code"] == "timeout"
    assert (missed.status, missed.raised) == (503, None)
    assert missed.one("access-control-allow-origin") == ORIGIN[1]


class Cookies:
    """Puts a cookie on each answer that passes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", b"a=1")]
            await send(message)

        await self.app(scope, receive, with_cookie)


@ordered
def test_what_the_configuration_maps_is_answered_where_handlers_are(order: str) -> None:
    """Middleware sees the answer, as it sees that of a handler of Starlette's."""
    mapping = ExceptionMapping()
    mapping.register(StockError, lambda _: ConflictError("Out of stock"))
    app = starlette()
    if order == "after":
        install(app, Config(mapping=mapping))
    app.add_middleware(Catching, StockError)
    app.add_middleware(Cookies)
    app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
    if order == "before":
        install(app, Config(mapping=mapping))
    answer = ask(app, "/stock", headers=[ORIGIN])
    assert error_of(answer)["message"] == "Out of stock"
    assert answer.one("set-cookie") == "a=1"
    assert answer.one("access-control-allow-origin") == ORIGIN[1]


def test_a_mapping_that_fails_maps_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The exception is unmapped: it leaves the application, and the failure is logged."""
    mapping = ExceptionMapping()
    mapping.register(StockError, _fails)
    answer = ask(installed(config=Config(mapping=mapping)), "/stock")
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, StockError)
    texts = [record.getMessage() for record in records_of(caplog)]
    assert sum("the mapping's handler for StockError failed" in text for text in texts) > 0
    assert sum("unmapped exception" in text for text in texts) == 1


def _fails(_exc: StockError) -> NoReturn:
    raise LookupError


def test_a_mapping_of_every_exception_is_asked_last() -> None:
    """Middleware that catches is obeyed; the rest is mapped, and not raised again."""
    mapping = ExceptionMapping()
    mapping.register(Exception, lambda _: ConflictError("Mapped"))
    app = installed(_CORS, Middleware(Catching), config=Config(mapping=mapping))
    assert error_of(ask(app, "/sold-out"))["message"] == "Sold out"
    answer = ask(app, "/bug", headers=[ORIGIN])
    assert error_of(answer)["message"] == "Mapped"
    assert answer.one("access-control-allow-origin") == ORIGIN[1]
    assert answer.raised is None


# --- CORS ------------------------------------------------------------------------------


class Counting(CORSMiddleware):
    """Counts its instances, and its requests."""

    made = 0
    requests = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Counting.made += 1
        super().__init__(*args, **kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, and pass on."""
        Counting.requests += 1
        await super().__call__(scope, receive, send)


@pytest.fixture(autouse=True)
def _counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "made", 0)
    monkeypatch.setattr(Counting, "requests", 0)


def hides(app: ASGIApp) -> ASGIApp:
    """Wrap an application in a function, which does not tell what it wraps."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return middleware


_ANYONE = Middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
_HIDING: Any = Middleware(hides)


@pytest.mark.parametrize(
    "middleware",
    [
        [_CORS],
        [_CORS, _ANYONE],
        [_ANYONE, _CORS],
        [_ANYONE, Middleware(CORSMiddleware, allow_origins=["*"], expose_headers=["X-Own"])],
        [_HIDING, _CORS],
        [_CORS, _HIDING, _ANYONE],
        [_CORS, Middleware(Catching), Middleware(CatchingBase)],
    ],
)
def test_a_bug_has_the_cors_headers_that_a_typed_error_has(middleware: list[Middleware]) -> None:
    """However many CORS middleware there are, and whatever hides them."""
    answers_alike(installed(*middleware))


@pytest.mark.parametrize("hiding", [False, True])
def test_a_stateful_cors_middleware_is_called_once_a_request(*, hiding: bool) -> None:
    """Only its `send` is asked again; what is hidden is built once."""
    counting = Middleware(Counting, allow_origins=["*"])
    app = installed(*[_HIDING] * hiding, counting)
    for number in (1, 2, 3):
        answer = ask(app, "/bug", headers=[ORIGIN])
        assert answer.one("access-control-allow-origin") == "*"
        assert Counting.requests == number
    assert Counting.made == 1 + hiding


class Raising:
    """Fails before it calls anything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fail, unless it is the start of the process."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        raise BugError("secret")


def test_a_preflight_that_fails_is_no_success() -> None:
    """It is answered with 500, which the browser may read."""
    preflight = [ORIGIN, ("Access-Control-Request-Method", "GET")]
    answer = ask(installed(Middleware(Raising), _CORS), "/ok", method="OPTIONS", headers=preflight)
    assert (answer.status, error_of(answer)["code"]) == (500, "internal")
    assert answer.one("access-control-allow-origin") == ORIGIN[1]


def test_a_cors_middleware_that_fails_leaves_the_answer_without() -> None:
    """The envelope goes out all the same, once."""

    class Fails(CORSMiddleware):
        async def send(self, *_args: Any, **_kwargs: Any) -> None:
            raise RuntimeError

    answer = ask(installed(Middleware(Fails, allow_origins=["*"])), "/bug", headers=[ORIGIN])
    assert error_of(answer)["code"] == "internal"
    assert for_browsers(answer) == []


# --- an application in an application ----------------------------------------------------


@made
@catches
@pytest.mark.parametrize("inner", [starlette, fastapi])
def test_the_parents_middleware_may_catch_what_a_mounted_application_raises(
    make: Callable[[], Starlette],
    inner: Callable[[], Starlette],
    catching: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both have ours: the parent's answer is sent, with one record."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    mounted = inner()
    INSTALLS[type(mounted)](mounted)
    app = make()
    app.router.routes.append(Mount("/m", mounted))
    INSTALLS[type(app)](app)
    app.add_middleware(catching)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    answer = ask(app, "/m/sold-out", headers=[ORIGIN])
    assert (answer.status, error_of(answer)["message"]) == (409, "Sold out")
    assert answer.one("access-control-allow-origin") == "*"
    assert answer.raised is None
    assert len(records_of(caplog)) == 1


@pytest.mark.parametrize("outer", [[], [_ANYONE], [Middleware(Catching)]])
def test_what_the_parent_does_not_catch_is_answered_once(
    outer: list[Middleware], caplog: pytest.LogCaptureFixture
) -> None:
    """With the CORS headers of both, and one record."""
    app = starlette(middleware=outer)
    app.router.routes.append(Mount("/m", installed(_CORS)))
    install(app)
    bug = answers_alike(app, "/m")
    assert records_of(caplog)[0].__dict__["request_id"] == bug.id
    caplog.clear()
    ask(app, "/m/bug")
    assert len(records_of(caplog)) == 1


def test_the_handler_of_a_mounted_application_answers_there() -> None:
    """Its answer is sent, as it is without us."""

    async def own(_request: Request, _exc: Exception) -> Response:
        return PlainTextResponse("Mine", 409)

    app = starlette(middleware=[Middleware(Catching, BugError)])
    app.router.routes.append(Mount("/m", installed(exception_handlers={Exception: own})))
    install(app)
    answer = ask(app, "/m/bug")
    assert (answer.status, error_of(answer)["message"]) == (409, "Mine")


# --- debug -----------------------------------------------------------------------------


@made
def test_in_debug_the_page_is_for_browsers(
    make: Callable[..., Starlette], caplog: pytest.LogCaptureFixture
) -> None:
    """Starlette's page is left alone; clients of the API get the envelope, with CORS headers."""
    app = with_cors(lambda: make(debug=True), Catching, "before")
    page = ask(app, "/bug", headers=[("Accept", "text/html")])
    assert b"Starlette Debugger" in page.body
    assert isinstance(page.raised, BugError)
    assert len(records_of(caplog)) == 1
    answer = ask(app, "/bug", headers=[("Accept", "application/json"), ORIGIN])
    assert error_of(answer)["code"] == "internal"
    assert answer.one("access-control-allow-origin") == ORIGIN[1]
    assert isinstance(answer.raised, BugError)
    caught = ask(app, "/sold-out", headers=[("Accept", "text/html")])
    assert error_of(caught)["message"] == "Sold out"


# --- the service's own handler ---------------------------------------------------------


Told = list[Exception]


def handler(
    told: Told, *, sync: bool, fails: bool
) -> Callable[..., Response | Awaitable[Response]]:
    """Return a handler of `Exception` that answers 409, or fails."""

    def own(_request: Request, exc: Exception) -> Response:
        told.append(exc)
        if fails:
            raise KeyError("secret")
        return PlainTextResponse("Mine", 409)

    async def own_async(request: Request, exc: Exception) -> Response:
        return own(request, exc)

    return own if sync else own_async


@pytest.mark.parametrize("key", [Exception, 500])
@ordered
@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("reraise", [True, False])
def test_the_services_handler_is_called_once(
    key: Any,
    order: str,
    *,
    sync: bool,
    fails: bool,
    reraise: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Registered before or after; its answer has CORS headers, and there is one record."""
    told: Told = []
    own: Any = handler(told, sync=sync, fails=fails)
    app = starlette(middleware=[_CORS, Middleware(Catching)])
    if order == "before":
        app.add_exception_handler(key, own)
    install(app, Config(reraise=reraise))
    if order == "after":
        app.add_exception_handler(key, own)
    answer = ask(app, "/bug", headers=[ORIGIN])
    assert [type(exc) for exc in told] == [BugError]
    assert error_of(answer)["message"] == ("Unexpected server error" if fails else "Mine")
    assert answer.one("access-control-allow-origin") == ORIGIN[1]
    raised = (KeyError if fails else BugError) if reraise else type(None)
    assert type(answer.raised) is raised
    assert len(records_of(caplog)) == 1
    told.clear()
    assert error_of(ask(app, "/sold-out"))["message"] == "Sold out"
    assert told == []


# --- what is outside of ours ---------------------------------------------------------------


@made
def test_an_entry_by_hand_that_raises_is_answered(
    make: Callable[[], Starlette], caplog: pytest.LogCaptureFixture
) -> None:
    """Our handler answers what is raised outside of ours, with the CORS headers inside of it."""
    app = with_cors(make, Catching, "before")
    app.user_middleware.insert(0, Middleware(Raising))
    answer = ask(app, "/ok", headers=[ORIGIN])
    assert error_of(answer)["code"] == "internal"
    assert answer.one("access-control-allow-origin") == ORIGIN[1]
    assert isinstance(answer.raised, BugError)
    (record,) = records_of(caplog)
    assert record.__dict__["request_id"] == answer.id


def test_an_entry_by_hand_that_catches_is_obeyed() -> None:
    """It is outside of ours: what it answers is its own."""
    app = installed()
    app.user_middleware.insert(0, Middleware(Catching))
    answer = ask(app, "/sold-out")
    assert (answer.status, answer.body) == (409, b'{"detail":"Sold out"}')
    assert answer.raised is None


def test_tracing_that_is_added_later_stays_outside() -> None:
    """OpenTelemetry's; everything else is put inside of ours."""
    app = installed()
    ours = app.user_middleware[0]
    app.add_middleware(Catching)
    app.add_middleware(OpenTelemetryMiddleware)
    app.add_middleware(Cookies)
    found = [entry.cls for entry in app.user_middleware]
    assert found == [OpenTelemetryMiddleware, ours.cls, Cookies, Catching]


def test_what_was_caught_is_not_kept_alive() -> None:
    """A request leaves no reference to its exception behind."""
    seen: list[dict[str, Any]] = []

    class Keeping(Cookies):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["state"])
            await super().__call__(scope, receive, send)

    for path in ("/sold-out", "/bug"):
        ask(installed(Middleware(Keeping), Middleware(Catching)), path)
    for state in seen:
        layers = state["kaiko_layers"]
        assert (layers.passed, layers.reported, layers.inner) == (None, None, ())
    assert len(seen) == 2
    assert SoldOutError.__mro__[1] is Exception


# --- what was held is dropped ------------------------------------------------------------


class EmptyLines:
    """Ends JSON lines before their first, and then fails: nothing was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send an empty answer, and fail."""
        lines = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        raise BugError("secret")


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("reraise", [True, False])
def test_a_held_end_is_dropped_for_the_answer(*, own: bool, reraise: bool) -> None:
    """Ours, or that of the service's handler, however long that takes."""

    async def slow(_request: Request, _exc: Exception) -> Response:
        await asyncio.sleep(1)
        return PlainTextResponse("Mine", 409)

    handlers: Any = {Exception: slow} if own else {}
    app = installed(
        Middleware(EmptyLines), config=Config(reraise=reraise), exception_handlers=handlers
    )

    async def main() -> Answer:
        answer = await call(app, http_scope())
        await asyncio.sleep(1)
        return answer

    answer = run("asyncio", main)
    assert error_of(answer)["message"] == ("Mine" if own else "Unexpected server error")
    assert [event["type"] for event in answer.events] == [
        "http.response.start",
        "http.response.body",
    ]


def test_a_stream_of_a_mounted_application_is_ended_once() -> None:
    """Ours in it sends the last event; the parent's `BaseHTTPMiddleware` then ends the stream."""

    async def fails() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        raise BugError("secret")

    async def stream(_request: Request) -> Response:
        return StreamingResponse(fails(), media_type="text/event-stream")

    mounted = Starlette(routes=[Route("/stream", stream)])
    install(mounted)
    app = Starlette(routes=[Mount("/m", mounted)], middleware=[Middleware(CatchingBase)])
    install(app)
    answer = ask(app, "/m/stream")
    assert answer.whole
    assert check_event_stream(answer.body, request_id=answer.id) == []
    assert answer.body.count(b"event: error") == 1
    assert isinstance(answer.raised, BugError)

"""`install`: when it refuses, and what it covers that the middleware alone does not."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router

from adapters.asgi.apps import error_of, said
from adapters.asgi.server import ask, connect
from adapters.starlette.catching import Watching
from kaiko_middleware import (
    Config,
    ConflictError,
    ExceptionMapping,
    NotFoundError,
    current_request_id,
)
from kaiko_starlette import KaikoMiddleware, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

    from kaiko_asgi import Message, Receive, Scope, Send

_ORIGIN = ("Origin", "https://a.example")


def fails(make: Callable[[], BaseException] = lambda: ValueError("secret")) -> Any:
    """Return an endpoint that raises what `make` makes."""

    async def endpoint(_request: Request) -> Response:
        raise make()

    return endpoint


def app_of(endpoint: Any, config: Config | None = None, **others: Any) -> Starlette:
    """Return an installed application of one route."""
    app = Starlette(routes=[Route("/", endpoint)], **others)
    install(app, config)
    return app


# --- refusals ------------------------------------------------------------------------


def test_twice_is_refused() -> None:
    """It says what to do, and nothing was added a second time."""
    app = Starlette()
    install(app)
    before = list(app.user_middleware)
    with pytest.raises(
        RuntimeError, match=r"kaiko_starlette\.install: .* already; install it once"
    ):
        install(app)
    assert app.user_middleware == before


def test_beside_the_middleware_is_refused() -> None:
    """`install` adds it itself."""
    app = Starlette(middleware=[Middleware(KaikoMiddleware)])
    with pytest.raises(RuntimeError, match="already"):
        install(app)


def test_too_late_is_refused() -> None:
    """After the first request nothing could take effect."""
    app = Starlette()
    ask(app)
    with pytest.raises(
        RuntimeError, match=r"kaiko_starlette\.install: .* before its first request"
    ):
        install(app)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Router(), "starlette.Router: install on the application that has the router"),
        (
            KaikoMiddleware(Starlette()),
            "kaiko_asgi.KaikoMiddleware: install on the application that it wraps",
        ),
        (Starlette, "the class Starlette: make an instance of it first"),
        (None, "None"),
        ("main:app", "the string 'main:app'"),
    ],
    ids=["router", "middleware", "class", "nothing", "string"],
)
def test_anything_else_is_refused(wrong: Any, said: str) -> None:
    """It takes a Starlette application, and says what it got."""
    with pytest.raises(TypeError) as refused:
        install(wrong)
    due = "kaiko_starlette.install takes a Starlette application"
    assert str(refused.value) == f"{due}, not {said}"


def test_a_wrong_config_is_refused_and_leaves_the_application_alone() -> None:
    """A dictionary of settings is no Config."""
    app = Starlette()
    with pytest.raises(TypeError, match=r"kaiko_middleware\.Config, not dict"):
        install(app, cast("Any", {"reraise": False}))  # wrong on purpose
    assert app.user_middleware == []
    assert app.exception_handlers == {}
    install(app)


def test_a_mapping_is_frozen() -> None:
    """A handler registered after that would never be asked on another worker."""
    mapping = ExceptionMapping()
    install(Starlette(), Config(mapping=mapping))
    with pytest.raises(RuntimeError, match="too late"):
        mapping.register(KeyError, lambda _: NotFoundError())


# --- what stands outside of any middleware -------------------------------------------


class Outside:
    """A middleware that fails before it calls anything, or after it was called."""

    def __init__(self, app: ASGIApp, make: Callable[[], Exception], *, after: bool) -> None:
        self.app = app
        self.make = make
        self.after = after

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Drop the answer, and fail."""

        async def drop(_message: Message) -> None:
            pass

        if self.after:
            await self.app(scope, receive, drop)
        raise self.make()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: ValueError("secret"), "internal"),
        (lambda: HTTPException(403, "no"), "permission_denied"),
        (lambda: NotFoundError("no"), "not_found"),
    ],
    ids=["bug", "http", "typed"],
)
@pytest.mark.parametrize("after", [False, True])
def test_middleware_added_later_is_covered(
    make: Callable[[], Exception], code: str, *, after: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises is an envelope; what is mapped is not raised again."""
    caplog.set_level(logging.INFO)
    ids: list[str | None] = []

    async def endpoint(_request: Request) -> Response:
        ids.append(current_request_id())
        return PlainTextResponse("ok")

    app = app_of(endpoint)
    app.add_middleware(Outside, make, after=after)
    answer = ask(app)
    assert error_of(answer)["code"] == code
    assert ids == ([answer.id] if after else [])
    assert type(answer.raised) is (ValueError if code == "internal" else type(None))
    assert len(said(caplog)) == 1


def test_an_answer_that_was_dropped_is_given_again() -> None:
    """A middleware outside that buffers, and forgets on an exception, loses nothing."""

    class Buffering:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            kept: list[Message] = []

            async def keep(message: Message) -> None:
                kept.append(message)

            await self.app(scope, receive, keep)
            for message in kept:
                await send(message)

    app = app_of(fails())
    app.add_middleware(Buffering)
    answer = ask(app)
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, ValueError)


def test_one_inside_of_ours_that_drops_answers_loses_nothing_either() -> None:
    """The answer is ours, and we have it still."""

    class Buffering:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
            async def drop(_message: Message) -> None:
                pass

            await self.app(scope, receive, drop)

    app = app_of(fails(lambda: ValueError("secret")), middleware=[Middleware(Buffering)])
    answer = ask(app)
    assert error_of(answer)["code"] == "internal"


# --- CORS ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: ValueError("secret"),
        lambda: NotFoundError("no"),
        lambda: HTTPException(500),
        lambda: TimeoutError("slow"),
        lambda: SystemExit(3),
    ],
    ids=["bug", "typed", "http", "timeout", "exit"],
)
def test_cors_headers_stay_on_errors(make: Callable[[], BaseException]) -> None:
    """A script in a browser may read the envelope and its headers, whatever failed."""
    cors = Middleware(CORSMiddleware, allow_origins=["*"], expose_headers=["X-Own"])
    answer = ask(app_of(fails(make), middleware=[cors]), headers=[_ORIGIN])
    error_of(answer)
    assert answer.one("access-control-allow-origin") == "*"
    exposed = answer.one("access-control-expose-headers").split(", ")
    assert {"X-Own", "X-Request-ID", "X-Should-Retry", "Retry-After"} <= set(exposed)


def test_cors_headers_stay_when_a_stream_fails_first() -> None:
    """They were on the head that was held."""

    async def chunks() -> AsyncIterator[bytes]:
        raise ValueError("secret")
        yield b""

    cors = Middleware(CORSMiddleware, allow_origins=["https://a.example"])
    app = app_of(lambda _: StreamingResponse(chunks()), middleware=[cors])
    answer = ask(app, headers=[_ORIGIN])
    assert error_of(answer)["code"] == "internal"
    assert answer.one("access-control-allow-origin") == "https://a.example"
    assert answer.one("vary") == "Origin"


# --- debug ---------------------------------------------------------------------------

_BROWSER = ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")


@pytest.mark.parametrize("config", [Config(), Config(reraise=False)])
def test_the_debug_page_is_left_to_browsers(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    """With `debug=True` a browser sees Starlette's page, a client of the API the envelope."""
    for app in (
        app_of(fails(), config, debug=True),
        KaikoMiddleware(Starlette(routes=[Route("/", fails())], debug=True), config),
    ):
        caplog.clear()
        page = ask(app, headers=[_BROWSER])
        assert (page.status, page.one("content-type")) == (500, "text/html; charset=utf-8")
        assert b"Starlette Debugger" in page.body
        ((level, _),) = said(caplog)
        assert level == "ERROR"
        assert caplog.records[-1].__dict__["code"] == "internal"
        for accept in ("application/json", "*/*", ""):
            answer = ask(app, headers=[("Accept", accept)])
            assert error_of(answer)["code"] == "internal"


def test_in_debug_typed_errors_are_envelopes_for_browsers_too() -> None:
    """They are no bugs: there is no traceback to show."""
    answer = ask(app_of(fails(NotFoundError), debug=True), headers=[_BROWSER])
    assert error_of(answer)["code"] == "not_found"


def test_without_debug_browsers_get_envelopes() -> None:
    """Whatever `Accept` says."""
    answer = ask(app_of(fails()), headers=[_BROWSER])
    assert error_of(answer)["code"] == "internal"


# --- the service's handler of last resort --------------------------------------------


def test_it_is_called_once_wherever_it_failed() -> None:
    """In a view, in a stream, in middleware inside of ours and outside of it."""
    told: list[Exception] = []

    async def last(_request: Request, exc: Exception) -> Response:
        told.append(exc)
        return JSONResponse({"detail": "told"}, 503, headers={"Retry-After": "7"})

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("secret")

    class Fails(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
            if request.url.path == "/middleware":
                raise ValueError("secret")
            return await call_next(request)

    def make() -> Starlette:
        app = Starlette(
            routes=[
                Route("/view", fails()),
                Route("/stream", lambda _: StreamingResponse(chunks())),
                Mount("/mount", Starlette(routes=[Route("/view", fails())])),
            ],
            middleware=[Middleware(Fails)],
            exception_handlers={Exception: last},
        )
        install(app)
        return app

    for path in ("/view", "/stream", "/middleware", "/mount/view"):
        told.clear()
        answer = ask(make(), path)
        assert told == [answer.raised], path
    answer = ask(make(), "/view")
    assert (answer.status, answer.one("retry-after")) == (503, "7")
    outside = make()
    outside.add_middleware(Outside, lambda: ValueError("secret"), after=False)
    told.clear()
    answer = ask(outside, "/view")
    assert (answer.status, len(told)) == (503, 1)


def test_its_answer_may_be_a_success() -> None:
    """It says so, and is left alone; the exception is raised again as ever."""
    app = app_of(fails(), exception_handlers={500: lambda _r, _e: PlainTextResponse("fine", 202)})
    answer = ask(app)
    assert (answer.status, answer.body) == (202, b"fine")
    assert isinstance(answer.raised, ValueError)


def test_its_answer_may_stream_and_have_tasks() -> None:
    """A body that is not there yet says nothing; a background task runs."""
    from starlette.background import BackgroundTask

    ran: list[int] = []

    async def last(_request: Request, _exc: Exception) -> Response:
        return StreamingResponse(iter([b"x"]), 429, background=BackgroundTask(ran.append, 1))

    answer = ask(app_of(fails(), exception_handlers={Exception: last}))
    assert error_of(answer)["code"] == "too_many_requests"
    assert ran == [1]


def test_a_handler_of_the_last_resort_that_returns_nothing_is_no_answer() -> None:
    """The exception is then answered as if there were none."""

    async def last(_request: Request, _exc: Exception) -> None:
        return None

    answer = ask(app_of(fails(), exception_handlers={Exception: last}))
    assert error_of(answer)["code"] == "internal"


def test_a_handler_of_the_last_resort_that_fails_is_an_error_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged with what it was to handle, and not asked about itself."""
    asked: list[Exception] = []

    async def last(_request: Request, exc: Exception) -> Response:
        asked.append(exc)
        raise KeyError("secret")

    answer = ask(app_of(fails(), exception_handlers={Exception: last}))
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, KeyError)
    assert [type(exc) for exc in asked] == [ValueError]
    ((level, _),) = said(caplog)
    assert level == "ERROR"
    assert "while handling ValueError" in caplog.text


def test_an_instance_may_be_the_handler_of_last_resort() -> None:
    """With a coroutine for a `__call__`, as Starlette takes it."""

    class Last:
        async def __call__(self, _request: Request, _exc: Exception) -> Response:
            return PlainTextResponse("No such thing", 404)

    answer = ask(app_of(fails(), exception_handlers={Exception: Last()}))
    assert error_of(answer)["message"] == "No such thing"


def test_it_counts_before_what_the_toolkit_knows() -> None:
    """A TimeoutError that it answers is answered as it says; a mapped one is not raised again."""

    async def last(_request: Request, _exc: Exception) -> Response:
        return PlainTextResponse("Too slow", 409)

    app = app_of(fails(lambda: TimeoutError("slow")), exception_handlers={Exception: last})
    answer = ask(app)
    assert error_of(answer)["message"] == "Too slow"
    assert answer.raised is None


# --- paths that are left alone -------------------------------------------------------


@pytest.mark.parametrize("name", ["view", "typed", "http", "http-204", "http-700", "returned"])
@pytest.mark.parametrize("last", [False, True])
def test_a_path_that_is_left_alone_is_starlettes(name: str, *, last: bool) -> None:
    """Its answers, failures and handlers are what they were: no envelope, no id, no record."""

    async def answers(_request: Request, _exc: Exception) -> Response:
        return PlainTextResponse("last", 500)

    def make() -> Starlette:
        return Starlette(
            routes=[
                Route("/view", fails()),
                Route("/typed", fails(NotFoundError)),
                Route("/http", fails(lambda: HTTPException(403, "no", {"X-A": "1"}))),
                Route("/http-204", fails(lambda: HTTPException(204))),
                Route("/http-700", fails(lambda: HTTPException(700))),
                Route("/returned", lambda _: PlainTextResponse("no", 404)),
            ],
            exception_handlers={Exception: answers} if last else {},
        )

    with_it, without = make(), make()
    install(with_it, Config(paths=["/v2"]))
    mine, bare = ask(with_it, f"/{name}"), ask(without, f"/{name}")
    assert mine.without_id() == bare.without_id()
    assert mine.all("x-request-id") == []
    assert type(mine.raised) is type(bare.raised)


def test_so_is_a_socket_there() -> None:
    """An HTTP exception denies it as Starlette does."""
    from starlette.routing import WebSocketRoute

    async def endpoint(_websocket: WebSocket) -> None:
        raise HTTPException(403, "no")

    app = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
    install(app, Config(paths=["/v2"]))
    seen = connect(app, "/ws")
    assert seen.denial is not None
    assert (seen.denial.status, seen.denial.body) == (403, b"no")


# --- sockets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (NotFoundError, 404),
        (lambda: HTTPException(403), 403),
        (lambda: HTTPException(302), 302),
        (lambda: HTTPException(700), 500),
        (lambda: ValueError("secret"), 500),
    ],
    ids=["typed", "http", "redirect", "impossible", "bug"],
)
def test_what_denies_a_socket(make: Callable[[], Exception], status: int) -> None:
    """Errors deny it with an envelope; a redirect is none."""
    from starlette.routing import WebSocketRoute

    async def endpoint(_websocket: WebSocket) -> None:
        raise make()

    app = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
    install(app)
    seen = connect(app, "/ws")
    assert seen.denial is not None
    assert seen.denial.status == status
    if status >= 400:
        assert json.loads(seen.denial.body)["error"]["request_id"] == seen.denial.id


@pytest.mark.parametrize("denial", [True, False])
@pytest.mark.parametrize("accepting", [True, False])
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (NotFoundError, "not_found"),
        (lambda: NotFoundError(code="no_such_cup"), "no_such_cup"),
        (lambda: HTTPException(403), "permission_denied"),
        (LookupError, "conflict"),
    ],
    ids=["typed", "own code", "http", "mapped"],
)
def test_middleware_sees_no_exception_of_a_socket_that_has_a_handler(
    make: Callable[[], Exception],
    code: str,
    caplog: pytest.LogCaptureFixture,
    *,
    accepting: bool,
    denial: bool,
) -> None:
    """It would take it for a bug; the socket is denied or closed with the error's code."""
    from starlette.routing import WebSocketRoute

    caplog.set_level(logging.DEBUG, logger="kaiko")
    seen: list[Exception] = []

    async def endpoint(websocket: WebSocket) -> None:
        if accepting:
            await websocket.accept()
        raise make()

    mapping = ExceptionMapping()
    mapping.register(LookupError, ConflictError)
    watching = Middleware(Watching, seen=seen)
    app = Starlette(routes=[WebSocketRoute("/ws", endpoint)], middleware=[watching])
    install(app, Config(mapping=mapping))
    socket = connect(app, "/ws", denial=denial)
    assert seen == []
    if denial and not accepting:
        assert socket.denial is not None
        assert json.loads(socket.denial.body)["error"]["code"] == code
    else:
        assert socket.closed is not None
        assert socket.closed[1].split()[0] == code
    assert len(said(caplog)) == 1


# --- HEAD ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [NotFoundError, ValueError, lambda: HTTPException(403)], ids=["typed", "bug", "http"]
)
def test_a_head_request_gets_the_headers_alone(make: Callable[[], Exception]) -> None:
    """As they would be for a GET, its length included."""
    app = app_of(fails(make))
    answer, full = ask(app, method="HEAD"), ask(app)
    assert answer.status == full.status
    assert [name for name, _ in answer.headers] == [name for name, _ in full.headers]
    assert answer.one("content-length") == str(len(full.body))
    assert all(not event.get("body") for event in answer.events)


# --- layers --------------------------------------------------------------------------


@pytest.mark.parametrize("twice", [False, True], ids=["bare", "installed"])
@pytest.mark.parametrize(
    ("path", "code"),
    [("/m/bug", "internal"), ("/m/typed", "not_found"), ("/m/none", "not_found")],
)
def test_a_mounted_application_is_covered(
    path: str, code: str, *, twice: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Once: one id, one record, one exception, whether or not it has an install of its own."""
    caplog.set_level(logging.INFO)
    inner = Starlette(routes=[Route("/bug", fails()), Route("/typed", fails(NotFoundError))])
    if twice:
        install(inner)
    app = Starlette(routes=[Mount("/m", inner)])
    install(app)
    answer = ask(app, path)
    assert error_of(answer)["code"] == code
    assert (answer.raised is not None) is (path == "/m/bug")
    ((_, text),) = said(caplog)
    assert answer.id in text


def test_the_contract_may_be_adopted_around_and_inside(caplog: pytest.LogCaptureFixture) -> None:
    """An installed application that is wrapped again answers and reports once."""
    app = KaikoMiddleware(app_of(fails()))
    answer = ask(app)
    assert error_of(answer)["code"] == "internal"
    ((_, text),) = said(caplog)
    assert answer.id in text


def test_a_state_that_is_not_copied_leaks_no_id_into_a_handler() -> None:
    """Handlers take the id from the context, where no other request can be."""
    shared: dict[str, object] = {}

    async def endpoint(_request: Request) -> Response:
        shared["kaiko_request_id"] = "another"
        raise NotFoundError

    answer = ask(app_of(endpoint), state=shared)
    assert error_of(answer)["request_id"] == answer.id != "another"

"""The server of the page: on this machine only, and for the causes of the demo only.

It is a service with the contract like the others: `kaiko_starlette.install` answers what is raised.
It refuses requests whose `Host` or `Origin` is not its own, so a site that the person visits can
neither read from it nor send anything by it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import re
import time
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

import uvicorn
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import kaiko_starlette
from kaiko_cli.firing import CutOffError, SharedClock, Stacks
from kaiko_cli.playground import by_name, is_streamed, overview, shown
from kaiko_cli.playground_settings import SETTINGS, Settings
from kaiko_cli.time_line import Plan, TimeLine, play
from kaiko_cli.traces import read_records
from kaiko_demo.serve import run
from kaiko_guards import BodyLimit
from kaiko_guards.asgi import GuardMiddleware
from kaiko_httpx import RetryBudget
from kaiko_middleware import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidValueError,
    NotFoundError,
    parse_body,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from kaiko_cli.firing import Address, Fired, OpenStream
    from kaiko_demo import Cause
    from kaiko_demo.serve import Serve

__all__ = ["create_app", "main"]

_OUTAGE = 40
_BEFORE_CUT = 0.1
_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


class CauseNotFound(
    NotFoundError, code="cause_not_found", param="cause", message="The demo has no such cause"
):
    """The page sends the causes of the demo, and nothing else."""


class StreamNotFound(NotFoundError, code="stream_not_found"):
    """The set of streams is unknown, or was forgotten."""


class StreamStillOpen(ConflictError, code="stream_still_open"):
    """The streams of the set have not ended yet."""


class ForeignOrigin(
    ForbiddenError,
    code="foreign_origin",
    message="This page is for this machine, and takes requests of its own only",
    resolution="Open the address that the command prints.",
):
    """The Host or the Origin is not the page's."""


class NotJson(InvalidRequestError, code="unsupported_media_type", status=415):
    """A form of another site could send any other type without asking the browser first."""


class _Fire(BaseModel, extra="forbid"):
    cause: str


class _Play(BaseModel, extra="forbid"):
    cause: str
    stack: str
    failures: Annotated[int, Field(ge=1, le=3)] | None = None
    seconds: Annotated[float, Field(ge=0, le=60)] | None = None
    has_key: bool = False


class _Outage(BaseModel, extra="forbid"):
    cause: str
    stack: str


def create_app(settings: Settings, port: int) -> ASGIApp:
    """Return the application.

    Arguments:
        settings: what is running.
        port: the port that it is served on.

    """
    clock = SharedClock(settings.clock)
    page = files("kaiko_cli").joinpath("playground.html").read_text(encoding="utf-8")
    stacks = Stacks(settings.stacks, clock)
    endpoints = _Endpoints(settings, stacks, page)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        ticking = asyncio.create_task(_tick(clock))
        yield
        ticking.cancel()
        stacks.close()

    app = Starlette(
        routes=[
            Route("/", endpoints.page, methods=["GET"]),
            Route("/overview", endpoints.overview, methods=["GET"]),
            Route("/fire", endpoints.fire, methods=["POST"]),
            Route("/streams", endpoints.open_streams, methods=["POST"]),
            Route("/streams/{name}", endpoints.ended, methods=["GET"]),
            Route("/streams/{name}/{stack}", endpoints.stream, methods=["GET"]),
            Route("/time-line", endpoints.time_line, methods=["POST"]),
            Route("/outage", endpoints.outage, methods=["POST"]),
            Route("/budget", endpoints.refill, methods=["POST"]),
            Route("/records", endpoints.records, methods=["GET"]),
        ],
        lifespan=lifespan,
    )
    app.add_middleware(GuardMiddleware, guards=[BodyLimit(4096)])
    app.add_middleware(_OwnRequests, port=port)
    kaiko_starlette.install(app)
    return _SafeHeaders(app)


async def _tick(clock: SharedClock) -> None:
    while True:
        clock.tick()
        await asyncio.sleep(1)


class _Endpoints:
    def __init__(self, settings: Settings, stacks: Stacks, page: str) -> None:
        self._settings = settings
        self._stacks = stacks
        self._causes = by_name()
        self._budget = RetryBudget()
        self._page = page
        self._policy = _policy_of(page, settings.stacks)

    async def page(self, _request: Request) -> Response:
        headers = {"Content-Security-Policy": self._policy, "Cache-Control": "no-store"}
        return HTMLResponse(self._page, headers=headers)

    async def overview(self, _request: Request) -> Response:
        data = overview(self._settings.stacks, self._settings.behind)
        return JSONResponse({**data, "tokens": self._budget.tokens})

    async def fire(self, request: Request) -> Response:
        body = parse_body(_Fire, await request.body())
        fired = await run_in_threadpool(self._stacks.fire, self._cause(body.cause))
        return JSONResponse(shown(fired))

    async def open_streams(self, request: Request) -> Response:
        body = parse_body(_Fire, await request.body())
        cause = self._cause(body.cause)
        name, streams = await run_in_threadpool(self._stacks.open_streams, cause)
        heads = {stack: stream.received() for stack, stream in streams.items()}
        said = {
            stack: {"status": head.status, "headers": head.headers, "broken": head.broken}
            for stack, head in heads.items()
        }
        return JSONResponse({"name": name, "streams": said})

    async def stream(self, request: Request) -> Response:
        found = self._stacks.stream(request.path_params["name"], request.path_params["stack"])
        if found is None:
            raise StreamNotFound
        # Not as the stack's own content type: what is cut there is to be cut here, not mended.
        return StreamingResponse(_relayed(found), media_type="application/octet-stream")

    async def ended(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        if not self._stacks.is_known(name):
            raise StreamNotFound
        fired = self._stacks.ended(name)
        if fired is None:
            raise StreamStillOpen
        return JSONResponse(shown(fired))

    async def time_line(self, request: Request) -> Response:
        body = parse_body(_Play, await request.body())
        fired = await self._last(body.cause)
        line = await run_in_threadpool(self._play, fired, body)
        return JSONResponse(_line(line))

    async def outage(self, request: Request) -> Response:
        body = parse_body(_Outage, await request.body())
        fired = await self._last(body.cause)
        asked = _Play(cause=body.cause, stack=body.stack)

        def calls() -> list[TimeLine]:
            return [self._play(fired, asked) for _ in range(_OUTAGE)]

        lines = await run_in_threadpool(calls)
        return JSONResponse({"calls": [_line(line) for line in lines]})

    async def refill(self, _request: Request) -> Response:
        self._budget = RetryBudget()
        return JSONResponse({"tokens": self._budget.tokens})

    async def records(self, request: Request) -> Response:
        request_id = request.query_params.get("id", "")
        if _ID.fullmatch(request_id) is None:
            raise InvalidRequestError("This is no request id", code="invalid_id", param="id")
        found = await run_in_threadpool(read_records, request_id, self._settings.logs)
        return JSONResponse({"id": request_id, "records": [each._asdict() for each in found]})

    def _cause(self, name: str) -> Cause:
        try:
            return self._causes[name]
        except KeyError:
            raise CauseNotFound from None

    async def _last(self, cause: str) -> Fired:
        return await run_in_threadpool(self._stacks.last, self._cause(cause))

    def _play(self, fired: Fired, asked: _Play) -> TimeLine:
        answered = fired.answers.get(asked.stack)
        if answered is None:
            raise InvalidValueError("There is no such stack", param="stack")
        plan = Plan(
            failures=asked.failures,
            seconds=answered.seconds if asked.seconds is None else asked.seconds,
            has_key=asked.has_key,
            streamed=is_streamed(fired.cause),
        )
        return play(answered.received, fired.cause.request, plan, self._budget)


def _relayed(stream: OpenStream) -> Iterator[bytes]:
    try:
        yield from stream.pieces()
    except CutOffError:
        # The connection to the browser is cut, too: it sees what a client of the stack sees. A
        # browser drops what it has not handed on when a connection is cut, so give it the time.
        time.sleep(_BEFORE_CUT)
        raise


def _line(line: TimeLine) -> dict[str, object]:
    return {
        "steps": [step._asdict() for step in line.steps],
        "deadline": line.deadline,
        "tokens_before": line.tokens_before,
    }


# --- who may ask, and what a browser may do with the answer ----------------------------


class _OwnRequests:
    """Refuses requests of other sites, and of names that were made to point here."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        said: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            said.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        hosts = said.get("host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise ForeignOrigin
        if any(origin != f"http://{hosts[0]}" for origin in said.get("origin", [])):
            raise ForeignOrigin
        # A link of another site may lead to the page, and to nothing else.
        if scope["path"] != "/" and {*said.get("sec-fetch-site", [])} - {"same-origin", "none"}:
            raise ForeignOrigin
        kinds = said.get("content-type", [""])
        if scope["method"] == "POST" and not kinds[0].startswith("application/json"):
            raise NotJson


class _SafeHeaders:
    """Adds the headers that keep a browser from doing anything else with an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, partial(self._send, send))

    @staticmethod
    async def _send(send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: list[tuple[bytes, bytes]] = list(message["headers"])
            names = {name.lower() for name, _ in headers}
            wanted = _HEADERS if b"content-security-policy" in names else _ALL_HEADERS
            headers += [(name.lower().encode(), value.encode()) for name, value in wanted.items()]
            message = {**message, "headers": headers}
        await send(message)


_ALL_HEADERS = {**_HEADERS, "Content-Security-Policy": _NOTHING}


def _policy_of(page: str, stacks: Sequence[Address]) -> str:
    """Return the page's policy: its one script and style by their hashes, and our own sockets."""
    sockets = " ".join(f"ws://127.0.0.1:{address.port}" for address in stacks)
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash_of('script', page)}",
            f"style-src {_hash_of('style', page)}",
            f"connect-src 'self' {sockets}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _hash_of(tag: str, page: str) -> str:
    (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


# --- the process -----------------------------------------------------------------------


def _serve() -> Serve:
    settings = Settings.from_json(os.environ[SETTINGS])

    def serve(listener: socket.socket) -> None:
        app = create_app(settings, listener.getsockname()[1])
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])

    return serve


def main() -> None:
    """Serve the page until standard input ends."""
    run(_serve, until_eof=True)


if __name__ == "__main__":
    main()

"""One id per request: the same wherever it shows, and never in another request."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx2
import pytest

from adapters.asgi.apps import answers, calls, error_of, kaiko, raises, said
from adapters.asgi.loopback import PROTOCOLS, Protocol, connected, run, serving
from adapters.asgi.server import ask, call, connect, http_scope
from kaiko_middleware import (
    Config,
    NotFoundError,
    RequestIdFilter,
    bind_request_id,
    current_request_id,
)

if TYPE_CHECKING:
    from adapters.asgi.server import Answer
    from kaiko_asgi import ASGIApp, Receive, Scope, Send

_MANY = 10_000
_log = logging.getLogger("service")


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with every id that the service can see."""
    ids = [current_request_id(), scope["state"]["kaiko_request_id"]]
    await answers(data=json.dumps(ids).encode())(scope, receive, send)


class Gate:
    """Holds what waits at it until so many have come."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._open = asyncio.Event()

    async def __call__(self) -> None:
        """Wait for all the others."""
        self._wanted -= 1
        if not self._wanted:
            self._open.set()
        await self._open.wait()


def test_ten_thousand_requests_in_flight(caplog: pytest.LogCaptureFixture) -> None:
    """Each sees its own id alone, in its view, tasks, log, header and body; none stays behind."""
    handler = caplog.handler
    handler.addFilter(RequestIdFilter())
    caplog.set_level(logging.INFO)
    seen: dict[str, set[str | None]] = {}
    left: list[str | None] = []

    async def main() -> list[Answer]:
        gate = Gate(_MANY)

        async def view(scope: Scope, _receive: Receive, _send: Send) -> None:
            before = current_request_id()
            await gate()
            in_task = await asyncio.create_task(_current())
            _log.info("in %s", scope["path"])
            seen[scope["path"]] = {before, in_task, current_request_id()}
            raise NotFoundError(scope["path"])

        app = kaiko(view)

        async def one(number: int) -> Answer:
            answer = await call(app, http_scope(f"/{number}"))
            left.append(current_request_id())
            return answer

        return await asyncio.gather(*(one(number) for number in range(_MANY)))

    async def _current() -> str | None:
        return current_request_id()

    got = asyncio.run(main())
    handler.filters.clear()
    assert len({answer.id for answer in got}) == _MANY
    for number, answer in enumerate(got):
        path = f"/{number}"
        assert seen[path] == {answer.id}
        error = json.loads(answer.body)["error"]
        assert (error["message"], error["request_id"]) == (path, answer.id)
    logged: dict[str, list[str]] = {}
    for record in caplog.records:
        logged.setdefault(record.__dict__["request_id"], []).append(record.name)
    assert logged.keys() == {answer.id for answer in got}
    assert Counter(map(tuple, logged.values())) == {("service", "kaiko"): _MANY}
    assert set(left) == {None}


def test_tasks_and_threads_see_it() -> None:
    """Tasks, `asyncio.to_thread` and anyio carry it along; a bare thread is bound to it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen = [await asyncio.create_task(_now()), await asyncio.to_thread(current_request_id)]
        seen.append(await anyio.to_thread.run_sync(current_request_id))
        async with anyio.create_task_group() as group:
            group.start_soon(_note, seen)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            seen.append(await loop.run_in_executor(pool, bind_request_id(current_request_id)))
            assert await loop.run_in_executor(pool, current_request_id) is None
        await answers(data=json.dumps(seen).encode())(scope, receive, send)

    async def _now() -> str | None:
        return current_request_id()

    async def _note(seen: list[str | None]) -> None:
        seen.append(current_request_id())

    answer = ask(kaiko(app))
    assert json.loads(answer.body) == [answer.id] * 5


@pytest.mark.parametrize(
    "app",
    [answers(), answers(404), raises(ValueError), raises(NotFoundError), raises(SystemExit)],
    ids=["success", "error", "bug", "typed", "exit"],
)
@pytest.mark.parametrize("outer", [None, "the-caller's"])
def test_the_context_is_put_back(app: ASGIApp, outer: str | None) -> None:
    """However a request ends, who called has the id that it had."""

    async def main() -> tuple[str | None, list[str]]:
        from kaiko_middleware.ids import set_request_id

        set_request_id(outer)
        before = {variable.name for variable in contextvars.copy_context()}
        answer = await call(kaiko(app), http_scope())
        after = {variable.name for variable in contextvars.copy_context()}
        assert answer.id != outer
        return current_request_id(), sorted(after - before)

    assert asyncio.run(main()) == (outer, [])


def test_a_call_in_process_has_an_id_of_its_own() -> None:
    """One application calls another with a client of its own; neither sees the other's id."""
    inner = kaiko(_echo)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        mine = current_request_id()
        transport = httpx2.ASGITransport(app=inner)
        async with httpx2.AsyncClient(transport=transport, base_url="http://inner") as client:
            answer = await client.get("/")
        assert current_request_id() == mine
        ids = [*answer.json(), answer.headers["x-request-id"]]
        await answers(data=json.dumps(ids).encode())(scope, receive, send)

    answer = ask(kaiko(outer))
    assert len(set(json.loads(answer.body))) == 1
    assert answer.id not in json.loads(answer.body)


def test_an_excluded_path_has_no_id() -> None:
    """Not even that of the application which calls it in process."""
    seen: list[object] = []
    config = Config(exclude_paths=["/health"])
    inner = kaiko(calls(lambda: seen.append(current_request_id())), config)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await call(inner, http_scope("/health"))
        assert answer.all("x-request-id") == []
        assert current_request_id() is not None
        await answers()(scope, receive, send)

    assert ask(kaiko(outer)).id
    assert ask(inner, "/health").headers == [("content-length", "2")]
    assert connect(inner, "/health").sent == []
    assert seen == [None, None, None]


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/v2", True),
        ("/v2/models", True),
        ("/v20", False),
        ("/", False),
        ("/v2/docs", False),
        ("/v2/docs/x", False),
        ("/v2/docsx", True),
    ],
)
def test_paths_are_prefixes_by_whole_segments(path: str, *, covered: bool) -> None:
    """Within `paths` and not within `exclude_paths` answers are ours; elsewhere nothing is."""
    config = Config(paths=["/v2"], exclude_paths=["/v2/docs"])
    answer = ask(kaiko(answers(404), config), path)
    assert bool(answer.all("x-request-id")) is covered
    assert (answer.body == b"ok") is not covered


@pytest.mark.parametrize("outer", [None, Config(exclude_paths=["/inner"])], ids=["all", "some"])
def test_layers_of_one_request_share_its_id(outer: Config | None) -> None:
    """A mounted application with middleware of its own keeps what the outer one began."""
    seen: list[object] = []

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        ids = current_request_id(), scope["state"]["kaiko_request_id"]
        seen.append(ids)
        await answers(404)(scope, receive, send)

    answer = ask(kaiko(kaiko(mounted), outer), "/inner")
    assert seen == [(answer.id, answer.id)]
    assert error_of(answer)["code"] == "not_found"


def test_an_inner_layer_that_leaves_a_path_alone_leaves_the_id() -> None:
    """What the outer layer covers has its id all the way in."""
    seen: list[object] = []
    inner = kaiko(calls(lambda: seen.append(current_request_id())), Config(paths=["/elsewhere"]))
    answer = ask(kaiko(inner))
    assert seen == [answer.id]


def test_a_state_that_a_server_does_not_copy_leaks_no_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither one after the other nor at the same time, in the answer or in the log."""
    caplog.set_level(logging.INFO)
    shared: dict[str, object] = {}

    async def main() -> list[Answer]:
        gate = Gate(50)

        async def view(scope: Scope, receive: Receive, send: Send) -> None:
            first = current_request_id()
            await gate()
            assert current_request_id() == first
            if scope["path"] == "/0":
                await answers(404, first.encode() if first else b"")(scope, receive, send)
            raise NotFoundError(first)

        app = kaiko(view)
        scopes = [http_scope(f"/{number % 2}", state=shared) for number in range(50)]
        return await asyncio.gather(*(call(app, scope) for scope in scopes))

    got = [*asyncio.run(main()), ask(kaiko(raises(NotFoundError)), state=shared)]
    assert len({answer.id for answer in got}) == 51
    for answer in got[:-1]:
        assert error_of(answer)["message"] == answer.id


# --- inbound ids ---------------------------------------------------------------------

_TRUSTING = Config(trust_request_id=True)


def _inbound(config: Config, *values: str) -> str:
    return ask(kaiko(_echo, config), headers=[("X-Request-ID", value) for value in values]).id


def test_an_inbound_id_is_ignored() -> None:
    """Anyone can send one."""
    assert _inbound(Config(), "req-0123456789").startswith("req-")
    assert _inbound(Config(), "req-0123456789") != "req-0123456789"


@pytest.mark.parametrize("value", ["a", "req-0123456789", "A.b_c:d/e+f=g-h", "x" * 128])
def test_a_trusted_inbound_id_is_taken(value: str) -> None:
    """Behind a gateway, one id goes all the way: view, header, envelope and log."""
    assert _inbound(_TRUSTING, value) == value
    answer = ask(kaiko(raises(NotFoundError), _TRUSTING), headers=[("x-request-id", value)])
    assert error_of(answer)["request_id"] == value


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("",),
        ("\0",),
        ("x" * 129,),
        ("a b",),
        ("a\tb",),
        ("<script>",),
        ("\xe9",),
        ("a,b",),
        ("a", "b"),
        ("a", "a"),
    ],
)
def test_a_bad_inbound_id_is_replaced(values: tuple[str, ...]) -> None:
    """It is never reflected, never an error, and more than one is none."""
    taken = _inbound(_TRUSTING, *values)
    assert taken.startswith("req-")
    assert len(taken) == 14


def test_a_bad_inbound_id_is_logged_escaped(caplog: pytest.LogCaptureFixture) -> None:
    """On one line and cut, at WARNING, with the id that replaced it."""
    bad = "\x1b[31m\r\nroot " + "x" * 5000
    answer = ask(kaiko(answers(), _TRUSTING), headers=[("x-request-id", bad)])
    ((level, text),) = said(caplog)
    assert level == "WARNING"
    assert answer.id in text
    assert text.isprintable()
    assert len(text) < 500


def test_the_header_has_the_name_that_is_configured() -> None:
    """Both ways, and ours replaces any that the application set under that name."""
    config = Config(request_id_header="X-Correlation-ID", trust_request_id=True)
    app = kaiko(answers(404, headers=[(b"x-correlation-id", b"own")]), config)
    answer = ask(app, headers=[("X-Correlation-ID", "mine"), ("X-Request-ID", "other")])
    assert answer.all("x-correlation-id") == ["mine"]
    assert answer.all("x-request-id") == []


def test_ids_are_as_long_as_configured() -> None:
    """Ten to thirty-two digits."""
    assert len(ask(kaiko(answers(), Config(request_id_digits=32))).id) == len("req-") + 32


@pytest.mark.parametrize("http", PROTOCOLS)
def test_pipelined_requests_have_each_their_own(http: Protocol) -> None:
    """On one socket, where a server starts a request in the context of the one before it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await kaiko(_echo, Config(exclude_paths=["/out"]))(scope, receive, send)

    async def outside(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/out":
            await app(scope, receive, send)
        else:
            excluded = kaiko(calls(lambda: seen.append(current_request_id())), Config(paths=["/x"]))
            await excluded(scope, receive, send)

    seen: list[object] = []

    async def main() -> list[Answer]:
        async with serving(outside, http) as port, connected(port) as client:
            for path in ("/1", "/2", "/out", "/3"):
                client.write(path)
            return [await client.read() for _ in range(4)]

    first, second, excluded, third = run(main())
    assert len({first.id, second.id, third.id}) == 3
    for answer in (first, second, third):
        assert json.loads(answer.body) == [answer.id, answer.id]
    assert excluded.all("x-request-id") == []
    assert seen == [None]

"""Where guards, frameworks and time meet: each of these once went wrong."""

from __future__ import annotations

import asyncio
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.core.management import CommandError, call_command
from fastapi import FastAPI, Security, WebSocket

from adapters.asgi.apps import answers, error_of, start
from adapters.asgi.server import ask, call, connect, http_scope
from adapters.django.stacks import STACKS
from adapters.httpx.virtual_time import run
from guards import test_django as on_django
from guards import test_wsgi as on_wsgi
from guards.requests import request
from guards.servers import Server
from guards.test_asgi import KEY, Keys, alone, each_stack, in_envelope
from guards.test_memory import Clock
from kaiko_fastapi import install
from kaiko_guards import (
    ApiKeys,
    BodyLimit,
    Deadline,
    FileKeys,
    HashedKeys,
    RateLimit,
    ValidKey,
    deadline,
    new_key,
)
from kaiko_guards._chain import Guards
from kaiko_guards._stored_keys import StoredKey
from kaiko_guards.fastapi import ApiKeySecurity
from kaiko_middleware import ConfigError, ConflictError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from kaiko_asgi import Receive, Scope, Send

HEADERS = [("x-api-key", KEY)]


class Hanging:
    """A verifier that does not answer, and takes its time to end."""

    def __init__(self, ends_after: float = 0.0, said: object = None) -> None:
        self._ends_after = ends_after
        self._said: Any = said

    async def verify(self, _key: str, /) -> Any:
        try:
            await asyncio.sleep(4)
        except asyncio.CancelledError:
            await asyncio.sleep(self._ends_after)
            if self._said is None:
                raise
        return self._said


class Says:
    """A verifier with an answer of any kind."""

    def __init__(self, said: object) -> None:
        self._said: Any = said

    def verify(self, _key: str, /) -> Any:
        return self._said


class SaysLater(Says):
    async def verify(self, _key: str, /) -> Any:
        return self._said


@each_stack
@pytest.mark.parametrize(
    "keys", [Hanging(), Hanging(5), Hanging(5, "unknown")], ids=["ends", "lingers", "answers"]
)
def test_a_verifier_that_hangs_is_late(stack: Any, keys: Hanging) -> None:
    """The deadline runs while the other guards work, and there is one answer."""
    app = stack(answers(), [Deadline(3), ApiKeys(keys)])

    async def main() -> None:
        answer = await call(app, http_scope(headers=HEADERS))
        assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run("asyncio", main)


def test_a_cancellation_while_a_key_is_looked_up_is_handed_on() -> None:
    """It is none of the deadline's."""
    app = alone(answers(), [Deadline(3), ApiKeys(Hanging())])

    async def main() -> None:
        task = asyncio.ensure_future(call(app, http_scope(headers=HEADERS)))
        await asyncio.sleep(1)
        task.cancel()
        assert isinstance((await task).raised, asyncio.CancelledError)

    run("asyncio", main)


@pytest.mark.parametrize("enveloped", [True, False], ids=["enveloped", "alone"])
def test_on_django_a_verifier_that_hangs_is_late(*, enveloped: bool) -> None:
    """The same."""
    (stack,) = [each for each in STACKS if each.name == "asgi"]
    served = on_django.project(on_django.whose_async, Deadline(0.01), ApiKeys(Hanging()))
    answer = on_django.ask(stack, served, headers=HEADERS, enveloped=enveloped)
    assert (answer.status, on_django.error_of(answer)["code"]) == (503, "timeout")


@each_stack
@pytest.mark.parametrize("kind", [Says, SaysLater])
@pytest.mark.parametrize("said", [None, True, 5, "valid", (KEY, "billing"), {}], ids=repr)
def test_what_is_no_answer_of_a_verifier_is_503(stack: Any, kind: Any, said: object) -> None:
    """The key may be right: its owner is not told otherwise. And no door opens."""
    answer = ask(stack(answers(), [ApiKeys(kind(said))]), headers=HEADERS)
    assert (answer.status, error_of(answer)["code"]) == (503, "service_unavailable")


def test_work_that_ends_quietly_when_it_is_cancelled_was_late() -> None:
    """Without an answer it would be an error of the service."""

    async def quiet(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return

    async def main() -> None:
        for stack in (alone, in_envelope):
            answer = await call(stack(quiet, [Deadline(3)]), http_scope())
            assert (answer.status, error_of(answer)["code"]) == (503, "timeout")

    run("asyncio", main)


@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend"])
def test_what_runs_after_a_file_has_no_deadline(kind: str) -> None:
    """However the server sends it."""
    ran: list[bool] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200))
        await send({"type": kind, "path": "/a"})
        await asyncio.sleep(1000)
        ran.append(True)

    async def main() -> None:
        async def never() -> Any:
            raise AssertionError

        async def send(_message: object) -> None:
            pass

        await alone(app, [Deadline(3)])(http_scope(), never, send)

    run("asyncio", main)
    assert ran == [True]


def test_what_fails_on_an_open_socket_is_not_answered() -> None:
    """Servers refuse an HTTP answer after the handshake."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise ConflictError

    socket = connect(alone(app, [RateLimit("5/minute", by="address")]))
    assert socket.accepted
    assert socket.denial is None
    assert isinstance(socket.raised, ConflictError)


@on_wsgi.each_stack
def test_a_generator_is_guarded_as_an_application_is(stack: Any) -> None:
    """It begins only when its first part is asked for."""
    told: list[float | None] = []
    closed: list[bool] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            told.append(deadline())
            read = environ["wsgi.input"].read()
            start_response("200 OK", [])
            yield read
            yield b"!"
        finally:
            closed.append(True)

    guarded = stack(app, [Deadline(5), BodyLimit(10), RateLimit("9/minute", by="address")])
    answer = on_wsgi.ask(guarded, method="POST", body=b"x" * 10)
    assert (answer[0], answer[2]) == (200, b"xxxxxxxxxx!")
    assert answer[1]["x-ratelimit-remaining"] == "8"
    refused = on_wsgi.ask(guarded, method="POST", body=b"x" * 11)
    assert (refused[0], on_wsgi.error_of(refused)["code"]) == (413, "payload_too_large")
    assert closed == [True, True]
    assert None not in told


def test_applications_that_share_a_limit_settle_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one has settled takes nothing away that another one has still to settle."""
    limit = RateLimit(
        "10/hour", by="address", storage="redis://127.0.0.1:1", settle_every=60, storage_timeout=1
    )
    charged: list[float] = []

    def settle(batch: Any) -> list[list[float]]:
        charged.extend(charge.seconds[0] for charge in batch.charges)
        return [[sum(charged)] for _ in batch.charges]

    assert limit.shared is not None
    monkeypatch.setattr(limit.shared._storage, "settle", settle)
    first, second = (Guards([limit]) for _ in range(2))
    for guards in (first, second, first):  # a first request settles at once
        guards.counting.count(request())
    for _ in range(7):
        second.counting.count(request())
    for guards in (first, second):
        for settler in guards.counting._settlers:
            settler._next_at = 0.0
            settler.settle_if_due()
    assert sum(charged) == pytest.approx(3600, rel=0.01)


def test_a_websocket_of_fastapi_takes_a_key_by_a_dependency() -> None:
    """As a path operation does; a refusal is a denial."""
    api_key = ApiKeySecurity(ApiKeys(Keys()))
    app = FastAPI()

    @app.websocket("/x")
    async def socket(connection: WebSocket, valid: Any = Security(api_key)) -> None:  # noqa: B008 - FastAPI's way
        await connection.accept()
        await connection.close(reason=valid.name)

    install(app)
    assert connect(app, "/x", headers=HEADERS).closed == (1000, "billing")
    refused = connect(app, "/x")
    assert refused.denial is not None
    assert refused.denial.status == 401


@pytest.mark.parametrize(
    "odd",
    [
        ("--prefix", ""),
        ("--prefix", "no_key"),
        ("--prefix", "Bad Prefix_"),
        ("--expires", "9999-12-31T23:59:59-23:59"),
        ("--expires", "0001-01-01T00:00:00+23:00"),
    ],
    ids=str,
)
def test_a_key_that_no_service_would_take_is_not_made(odd: tuple[str, str]) -> None:
    """Its prefix is none, or its time is none that a database has."""
    with pytest.raises(CommandError, match=odd[0].strip("-")):
        call_command("kaiko_key", "create", "billing", *odd)


MADE = new_key()
ENTRY = {"lookup": MADE.lookup, "sha256": MADE.digest, "name": "billing"}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        json.dumps({"keys": [ENTRY]}),
        json.dumps([MADE.key]),
        json.dumps([[MADE.lookup, MADE.digest]]),
        json.dumps([ENTRY | {"lookup": MADE.key}]),
        json.dumps([ENTRY | {"scopes": None}]),
        json.dumps([ENTRY | {"scopes": 5}]),
        json.dumps(MADE.digest),
    ],
    ids=["deep", "object", "keys", "lists", "whole key", "no scopes", "a number", "text"],
)
def test_what_is_no_file_of_keys_changes_nothing_and_is_not_shown(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, without a key or what is stored of one."""
    path, clock = tmp_path / "keys.json", Clock()
    path.write_text(json.dumps([ENTRY]))
    keys = FileKeys(path, clock=clock)
    path.write_text(text)
    clock.now += 1
    assert keys.verify(MADE.key) == ValidKey("billing", "billing")
    assert len(caplog.records) == 1
    assert MADE.key[20:40] not in caplog.text
    assert MADE.digest[:10] not in caplog.text


@pytest.mark.parametrize("every", [float("nan"), -1, "1", True])
def test_a_file_is_looked_at_every_so_often(every: Any, tmp_path: Path) -> None:
    """Never to look at it would be never to see a revocation."""
    (tmp_path / "keys.json").write_text("[]")
    with pytest.raises(ConfigError, match="every"):
        FileKeys(tmp_path / "keys.json", every=every)


@pytest.mark.parametrize("entries", [5, None, {"a": 1}, [{**ENTRY, 5: 1}], [5]])
def test_what_is_no_entry_is_named(entries: Any) -> None:
    """Whatever it is."""
    with pytest.raises(ConfigError, match="entries"):
        HashedKeys(entries)


def test_an_entry_is_any_mapping() -> None:
    """As its type says."""
    keys = HashedKeys([MappingProxyType(ENTRY)])
    assert keys.verify(MADE.key) == ValidKey("billing", "billing")


def test_no_key_and_no_digest_is_in_a_repr() -> None:
    """It would be in a log or in a tracker's view of a frame."""
    stored = StoredKey(MADE.lookup, MADE.digest, ValidKey("billing", "billing"))
    for each in (MADE, stored):
        assert MADE.lookup in repr(each)
        assert MADE.key not in repr(each)
        assert MADE.digest not in repr(each)


@pytest.mark.parametrize("rates", ["2/day", "2/day;3/2 days"])
@pytest.mark.parametrize("value", ["list", "abc", "nan"])
def test_what_is_no_time_in_redis_is_written_over(value: str, rates: str, tmp_path: Path) -> None:
    """A key that cannot be read would count nobody, and have all others rest."""
    server = Server("redis", tmp_path)
    guards = Guards([RateLimit(rates, by="address", storage=server.url, storage_timeout=5)])
    try:
        guards.counting.count(request())
        with redis.Redis.from_url(server.url) as client:
            found: Any = client.keys()
            client.delete(*found)
            if value == "list":
                client.lpush(found[0], "x")
            else:
                client.set(found[0], value)
        for left in (1, 0):
            told = guards.counting.count(request())
            assert told is not None
            assert told[1] == left
        with pytest.raises(RateLimitError):
            guards.counting.count(request())
    finally:
        asyncio.run(_close(guards))
        server.stop()


@pytest.mark.parametrize("rates", ["2/day", "2/day;3/2 days"])
def test_a_time_in_redis_that_is_too_far_away_is_brought_nearer(rates: str, tmp_path: Path) -> None:
    """A server's clock that jumped back would refuse a key for years."""
    server = Server("redis", tmp_path)
    guards = Guards([RateLimit(rates, by="address", storage=server.url, storage_timeout=5)])
    try:
        guards.counting.count(request())
        with redis.Redis.from_url(server.url) as client:
            found: Any = client.keys()
            client.set(found[0], " ".join(["inf"] * (1 + rates.count(";"))))
            with pytest.raises(RateLimitError):
                guards.counting.count(request())
            now: Any = client.time()
            kept: Any = client.get(found[0])
            assert 1.9 < (float(kept.split()[0]) - now[0]) / 86_400 < 2.1
            lasts: Any = client.ttl(found[0])
            assert 2 * 86_400 < lasts < 5 * 86_400
    finally:
        asyncio.run(_close(guards))
        server.stop()


async def _close(guards: Guards) -> None:
    await guards.counting.close(asyncio.get_running_loop())


def test_a_limit_whose_server_is_gone_leaves_the_others() -> None:
    """It says nothing, and who is let through is told of what memory counts."""
    gone = RateLimit("1/hour", by="address", storage="redis://127.0.0.1:1", storage_timeout=1)
    counting = Guards([RateLimit("2/hour", by="address"), gone]).counting

    async def main() -> object:
        return await counting.count_async(request(), asyncio.get_running_loop())

    assert counting.count(request()) is not None
    assert asyncio.run(main()) is not None
    with pytest.raises(RateLimitError, match="Too many requests"):
        counting.count(request())

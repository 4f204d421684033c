"""The guards behind a real server: bodies that lie, trickle or are large, and threads that stay."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from adapters.asgi.loopback import PROTOCOLS, Protocol, connected, run, serving
from kaiko_guards import BodyLimit, Deadline
from kaiko_guards.asgi import GuardMiddleware
from kaiko_middleware.conformance import check_answer
from kaiko_starlette import install

if TYPE_CHECKING:
    from starlette.requests import Request

each_protocol = pytest.mark.parametrize("http", PROTOCOLS)


async def _size(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def _app(*guards: Any, blocked: threading.Event | None = None) -> Starlette:
    def blocks(_request: Request) -> PlainTextResponse:
        assert blocked is not None
        blocked.wait()
        return PlainTextResponse("late")

    app = Starlette(
        routes=[Route("/size", _size, methods=["POST"]), Route("/blocks", blocks)],
    )
    app.add_middleware(GuardMiddleware, guards=list(guards))
    install(app)
    return app


@each_protocol
@pytest.mark.parametrize("parts", [[b"x" * 100_000], [b"x" * 600, b"y" * 600]])
def test_a_large_body_is_refused_and_the_server_goes_on(http: Protocol, parts: list[bytes]) -> None:
    """By its length, or as its chunks arrive."""

    async def main() -> list[int]:
        async with serving(_app(BodyLimit(1000)), http) as port:
            statuses: list[int] = []
            for body in (parts, [b"x" * 1000]):
                async with connected(port) as client:
                    client.write("/size", method="POST", body=body)
                    answer = await client.read("POST")
                    statuses.append(answer.status)
                    if answer.status == 413:
                        assert check_answer(answer.status, answer.headers, answer.body) == []
            return statuses

    assert run(main()) == [413, 200]


@each_protocol
def test_a_body_that_trickles_is_ended(http: Protocol) -> None:
    """Each part comes in time, and all of them never."""

    async def main() -> int:
        async with serving(_app(Deadline(0.2)), http) as port, connected(port) as client:
            client.write("/size", method="POST", headers=[("Content-Length", "100")], body=[b"x"])
            answer = await client.read("POST")
            return answer.status

    assert run(main()) == 503


@each_protocol
def test_a_thread_that_stays_is_answered_for(http: Protocol) -> None:
    """It cannot be stopped; its client does not wait for it."""
    blocked = threading.Event()
    guard = Deadline(0.2)

    async def main() -> int:
        async with serving(_app(guard, blocked=blocked), http) as port, connected(port) as client:
            client.write("/blocks")
            answer = await client.read()
            blocked.set()
            return answer.status

    try:
        assert run(main()) == 503
    finally:
        blocked.set()
    assert guard.overrunning == 0


def test_many_at_once_are_ended_alone() -> None:
    """One that is late takes no other with it."""

    async def main() -> list[int]:
        async with serving(_app(Deadline(1.5))) as port:

            async def ask(body: list[bytes], length: str) -> int:
                async with connected(port) as client:
                    headers = [("Content-Length", length)]
                    client.write("/size", method="POST", headers=headers, body=body)
                    return (await client.read("POST")).status

            return await asyncio.gather(*(ask([b"x"], str(1 + number % 2)) for number in range(20)))

    assert run(main()) == [200, 503] * 10

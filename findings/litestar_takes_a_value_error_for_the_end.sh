#!/usr/bin/env bash
# Litestar 2.25.0: a stream from a plain generator ends as if it were whole where the generator
# raises a ValueError. Its iterator uses that exception to say that the generator has ended.
#
# Seen: after one event the generator raises. A KeyError reaches the server, which cuts the
# connection. A ValueError, and with it a JSONDecodeError or a UnicodeDecodeError, ends the stream:
# the client sees a whole answer, and nothing is logged. From an async generator it is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check litestar==2.25.0
cat >"$work/show.py" <<'PY'
import asyncio
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from typing import Any

from litestar import Litestar, get
from litestar.response import ServerSentEvent


def plain(exc: Exception) -> Iterator[str]:
    yield "one"
    raise exc


async def coroutine(exc: Exception) -> AsyncIterator[str]:
    yield "one"
    raise exc


@get("/key-error")
async def key_error() -> ServerSentEvent:
    return ServerSentEvent(plain(KeyError("bug")))


@get("/value-error")
async def value_error() -> ServerSentEvent:
    return ServerSentEvent(plain(ValueError("bug")))


@get("/value-error-async")
async def value_error_async() -> ServerSentEvent:
    return ServerSentEvent(coroutine(ValueError("bug")))


app = Litestar([key_error, value_error, value_error_async])


async def ask(path: str) -> tuple[bool, bool]:
    sent: list[Any] = []
    ended = asyncio.Event()

    async def receive() -> Any:
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            ended.set()

    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": b"", "headers": [], "client": ("c", 1), "server": ("s", 80),
    }
    try:
        await app(scope, receive, send)
    except Exception:
        return not sent[-1].get("more_body", False), True
    return not sent[-1].get("more_body", False), False


print("litestar", version("litestar"))
seen = {}
for path in ("/key-error", "/value-error", "/value-error-async"):
    whole, raised = seen[path] = asyncio.run(ask(path))
    print(f"  {path:20} the stream was ended: {whole}, the exception came out: {raised}")

assert seen["/key-error"] == (False, True)
assert seen["/value-error"] == (True, False)
assert seen["/value-error-async"] == (False, True)
PY
"$work/env/bin/python" "$work/show.py"

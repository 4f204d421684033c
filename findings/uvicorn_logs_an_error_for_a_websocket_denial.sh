#!/usr/bin/env bash
# uvicorn 0.54.0 with websockets 17.4: a WebSocket that the application refuses with an HTTP answer is
# an ERROR in the log.
#
# ASGI's extension `websocket.http.response` lets an application answer a handshake with, say, a 401.
# Seen: the client gets the 401 whole, and uvicorn logs at ERROR "ASGI callable returned without
# completing handshake." for each, as if the application had forgotten to answer. That is so with
# `ws="auto"`, the default, which takes the implementation `websockets-sansio`. With `ws="wsproto"`
# there is no such line. So a client without a key can fill an alert that counts ERROR lines.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check uvicorn==0.54.0 websockets==17.4 \
  wsproto==1.3.2
cat >"$work/show.py" <<'PY'
import asyncio
import logging
from importlib.metadata import version

import uvicorn

HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def refuse(scope, receive, send):
    assert "websocket.http.response" in scope["extensions"]
    assert (await receive())["type"] == "websocket.connect"
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"7")]
    await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"no key\n"})


class Kept(logging.Handler):
    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines = []

    def emit(self, record):
        self.lines.append(f"{record.levelname}: {record.getMessage()}")


async def denied(ws):
    """What the client gets, and what uvicorn logs at ERROR."""
    server = uvicorn.Server(uvicorn.Config(refuse, port=0, ws=ws, lifespan="off", log_config=None))
    kept = Kept()
    logging.getLogger("uvicorn.error").addHandler(kept)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    writer.write(HANDSHAKE.encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    server.should_exit = True
    await serving
    logging.getLogger("uvicorn.error").removeHandler(kept)
    return answer.split(b"\r\n")[0].decode(), answer.split(b"\r\n\r\n")[1], kept.lines


for name in ("uvicorn", "websockets", "wsproto"):
    print(name, version(name))
seen = {ws: asyncio.run(denied(ws)) for ws in ("auto", "wsproto")}
for ws, (status, body, lines) in seen.items():
    print(f"{ws:8} {status!r} {body!r} {lines}")
line = "ERROR: ASGI callable returned without completing handshake."
assert seen["auto"] == ("HTTP/1.1 401 Unauthorized", b"no key\n", [line])
assert seen["wsproto"][0].startswith("HTTP/1.1 401") and not seen["wsproto"][2]
PY
"$work/env/bin/python" "$work/show.py"

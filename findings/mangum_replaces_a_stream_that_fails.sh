#!/usr/bin/env bash
# Mangum 0.22.0 with Starlette 1.10.0: a StreamingResponse that fails half-way is a whole 500 answer of
# Mangum's own, with none of the application's headers.
#
# Seen: an endpoint sends X-Request-ID and Access-Control-Allow-Origin and two chunks, then raises.
# Behind Mangum the client gets 500, "Internal Server Error" as text/plain, and neither header. uvicorn
# 0.54.0 sends 200, the headers and both chunks, then cuts the connection. Mangum collects a body before it answers, so it
# can still change its mind, but no exception handler or middleware of the application makes this 500
# or sees it: without CORS headers a browser hides it from its page, and there is no request id to
# look for.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check mangum==0.22.0 starlette==1.10.0 \
  uvicorn==0.54.0
cat >"$work/show.py" <<'PY'
import asyncio
import logging
from importlib.metadata import version

import uvicorn
from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

logging.getLogger("mangum.http").disabled = True


async def export(request):
    async def chunks():
        yield b"id,name\n"
        yield b"1,a\n"
        raise RuntimeError("half-way")

    headers = {"X-Request-ID": "req-1", "Access-Control-Allow-Origin": "*"}
    return StreamingResponse(chunks(), headers=headers, media_type="text/csv")


app = Starlette(routes=[Route("/export", export)])
EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/export",
    "rawQueryString": "",
    "headers": {"host": "service"},
    "requestContext": {
        "http": {
            "method": "GET",
            "path": "/export",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
        },
        "stage": "$default",
    },
    "isBase64Encoded": False,
}


async def from_uvicorn():
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    logging.getLogger("uvicorn.error").disabled = True
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    writer.write(b"GET /export HTTP/1.1\r\nHost: service\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    server.should_exit = True
    await serving
    return answer


for name in ("mangum", "starlette", "uvicorn"):
    print(name, version(name))
served = asyncio.run(from_uvicorn())
asyncio.set_event_loop(asyncio.new_event_loop())  # Mangum takes the current one
answer = Mangum(app, lifespan="off")(EVENT, None)
print("uvicorn:", served)
print("Mangum: ", answer)
assert served.startswith(b"HTTP/1.1 200") and b"x-request-id: req-1" in served
assert b"1,a" in served and not served.endswith(b"0\r\n\r\n")
assert answer["statusCode"] == 500 and answer["body"] == "Internal Server Error"
assert answer["headers"] == {"content-type": "text/plain; charset=utf-8"}
PY
"$work/env/bin/python" "$work/show.py"

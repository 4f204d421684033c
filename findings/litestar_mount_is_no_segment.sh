#!/usr/bin/env bash
# Litestar 2.25.0: a mounted ASGI application takes every path that begins with its prefix's
# letters, not only those below it.
#
# Seen: with a mount at "/st" and no other route, "/static/logo" and "/stale" reach the mounted
# application (200), with the path cut after "/st": "atic/logo/" and "ale/". Starlette 1.10.0 with
# the same mount answers 404 to both, as a prefix there ends with a segment.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check litestar==2.25.0 starlette==1.10.0 httpx2==2.16.2
cat >"$work/show.py" <<'PY'
from importlib.metadata import version
from typing import Any

from litestar import Litestar, asgi
from litestar.testing import TestClient as LitestarClient
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient as StarletteClient


async def mounted(scope: Any, receive: Any, send: Any) -> None:
    body = scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


litestar_app = Litestar([asgi("/st", is_mount=True, copy_scope=True)(mounted)])
starlette_app = Starlette(routes=[Mount("/st", app=mounted)])

seen = {}
for name, client in (
    ("litestar", LitestarClient(litestar_app)),
    ("starlette", StarletteClient(starlette_app)),
):
    print(name, version(name))
    for path in ("/st/below", "/static/logo", "/stale"):
        answer = client.get(path)
        seen[name, path] = answer.status_code
        print(f"  {path:14} {answer.status_code} {answer.text!r}")

assert [seen["litestar", path] for path in ("/st/below", "/static/logo", "/stale")] == [200] * 3
assert [seen["starlette", path] for path in ("/st/below", "/static/logo", "/stale")] == [200, 404, 404]
PY
"$work/env/bin/python" "$work/show.py"

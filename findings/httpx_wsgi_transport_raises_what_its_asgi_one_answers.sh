#!/usr/bin/env bash
# httpx 0.28.1 and httpx2 2.16.2: `WSGITransport(raise_app_exceptions=False)` raises the application's
# exceptions all the same, where `ASGITransport(raise_app_exceptions=False)` answers 500.
#
# Seen: for an application that raises when it is called, and for one that raises before its body's
# first chunk, the client raises the application's RuntimeError with both values of the option. With
# the ASGI transport the same failure is an empty 500. Under WSGI the option only decides whether an
# `exc_info` that was passed to `start_response` is raised. So a test that looks at the 500 a client
# would get passes for an ASGI application, and breaks off for a WSGI one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check httpx==0.28.1 httpx2==2.16.2
cat >"$work/show.py" <<'PY'
import asyncio
import sys
from importlib.metadata import version

import httpx
import httpx2


async def asgi(scope, receive, send):
    raise RuntimeError("a bug")


def called(environ, start_response):
    raise RuntimeError("a bug")


def iterated(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    raise RuntimeError("a bug")
    yield b""


def passed(environ, start_response):
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        start_response("500 Internal Server Error", [], sys.exc_info())
    return [b"error page"]


def by_wsgi(module, app, raising):
    transport = module.WSGITransport(app=app, raise_app_exceptions=raising)
    with module.Client(transport=transport, base_url="http://service") as client:
        return client.get("/").status_code


async def by_asgi(module, raising):
    transport = module.ASGITransport(app=asgi, raise_app_exceptions=raising)
    async with module.AsyncClient(transport=transport, base_url="http://service") as client:
        return (await client.get("/")).status_code


def outcome(ask):
    try:
        return ask()
    except RuntimeError as error:
        return repr(error)


bug = repr(RuntimeError("a bug"))
for module in (httpx, httpx2):
    print(module.__name__, version(module.__name__))
    for raising in (True, False):
        seen = {"asgi": outcome(lambda: asyncio.run(by_asgi(module, raising)))}
        for app in (called, iterated, passed):
            seen[f"wsgi {app.__name__}"] = outcome(lambda: by_wsgi(module, app, raising))
        print(f"  raise_app_exceptions={raising}: {seen}")
        handled = bug if raising else 500
        assert seen["asgi"] == seen["wsgi passed"] == handled
        assert seen["wsgi called"] == seen["wsgi iterated"] == bug
PY
"$work/env/bin/python" "$work/show.py"

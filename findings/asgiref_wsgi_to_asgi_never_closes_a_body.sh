#!/usr/bin/env bash
# asgiref 3.13.0: `WsgiToAsgi` never calls `close` on the body of a WSGI application.
#
# PEP 3333: "If the iterable returned by the application has a close() method, the server or gateway
# must call that method upon completion of the current request". Applications free there what a
# response holds: Django sends `request_finished`, and with it closes database connections. Seen:
# asgiref reads the body and forgets it, so `close` is never called, after success and after an
# exception alike. wsgiref and a2wsgi call it once for each request. Reported with a fix in
# django/asgiref#587, which was open by then.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check asgiref==3.13.0 a2wsgi==1.10.10
cat >"$work/show.py" <<'PY'
import asyncio
from importlib.metadata import version
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults
import io

from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi

closed = []


class Body:
    def __init__(self, path):
        self.path = path

    def __iter__(self):
        yield b"a"
        if self.path == "/fails":
            raise ValueError("a bug")
        yield b"b"

    def close(self):
        closed.append(self.path)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Body(environ["PATH_INFO"])


async def ask(app, path):
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    try:
        await app({**scope, "http_version": "1.1", "root_path": ""}, receive, send)
    except ValueError:
        pass


def serve(path):
    environ = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    handler = SimpleHandler(io.BytesIO(), io.BytesIO(), io.StringIO(), environ)
    handler.run(application)


PATHS = ["/works", "/fails"]
seen = {}
for path in PATHS:
    serve(path)
seen["wsgiref"] = closed[:]
for name, bridge in (("a2wsgi", WSGIMiddleware), ("asgiref", WsgiToAsgi)):
    closed.clear()
    for path in PATHS:
        asyncio.run(ask(bridge(application), path))
    seen[name] = closed[:]

print("asgiref", version("asgiref"), "a2wsgi", version("a2wsgi"))
for name, paths in seen.items():
    print(f"{name:8} closed {paths}")
assert seen["wsgiref"] == seen["a2wsgi"] == PATHS
assert seen["asgiref"] == []
PY
"$work/env/bin/python" "$work/show.py"

#!/usr/bin/env bash
# granian 2.8.9, `--interface wsgi`: an application that is a generator loses status and headers.
#
# PEP 3333 lets an application call `start_response` in the first iteration of its body, and forbids
# servers to assume that it was called earlier. Seen: granian reads status and headers when the call of the
# application returns, and a generator has run none of its lines by then. The client gets 200 without
# Content-Type or any other header of the application. So an error status, a redirect or a cookie is
# lost, and nothing is logged. wsgiref sends 201 with the headers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check granian==2.8.9
cat >"$work/app.py" <<'PY'
HEADERS = [("Content-Type", "text/csv"), ("Set-Cookie", "seen=1")]


def generator(environ, start_response):
    start_response("201 Created", HEADERS)
    yield b"id,name\n"


def function(environ, start_response):
    start_response("201 Created", HEADERS)
    return [b"id,name\n"]


def application(environ, start_response):
    named = {"/generator": generator, "/function": function}[environ["PATH_INFO"]]
    return named(environ, start_response)
PY
cat >"$work/show.py" <<'PY'
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

from app import application


def ask(port, path):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    head = (answer.status, answer.getheader("Content-Type"), answer.getheader("Set-Cookie"))
    answer.read()
    connection.close()
    return head


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


PATHS = ("/function", "/generator")
seen = {}
with make_server("127.0.0.1", 0, application, handler_class=Quiet) as reference:
    threading.Thread(target=reference.serve_forever).start()
    for path in PATHS:
        seen["wsgiref", path] = ask(reference.server_port, path)
    reference.shutdown()

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
granian = subprocess.Popen(
    [Path(sys.executable).with_name("granian"), "--interface", "wsgi", "--host", "127.0.0.1"]
    + ["--port", str(port), "app:application"],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
try:
    for _ in range(200):
        try:
            seen["granian", PATHS[0]] = ask(port, PATHS[0])
            break
        except ConnectionError:
            time.sleep(0.1)
    seen["granian", PATHS[1]] = ask(port, PATHS[1])
finally:
    granian.terminate()
    granian.wait()

print("granian", version("granian"))
for (server, path), head in seen.items():
    print(f"{server:8} {path:10} {head}")
whole = (201, "text/csv", "seen=1")
assert seen["wsgiref", "/function"] == seen["wsgiref", "/generator"] == whole
assert seen["granian", "/function"] == whole
assert seen["granian", "/generator"] == (200, None, None)
PY
cd "$work"
"$work/env/bin/python" show.py

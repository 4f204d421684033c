#!/usr/bin/env bash
# uWSGI 2.0.30 (the wheel pyuwsgi 2.0.30.post1; 2.0.31 built from source does the same): an error
# page that is started with `exc_info` arrives without its body.
#
# PEP 3333 has `start_response(status, headers, exc_info)` in an `except` block for error pages: if
# nothing was sent yet, the server takes the new status and headers and goes on. Seen: uWSGI sends
# status and headers, but its `start_response` raises SystemError ("returned a result with an
# exception set"), so the application never returns its body. The client gets a 500 with
# Content-Length 11 and no byte. wsgiref sends the page whole. The same call without `exc_info` is
# whole on both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyuwsgi==2.0.30.post1
cat >"$work/app.py" <<'PY'
import sys


def application(environ, start_response):
    headers = [("Content-Type", "text/plain"), ("Content-Length", "11")]
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        if environ["PATH_INFO"] == "/exc_info":
            start_response("500 Internal Server Error", headers, sys.exc_info())
        else:
            start_response("500 Internal Server Error", headers)
    return [b"error page\n"]
PY
cat >"$work/show.py" <<'PY'
import re
import subprocess
import sys
import threading
from http.client import HTTPConnection, IncompleteRead
from importlib.metadata import version
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

from app import application


def ask(port, path):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    except IncompleteRead as cut:
        return answer.status, cut.partial
    finally:
        connection.close()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


PATHS = ("/plain", "/exc_info")
seen = {}
with make_server("127.0.0.1", 0, application, handler_class=Quiet) as reference:
    threading.Thread(target=reference.serve_forever).start()
    for path in PATHS:
        seen["wsgiref", path] = ask(reference.server_port, path)
    reference.shutdown()

uwsgi = subprocess.Popen(
    [Path(sys.executable).with_name("uwsgi"), "--http-socket", "127.0.0.1:0", "--die-on-term"]
    + ["--wsgi-file", "app.py"],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
)
try:
    for line in uwsgi.stderr:
        if bound := re.search(r"bound to TCP address 127\.0\.0\.1:(\d+)", line):
            port = int(bound[1])
        if "spawned uWSGI worker" in line:
            break
    for path in PATHS:
        seen["uwsgi", path] = ask(port, path)
finally:
    uwsgi.terminate()
    log = uwsgi.communicate()[1]

print("pyuwsgi", version("pyuwsgi"))
for (server, path), answer in seen.items():
    print(f"{server:8} {path:10} {answer}")
said = [line for line in log.splitlines() if line.startswith("SystemError")]
print(*said, sep="\n")
whole = (500, b"error page\n")
assert seen["wsgiref", "/plain"] == seen["wsgiref", "/exc_info"] == seen["uwsgi", "/plain"] == whole
assert seen["uwsgi", "/exc_info"] == (500, b"")
assert len(said) == 1
PY
cd "$work"
"$work/env/bin/python" show.py

#!/usr/bin/env bash
# Flask 3.1.3, Werkzeug 3.1.9, gunicorn 27.0.0, waitress 3.0.2: a view that returns a bytearray is
# answered with 200, the right Content-Length and no body, by some servers and not by others.
#
# `Flask.make_response` names bytearray beside str and bytes as what a view may return, and makes a
# response of it with a length. Werkzeug's response then yields the bytearray itself, and PEP 3333
# has servers take bytes only. Seen: Flask's test client and waitress give five octets. Werkzeug's
# own development server and gunicorn send status and head, then fail on the chunk, so that the
# client waits for five octets and gets none. bytes are whole on each of the four.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check \
    flask==3.1.3 werkzeug==3.1.9 gunicorn==27.0.0 waitress==3.0.2
cat >"$work/app.py" <<'PY'
from flask import Flask

app = Flask(__name__)


@app.get("/bytes")
def plain():
    return b"hello"


@app.get("/bytearray")
def mutable():
    return bytearray(b"hello")
PY
cat >"$work/show.py" <<'PY'
import socket
import subprocess
import sys
from http.client import HTTPConnection, IncompleteRead
from importlib.metadata import version
from pathlib import Path

from app import app

HERE = Path(sys.executable).parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ask(port, path):
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            break
        except ConnectionRefusedError:  # it is not up yet
            connection.close()
    try:
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers["Content-Length"], answer.read()
        except IncompleteRead as cut:
            return answer.status, answer.headers["Content-Length"], cut.partial
    finally:
        connection.close()


PATHS = ("/bytes", "/bytearray")
seen = {}
for path in PATHS:
    answer = app.test_client().get(path)
    seen["test client", path] = answer.status_code, answer.headers["Content-Length"], answer.data
for name in ("werkzeug", "gunicorn", "waitress"):
    port = free_port()
    command = {
        "werkzeug": ["flask", "--app", "app", "run", "-p", str(port)],
        "gunicorn": ["gunicorn", "-b", f"127.0.0.1:{port}", "app:app"],
        "waitress": ["waitress-serve", f"--listen=127.0.0.1:{port}", "app:app"],
    }[name]
    server = subprocess.Popen(
        [HERE / command[0], *command[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for path in PATHS:
            seen[name, path] = ask(port, path)
    finally:
        server.terminate()
        server.wait()

print(*(f"{name} {version(name)}" for name in ("flask", "werkzeug", "gunicorn", "waitress")))
for (server, path), answer in seen.items():
    print(f"{server:12} {path:11} {answer}")
whole, cut = (200, "5", b"hello"), (200, "5", b"")
for server in ("test client", "werkzeug", "gunicorn", "waitress"):
    assert seen[server, "/bytes"] == whole
    assert seen[server, "/bytearray"] == (whole if server in {"test client", "waitress"} else cut)
PY
cd "$work"
"$work/env/bin/python" show.py

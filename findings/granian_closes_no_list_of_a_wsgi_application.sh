#!/usr/bin/env bash
# granian 2.8.9: under WSGI, it never calls `close` on a body that is a list.
#
# PEP 3333: "If the iterable returned by the application has a close() method, the server or gateway
# must call that method upon completion of the current request". A subclass of `list` may have one:
# middleware returns it to keep the length that servers ask for, and frees there what belongs to the
# request. Seen: granian joins the parts and forgets the body; it closes any other iterable. waitress
# closes both. What a context variable holds then stays in the server's thread.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check granian==2.8.9 waitress==3.0.2
cat >"$work/service.py" <<'PY'
closed = []


class Parts(list):
    def close(self):
        closed.append("list")


class Other:
    def __iter__(self):
        return iter([b"o", b"k"])

    def close(self):
        closed.append("other")


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/closed":
        return [",".join(closed).encode()]
    return Parts([b"o", b"k"]) if environ["PATH_INFO"] == "/list" else Other()
PY
cat >"$work/show.py" <<'PY'
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import version

SERVERS = {
    "granian": ["granian", "--interface=wsgi", "--host=127.0.0.1", "--port={}"],
    "waitress": ["waitress", "--listen=127.0.0.1:{}"],
}


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


seen = {}
for name, (module, *arguments) in SERVERS.items():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [sys.executable, "-m", module, *(each.format(port) for each in arguments)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([*line, "service:application"], **quiet)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        assert ask(port, "/list") == ask(port, "/other") == "ok"
        seen[name] = ask(port, "/closed")
    finally:
        server.terminate()
        server.wait()
    print(f"{name} {version(name)}: closed {seen[name]}")
assert seen == {"granian": "other", "waitress": "list,other"}, seen
PY
cd "$work" && env/bin/python show.py

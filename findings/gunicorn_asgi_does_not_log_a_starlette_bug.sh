#!/usr/bin/env bash
# gunicorn 27.0.1, `-k asgi`, with Starlette 1.10.0: the traceback of an unhandled exception is in no
# log.
#
# Starlette answers a bug with its 500 and then raises the exception again, for the server to log.
# Seen: gunicorn keeps no trace of what is raised after a whole answer. At the default log level there
# is no line. At level debug there is one, "Exception after response complete (client disconnected)",
# without class, message or traceback, although no client left. The same goes for a background task
# that fails. A plain ASGI application that raises before it answers is logged with its traceback, and
# uvicorn 0.54.0 logs all three. So a service that moves from uvicorn to this worker answers 500 and
# no longer says why, unless something inside of the application logs the exception.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check gunicorn==27.0.1 starlette==1.10.0 \
  uvicorn==0.54.0
cat >"$work/app.py" <<'PY'
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def bug(request):
    raise RuntimeError("in an endpoint")


async def failing():
    raise RuntimeError("in a background task")


async def task(request):
    return PlainTextResponse("whole\n", background=BackgroundTask(failing))


starlette = Starlette(routes=[Route("/bug", bug), Route("/task", task)])


async def app(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/plain":
        raise RuntimeError("in a plain application")
    await starlette(scope, receive, send)
PY
cat >"$work/show.py" <<'PY'
import re
import subprocess
import sys
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path

RAISED = {
    "/plain": "RuntimeError: in a plain application",
    "/bug": "RuntimeError: in an endpoint",
    "/task": "RuntimeError: in a background task",
}
GUNICORN = ["gunicorn", "-k", "asgi", "--bind", "127.0.0.1:0", "--no-control-socket", "app:app"]
UVICORN = ["uvicorn", "--port", "0", "app:app"]


def ask(port, path):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def served(program, *options):
    """The statuses, and the server's log from the first request on."""
    server = subprocess.Popen(
        [Path(sys.executable).with_name(program), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in server.stderr:
            if ready := re.search(r"(?:listening|running) on http://127\.0\.0\.1:(\d+)", line):
                break
        port = int(ready[1])
        statuses = [ask(port, path) for path in RAISED]
    finally:
        server.terminate()
        log = server.communicate()[1]
    return statuses, log


for name in ("gunicorn", "starlette", "uvicorn"):
    print(name, version(name))
late = "Exception after response complete (client disconnected)"
seen = {}
for command in (UVICORN, GUNICORN, [*GUNICORN, "--log-level", "debug"]):
    statuses, log = served(*command)
    name = " ".join([command[0], *command[len(GUNICORN) :]])
    seen[name] = [path for path, line in RAISED.items() if line in log]
    print(f"{name}: {dict(zip(RAISED, statuses))}, with traceback: {seen[name]}")
    print(f"  lines that say {late!r}: {log.count(late)}")
    assert statuses == [500, 500, 200]
    assert log.count(late) == (2 if "debug" in command else 0)
assert list(seen.values()) == [["/plain", "/bug", "/task"], ["/plain"], ["/plain"]]
PY
cd "$work"
"$work/env/bin/python" show.py

#!/usr/bin/env bash
# Django 5.2.19 on gunicorn 27.0.1: a request body that comes in chunks is empty for a WSGI view, and the
# same body is there for the same view under ASGI.
#
# WSGIRequest wraps `wsgi.input` in a LimitedStream of CONTENT_LENGTH bytes, and no length counts as 0;
# `wsgi.input_terminated`, by which gunicorn says that reading until the end is safe, is not looked at.
# Flask on the same server reads it. So a client that streams an upload gets no error: its body is
# taken for an empty one, a limit on the body's size never sees it, and a validator blames the client for
# fields that it sent.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
pids=()
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check \
  django==5.2.19 flask==3.1.3 gunicorn==27.0.1 uvicorn==0.54.0
cat >"$work/served.py" <<'PY'
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from flask import Flask, request


def length(asked):
    return HttpResponse(str(len(asked.body)))


settings.configure(
    ALLOWED_HOSTS=["*"], MIDDLEWARE=[], ROOT_URLCONF=__name__, SECRET_KEY="an example's"
)
urlpatterns = [path("", length)]
over_wsgi = get_wsgi_application()
over_asgi = get_asgi_application()
flask = Flask(__name__)
flask.add_url_rule("/", view_func=lambda: str(len(request.get_data())), methods=["POST"])
PY
cat >"$work/show.py" <<'PY'
import http.client
import sys
import time
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ("django", "flask", "gunicorn", "uvicorn")), sep=", ")
seen = {}
for name, port in zip(("Django, WSGI", "Django, ASGI", "Flask"), sys.argv[1:], strict=True):
    for _ in range(100):
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
        try:
            connection.request("POST", "/", iter([b"hello"]), encode_chunked=True)
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    seen[name] = int(connection.getresponse().read())
    print(f"  {name}: {seen[name]} bytes of 5")
assert seen == {"Django, WSGI": 0, "Django, ASGI": 5, "Flask": 5}
PY
ports=$("$work/env/bin/python" - <<'PY'
import socket

held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in held))
PY
)
read -r one two three <<<"$ports"
cd "$work"
"$work/env/bin/gunicorn" -b "127.0.0.1:$one" --log-level error served:over_wsgi & pids+=($!)
"$work/env/bin/uvicorn" --port "$two" --log-level error --lifespan off served:over_asgi & pids+=($!)
"$work/env/bin/gunicorn" -b "127.0.0.1:$three" --log-level error served:flask & pids+=($!)
"$work/env/bin/python" show.py "$one" "$two" "$three"

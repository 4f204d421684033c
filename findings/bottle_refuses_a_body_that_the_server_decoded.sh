#!/usr/bin/env bash
# Bottle 0.13.4: a request body that comes in chunks is a 400 on gunicorn 27.0.1 and on cheroot 11.1.2,
# with "Error while parsing chunked transfer body."; Falcon 4.4.0 on the same server reads it.
#
# `BaseRequest._body` decodes the chunks itself where the request has `Transfer-Encoding: chunked`, and
# these servers give it a body that they have decoded (`wsgi.input_terminated`). So a client that streams
# an upload is told that its request is malformed. The body can still be read from `wsgi.input` itself.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
pids=()
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check \
  bottle==0.13.4 cheroot==11.1.2 falcon==4.4.0 gunicorn==27.0.1
cat >"$work/served.py" <<'PY'
import sys

import falcon
from bottle import Bottle, request
from cheroot import wsgi

bottle = Bottle()
bottle.post("/", callback=lambda: f"{len(request.body.read())}")
bottle.post("/input", callback=lambda: f"{len(request.environ['wsgi.input'].read())}")


class Length:
    def on_post(self, req, resp):
        resp.text = f"{len(req.stream.read())}"


over_falcon = falcon.App()
over_falcon.add_route("/", Length())

if __name__ == "__main__":
    wsgi.Server(("127.0.0.1", int(sys.argv[1])), bottle).start()
PY
cat >"$work/show.py" <<'PY'
import http.client
import re
import sys
import time
from importlib.metadata import version

names = ("bottle", "falcon", "gunicorn", "cheroot")
print(*(f"{name} {version(name)}" for name in names), sep=", ")


def send(port, path):
    for _ in range(100):
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
        try:
            connection.request("POST", path, iter([b"hello"]), encode_chunked=True,
                               headers={"Transfer-Encoding": "chunked"})
            break
        except ConnectionRefusedError:
            time.sleep(0.1)
    answer = connection.getresponse()
    text = answer.read().decode()
    said = re.search("<pre>(.*?)</pre>", text)
    return answer.status, said[1] if said else text


one, two, three = sys.argv[1:]
refused = 400, "Error while parsing chunked transfer body."
for name, port, path, expected in (
    ("Bottle on gunicorn, request.body", one, "/", refused),
    ("Bottle on gunicorn, wsgi.input", one, "/input", (200, "5")),
    ("Bottle on cheroot, request.body", two, "/", refused),
    ("Falcon on gunicorn", three, "/", (200, "5")),
):
    seen = send(port, path)
    print(f"  {name}: {seen}")
    assert seen == expected, expected
PY
ports=$("$work/env/bin/python" - <<'PY'
import socket

held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in held))
PY
)
read -r one two three <<<"$ports"
cd "$work"
"$work/env/bin/gunicorn" -b "127.0.0.1:$one" --log-level error served:bottle & pids+=($!)
"$work/env/bin/python" served.py "$two" & pids+=($!)
"$work/env/bin/gunicorn" -b "127.0.0.1:$three" --log-level error served:over_falcon & pids+=($!)
"$work/env/bin/python" show.py "$one" "$two" "$three"

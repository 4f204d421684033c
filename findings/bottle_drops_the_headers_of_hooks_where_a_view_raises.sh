#!/usr/bin/env bash
# Bottle 0.13.4: the headers that an `after_request` hook sets are on every answer, also on a 404 and on
# what `abort` makes, but not on the 500 for an exception of a view.
#
# `Bottle._handle` runs the hook in a `finally`, and afterwards applies the new HTTPError(500) to the
# response, which replaces its headers. CORS headers are often set in such a hook: a script in a browser
# then sees a network error where the service answered 500.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check bottle==0.13.4
cat >"$work/show.py" <<'PY'
import io
from importlib.metadata import version
from wsgiref.util import setup_testing_defaults

from bottle import Bottle, abort, response

app = Bottle()
app.add_hook("after_request", lambda: response.set_header("Access-Control-Allow-Origin", "*"))
app.get("/ok", callback=lambda: "ok")
app.get("/aborts", callback=lambda: abort(409, "taken"))
app.get("/raises", callback=lambda: 1 / 0)

print("bottle", version("bottle"))
seen = {}
for path in ("/ok", "/nowhere", "/aborts", "/raises"):
    environ = {"PATH_INFO": path, "wsgi.errors": io.StringIO()}
    setup_testing_defaults(environ)
    heads = []
    b"".join(app(environ, lambda status, headers, exc_info=None: heads.append((status, headers))))
    status, headers = heads[-1]
    seen[path] = int(status[:3]), dict(headers).get("Access-Control-Allow-Origin")
    print(f"  {path}: {seen[path]}")
assert seen == {
    "/ok": (200, "*"),
    "/nowhere": (404, "*"),
    "/aborts": (409, "*"),
    "/raises": (500, None),
}
PY
"$work/env/bin/python" "$work/show.py"

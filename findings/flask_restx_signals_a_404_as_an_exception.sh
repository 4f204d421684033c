#!/usr/bin/env bash
# Flask-RESTX 1.3.2 and Flask-RESTful 0.3.10 on Flask 3.1.3: `abort(404)` in a resource sends Flask's
# signal `got_request_exception`.
#
# Flask documents it as "sent when an unhandled exception happens during request processing", and
# sends none for an HTTP exception, which it answers. Both extensions send it for each error of a
# resource, whatever its status and whoever handles it: what listens to it to raise an alarm, such as
# an error tracker, takes each 404 for a bug. Seen: one signal for `abort(404)` in a resource of
# either, none for the same `abort` in a view of the same application.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check \
  flask==3.1.3 werkzeug==3.1.9 flask-restx==1.3.2 flask-restful==0.3.10 'setuptools<81'
cat >"$work/show.py" <<'PY'
from importlib.metadata import version

import flask_restful
import flask_restx
from flask import Flask, abort, got_request_exception

seen = {}
for name, module in (("restx", flask_restx), ("restful", flask_restful)):
    app = Flask(name)
    app.add_url_rule("/view", view_func=lambda: abort(404), endpoint="view")

    class Missing(module.Resource):
        def get(self):
            abort(404)

    module.Api(app, prefix="/api").add_resource(Missing, "/x")
    signals = []
    with got_request_exception.connected_to(
        lambda _, exception: signals.append(type(exception).__name__), app
    ):
        for path in ("/view", "/api/x"):
            signals.clear()
            status = app.test_client().get(path).status_code
            seen[name, path] = (status, *signals)
for name in ("flask", "flask-restx", "flask-restful"):
    print(name, version(name))
for (name, path), (status, *heard) in seen.items():
    print(f"{name} {path}: {status}, signals: {heard or 'none'}")
assert seen == {
    ("restx", "/view"): (404,),
    ("restx", "/api/x"): (404, "NotFound"),
    ("restful", "/view"): (404,),
    ("restful", "/api/x"): (404, "NotFound"),
}, seen
PY
cd "$work" && env/bin/python -W ignore show.py

#!/usr/bin/env bash
# django-ninja 1.7.1 with Django 5.2.19: in a request of ninja's TestClient `path_info` is empty, and
# `path` has the query string.
#
# Seen: for "/items?page=2", path_info is "" and path is "/items?page=2". Django's own test client, on
# the same API below "api/", gives "/api/items" for both, as a server does. Django's documentation
# recommends `path_info` for code that must not depend on the mount. Where such code decides by path
# (what is limited, what is logged), a test with this client proves nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check django-ninja==1.7.1 django==5.2.19
cat >"$work/show.py" <<'PY'
from importlib.metadata import version

import django
from django.conf import settings
from django.test import Client
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
django.setup()

from ninja import NinjaAPI  # noqa: E402
from ninja.testing import TestClient  # noqa: E402

api = NinjaAPI()


@api.get("/items")
def items(request, page: int):
    return {"path": request.path, "path_info": request.path_info, "page": page}


urlpatterns = [path("api/", api.urls)]

for name in ("django-ninja", "django"):
    print(name, version(name))
by_django = Client().get("/api/items?page=2").json()
by_ninja = TestClient(api).get("/items?page=2").json()
print("django.test.Client:      ", by_django)
print("ninja.testing.TestClient:", by_ninja)
assert by_django == {"path": "/api/items", "path_info": "/api/items", "page": 2}
assert by_ninja == {"path": "/items?page=2", "path_info": "", "page": 2}
PY
"$work/env/bin/python" "$work/show.py"

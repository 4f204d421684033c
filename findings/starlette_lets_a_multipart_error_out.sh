#!/usr/bin/env bash
# Starlette 1.0.0 with python-multipart 0.0.34: a multipart form that the parser refuses is a 500,
# where Starlette 1.10.0 with the same parser answers 400.
#
# Seen: `await request.form()` on a body whose boundary is not the header's. Starlette 1.0.0 catches
# its own MultiPartException alone, so the parser's MultipartParseError reaches ServerErrorMiddleware.
# Starlette 1.10.0 turns every FormParserError into its own exception.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/show.py" <<'PY'
import sys
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient


async def form(request):
    async with request.form() as fields:
        return PlainTextResponse(str(len(fields)))


client = TestClient(
    Starlette(routes=[Route("/form", form, methods=["POST"])]), raise_server_exceptions=False
)
answer = client.post(
    "/form",
    content=b"--other\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--other--\r\n",
    headers={"Content-Type": "multipart/form-data; boundary=named"},
)
for name in ("starlette", "python-multipart"):
    print(name, version(name))
print(" ", answer.status_code, answer.text)
assert answer.status_code == int(sys.argv[1])
PY
for pair in "1.0.0 500" "1.10.0 400"; do
  read -r starlette status <<<"$pair"
  python3 -m venv "$work/$starlette"
  "$work/$starlette/bin/pip" install -q --disable-pip-version-check \
    "starlette==$starlette" python-multipart==0.0.34 httpx==0.28.1 httpx2==2.16.2
  "$work/$starlette/bin/python" "$work/show.py" "$status"
done

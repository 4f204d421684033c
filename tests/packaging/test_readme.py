"""The README's code does what the README says, and its commands are the ones that CI runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kaiko_guards import new_key

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(heading: str, language: str = "python") -> list[str]:
    """List the code blocks of a section."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return found


ASK_ASGI = """
import asyncio, json

async def ask(path):
    sent = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        sent.append(message)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
        "query_string": b"", "headers": [], "client": ("127.0.0.1", 1), "server": ("t", 80),
    }
    await app(scope, receive, send)
    headers = [(n.decode(), v.decode()) for n, v in sent[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], headers, body.decode()

print(json.dumps(asyncio.run(ask("/v2/contexts/ctx_1"))))
"""
ASK_WSGI = """
import io, json

def ask(path):
    head = []
    def start_response(status, headers, exc_info=None):
        head[:] = [int(status[:3]), headers]
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
    }
    answer = application(environ, start_response)
    body = b"".join(answer)
    answer.close()
    return *head, body.decode()

print(json.dumps(ask("/v2/contexts/ctx_1")))
"""

# What every project of Django's has beside what the page shows.
PROJECT = 'SECRET_KEY = "made up"\nALLOWED_HOSTS = ["localhost"]\nROOT_URLCONF = "urls"\n'
ROUTES = '\nfrom django.urls import path\nurlpatterns = [path("v2/contexts/ctx_1", contexts)]\n'
CHECKS = "from django.core.management import call_command\ncall_command('check')\n"


def run(folder: Path, code: str) -> tuple[int, dict[str, str], dict[str, object]]:
    """Run a program in a folder of its own: status, headers and error of what it printed."""
    Path(folder, "program.py").write_text(code)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings"}
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, headers, body = json.loads(done.stdout.splitlines()[-1])
    named = {name.lower(): value for name, value in headers}
    error = json.loads(body)["error"]
    assert re.fullmatch("req-[0-9a-f]{10}", error.pop("request_id"))
    return status, named, error


def test_starlette_start_answers_what_the_top_shows(tmp_path: Path) -> None:
    """The first example's answer is the envelope at the top of the page."""
    (start,) = blocks("Starlette")
    (shown,) = re.findall(r"^```json\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    expected = json.loads(shown)["error"]
    del expected["request_id"]
    status, headers, error = run(tmp_path, start + ASK_ASGI)
    assert (status, error) == (404, expected)
    assert headers["x-should-retry"] == "false"


def test_fastapi_start_answers_what_it_refuses(tmp_path: Path) -> None:
    """A parameter that FastAPI refuses is the contract's error."""
    (start,) = blocks("FastAPI")
    status, _, error = run(tmp_path, start + ASK_ASGI)
    assert (status, error) == (
        400,
        {
            "type": "invalid_request_error",
            "code": "invalid_number",
            "message": "The 'number' parameter has an invalid value",
            "param": "number",
        },
    )


def test_asgi_start_answers_with_an_envelope(tmp_path: Path) -> None:
    """Nothing but the middleware is needed."""
    (start,) = blocks("Any ASGI application")
    status, headers, error = run(tmp_path, start + ASK_ASGI)
    assert (status, error["code"]) == (401, "invalid_api_key")
    assert error["message"] == "Send your key in the x-api-key header"
    assert headers["www-authenticate"] == "ApiKey"


def test_wsgi_start_answers_with_an_envelope(tmp_path: Path) -> None:
    """Nothing but the middleware is needed under WSGI, too."""
    (start,) = blocks("Any WSGI application")
    status, headers, error = run(tmp_path, start + ASK_WSGI)
    assert (status, error["code"]) == (404, "not_found")
    assert error["message"] == "This service has no contexts"
    assert headers["x-should-retry"] == "false"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_django_start_answers_with_an_envelope(tmp_path: Path, *, is_async: bool) -> None:
    """Settings, a view and the application, put together as the page says."""
    settings, view, application = blocks("Django")
    Path(tmp_path, "settings.py").write_text(PROJECT + settings)
    if is_async:
        view = view.replace("def contexts", "async def contexts")
    Path(tmp_path, "urls.py").write_text(view + ROUTES)
    status, _, error = run(tmp_path, application + CHECKS + ASK_WSGI)
    assert (status, error) == (
        403,
        {
            "type": "forbidden_error",
            "code": "key_revoked",
            "message": "This key was revoked",
            "param": None,
        },
    )


def test_drf_start_answers_what_a_serializer_refuses(tmp_path: Path) -> None:
    """One application and one setting more, and a serializer's refusal is the contract's."""
    settings, view = blocks("Django REST framework")
    (_, _, application) = blocks("Django")
    accounts = 'INSTALLED_APPS += ["django.contrib.auth", "django.contrib.contenttypes"]\n'
    Path(tmp_path, "settings.py").write_text(PROJECT + settings + accounts)
    Path(tmp_path, "urls.py").write_text(view + ROUTES)
    status, _, error = run(tmp_path, application + CHECKS + ASK_WSGI)
    assert (status, error) == (
        400,
        {
            "type": "invalid_request_error",
            "code": "missing_field",
            "message": "The 'limit' field is required",
            "param": "limit",
        },
    )


def test_ninja_start_answers_what_it_refuses(tmp_path: Path) -> None:
    """Django's settings and one call: a parameter that Ninja refuses is the contract's."""
    (api,) = blocks("django-ninja")
    settings, _, application = blocks("Django")
    Path(tmp_path, "settings.py").write_text(PROJECT + settings)
    routes = '\nfrom django.urls import path\nurlpatterns = [path("v2/", api.urls)]\n'
    Path(tmp_path, "urls.py").write_text(api + routes)
    status, _, error = run(tmp_path, application + CHECKS + ASK_WSGI)
    assert (status, error) == (
        400,
        {
            "type": "invalid_request_error",
            "code": "invalid_number",
            "message": "The 'number' parameter has an invalid value",
            "param": "number",
        },
    )


def test_guards_start_wants_a_key_and_counts(tmp_path: Path) -> None:
    """A key from a file, and what is left of its limit."""
    (start,) = blocks("Keys and limits")
    made = new_key()
    entry = {"lookup": made.lookup, "sha256": made.digest, "name": "Ada"}
    Path(tmp_path, "keys.json").write_text(json.dumps([entry]))
    status, headers, error = run(tmp_path, start + ASK_ASGI)
    assert (status, error["code"]) == (401, "invalid_api_key")
    assert headers["www-authenticate"] == "ApiKey"
    field = f'"headers": [(b"x-api-key", {made.key.encode()!r})]'
    ask = ASK_ASGI.replace('"headers": []', field).replace("print(json.dumps(", "answer = ((")
    asked = """
status, headers, body = answer
assert (status, body, dict(headers)["x-ratelimit-remaining"]) == (200, "Hello Ada", "4"), answer
asked = [asyncio.run(ask("/v2/contexts/ctx_1")) for _ in range(30)]
print(json.dumps([answer for answer in asked if answer[0] == 429][-1]))
"""
    status, headers, error = run(tmp_path, start + ask + asked)
    assert (status, error["code"]) == (429, "too_many_requests")
    assert headers["retry-after"] == "1"


def test_httpx_start_raises_what_the_callers_are_to_get(tmp_path: Path) -> None:
    """An upstream that refuses our key is a 500 to our own callers, as the page says."""
    (start,) = blocks("Calling other services")
    ours = start.replace("https://billing.example", "http://127.0.0.1:{port}")
    assert ours != start
    program = textwrap.dedent(
        """
        import http.server, json, threading
        from kaiko_middleware import KaikoError, render

        class Refusing(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(401)

            def log_message(self, *_args):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        exec(START.replace("{port}", str(server.server_port)))
        try:
            price("basic")
        except KaikoError as exc:
            reply = render(exc, "req-0123456789")
            print(json.dumps([reply.status, reply.headers, reply.body.decode()]))
        """
    )
    status, headers, error = run(tmp_path, f"START = {ours!r}\n{program}")
    assert (status, error["code"], headers["x-should-retry"]) == (500, "internal", "false")


def test_readme_has_one_command_for_the_demo_and_one_for_the_tests() -> None:
    """A newcomer needs two commands, one of them with a page, and CI runs the last."""
    commands = [block.removeprefix("$ ").strip() for block in blocks("Try it", "console")]
    assert commands == [
        "python3 tools/fresh.py demo",
        "python3 tools/fresh.py demo --serve",
        "python3 tools/fresh.py test",
    ]
    script = (ROOT / ".ci" / "run").read_text()
    assert f"exec {commands[-1]}\n" in textwrap.dedent(script)

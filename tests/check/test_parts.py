"""The parts of `kaiko_check`: clauses, who answered, curl lines, redaction, targets, streams."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kaiko_check
from check import raw_apps
from kaiko_check import (
    CLAUSES,
    Options,
    TargetError,
    load_app,
    load_django,
    run_check,
)
from kaiko_check._curl import curl_line
from kaiko_check._exchange import Answer, Limits, Redactor, Request, excerpt
from kaiko_check._judge import judge_answer
from kaiko_check._mending import mend
from kaiko_check._probe import KINDS
from kaiko_check._recognize import FRAMEWORKS, recognize
from kaiko_check._report_markdown import as_markdown
from kaiko_check._wire import Address, send_alone
from kaiko_middleware import NotFoundError, render
from support_django import setup_django

if TYPE_CHECKING:
    from collections.abc import Callable

BASH = shutil.which("bash") or "bash"
SOURCES = "".join(path.read_text() for path in Path(kaiko_check.__file__).parent.glob("_*.py"))


# --- clauses ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLAUSES)
def test_a_clause_says_what_a_reader_needs(name: str) -> None:
    """A section that there is, what is promised, and what a client loses."""
    clause = CLAUSES[name]
    assert re.fullmatch(r"[a-z-]+\.[a-z0-9-]+", clause.id)
    assert clause.section in {"1", "2", "3", "4", "5", "6", "7", "8"}
    assert not clause.promise.endswith(".")
    assert clause.why.endswith(".")
    assert SOURCES.count(f'"{name}"') >= 2, "the clause is judged nowhere"


@pytest.mark.parametrize("framework", [*FRAMEWORKS, None])
def test_every_breach_can_be_mended(framework: str | None) -> None:
    """On each framework and edge, and where nothing tells who answered."""
    for name in CLAUSES:
        said = mend(name, framework)
        assert said.endswith((".", ")"))
        if framework in {"starlette", "fastapi", "litestar", "flask", "django", "drf", "ninja"}:
            assert FRAMEWORKS[framework] in said


@pytest.mark.parametrize("framework", ["fastapi", "express", None])
def test_a_500_that_stays_is_mended_in_the_service(framework: str | None) -> None:
    """Adopting the contract makes an envelope of it, and no bug goes by that."""
    assert "look for the answer's id in the service's log" in mend("client.no-500", framework)
    assert "service's log" not in mend("field.value", framework)


def test_all_that_a_debug_page_breaks_is_mended_alike() -> None:
    """Whoever turns debug mode off needs no other advice for that answer."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if "html" not in environ.get("HTTP_ACCEPT", ""):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"nothing here"]
        start_response("404 Not Found", [("Content-Type", "text/html")])
        return [b"<pre>Traceback (most recent call last):</pre>"]

    target = load_app(app, "app")
    report = run_check(target, Options(openapi=""))
    page = [each for each in report.findings if each.probe == "Accept: text/html"]
    assert {"leak.debug", "envelope.json"} < {each.clause.id for each in page}
    assert {each.mend for each in page} == {mend("leak.debug", None)}
    text = next(each for each in report.findings if each.probe == "unknown path")
    assert text.mend != mend("leak.debug", None)
    target.close()


# --- who answered ----------------------------------------------------------------------

DJANGO = b'\n<!doctype html>\n<html lang="en">\n<head>\n  <title>Not Found</title>'
SPRING = b'{"timestamp":"2026","status":404,"error":"Not Found","path":"/x"}'
ANSWERS: list[tuple[str, Answer]] = [
    ("starlette", Answer(404, (), b"Not Found")),
    ("starlette", Answer(405, (), b"Method Not Allowed")),
    ("fastapi", Answer(404, (), b'{"detail":"Not Found"}')),
    ("fastapi", Answer(422, (), b'{"detail":[{"type":"missing","loc":["body"],"msg":"x"}]}')),
    ("litestar", Answer(404, (), b'{"status_code":404,"detail":"Not Found"}')),
    ("flask", Answer(404, (), b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>")),
    ("flask", Answer(400, (("Server", "Werkzeug/3.1.9 Python/3.13"),), b"x")),
    ("django", Answer(404, (), DJANGO)),
    ("drf", Answer(404, (), b'{"detail":"Not found."}')),
    ("drf", Answer(405, (), rb'{"detail":"Method \"PUT\" not allowed."}')),
    ("ninja", Answer(422, (), b'{"detail": [{"type": "missing", "loc": ["body", "item"]}]}')),
    ("ninja", Answer(405, (), b"Method not allowed")),
    ("express", Answer(404, (), b"<pre>Cannot GET /x</pre>")),
    ("express", Answer(500, (("X-Powered-By", "Express"),), b"{}")),
    ("spring", Answer(404, (), SPRING)),
    ("spring", Answer(404, (), b"<h1>Whitelabel Error Page</h1>")),
    ("nginx", Answer(502, (), b"<hr><center>nginx/1.29.3</center>")),
    ("envoy", Answer(503, (("server", "envoy"),), b"no healthy upstream")),
    ("cloudflare", Answer(403, (("Server", "cloudflare"),), b"error code: 1020")),
    ("aws", Answer(403, (), b'{"message":"Missing Authentication Token"}')),
    ("aws", Answer(502, (("Server", "awselb/2.0"),), b"<center>awselb/2.0</center>")),
]  # fmt: skip


@pytest.mark.parametrize(("framework", "answer"), ANSWERS)
def test_who_answered_is_recognized(framework: str, answer: Answer) -> None:
    """By what only that framework or edge says."""
    assert recognize(answer) == framework


def test_every_framework_is_recognized_by_something() -> None:
    """None is only a word in a table."""
    assert {framework for framework, _ in ANSWERS} == FRAMEWORKS.keys()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, render(NotFoundError(), "req-0123456789").headers, b"{}"),
        Answer(404, (("Server", "nginx"),), b'{"error": "not found"}'),
        Answer(500, (), b"Internal Server Error"),
        Answer(404, (), b"404 page not found\n"),
    ],
)
def test_what_tells_nothing_is_not_guessed(answer: Answer) -> None:
    """An edge that passes an answer on did not make it."""
    assert recognize(answer) is None


# --- curl ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/a?b=%ff&c[d"),
        Request("HEAD", "/a/../b"),
        Request("DELETE", "/", (("X-Request-ID", "<script>'\"$(x)`"),)),
        Request("GET", "/" + "a" * 3000, (("Cookie", "=\x80\xff"), ("x-api-key", ""))),
        Request("POST", "/", (("Content-Type", "text/plain"),), b'{"a": "\xff\n\\"}'),
        Request("POST", "/", (), b"[" * 20_000),
        Request("PUT", "/", (), b'{"a": "' + b"k" * 200_000 + b'"}'),
    ],
    ids=["query", "head", "quotes", "bytes", "body", "long body", "piped body"],
)
def test_a_curl_line_sends_the_same(request_: Request) -> None:
    """As Bash reads it: each argument, and what is piped, byte by byte."""
    line = curl_line(request_, "http://h", Redactor())
    script = f'curl() {{ printf \'%s\\0\' "$@"; [[ "$*" == *@-* ]] && cat; return 0; }}; {line}'
    done = subprocess.run([BASH, "-c", script], capture_output=True, check=True, timeout=30)
    words = [word.decode("latin-1") for word in done.stdout.split(b"\0")]
    assert f"http://h{request_.target}" in words
    sent = {words[at + 1] for at, word in enumerate(words) if word == "-H"}
    assert {f"{name}: {value}" if value else f"{name};" for name, value in request_.headers} <= sent
    if request_.body is not None:
        data = words[words.index("--data-binary") + 1]
        body = words[-1] if data == "@-" else data
        assert body.encode("latin-1") == request_.body
    if request_.method in {"DELETE", "PUT"}:
        assert words[words.index("-X") + 1] == request_.method


def test_secrets_are_masked_wherever_they_come() -> None:
    """In the line, in the answer and in messages; also the last word of an Authorization."""
    redact = Redactor(
        (("Authorization", "Bearer tiger-lily-22"), ("X-Tenant", "acme"), ("Cookie", "id"))
    )
    request = Request("GET", "/?t=tiger-lily-22", (("Authorization", "Bearer tiger-lily-22"),))
    line = curl_line(request, "http://h", redact)
    answer = Answer(
        400, (("X-Echo", "tiger-lily-22"),), b"no tiger-lily-22 for acme, id sk-" + b"a" * 20
    )
    shown = line + excerpt(answer, redact)
    assert "tiger" not in shown
    assert "acme, id sk-***" in shown


# --- answers ---------------------------------------------------------------------------


def clauses(answer: Answer, request: Request | None = None) -> set[str]:
    asked = request or Request("GET", "/")
    return {fault.clause for fault in judge_answer(asked, answer, "X-Request-ID")}


GOOD = render(NotFoundError(), "req-0123456789")


def test_a_member_twice_is_not_portable() -> None:
    """The names are all there, and no two parsers agree on the value."""
    body = GOOD.body.replace(b'"code":', b'"code":"x","code":')
    headers = tuple(pair for pair in GOOD.headers if pair[0] != "Content-Length")
    length = ("Content-Length", str(len(body)))
    assert clauses(Answer(404, (*headers, length), body)) == {"envelope.portable"}


def test_identity_is_no_coding() -> None:
    """And a body of another type than an object has no error."""
    asked = Request("GET", "/", (("Accept-Encoding", "gzip"),))
    answer = Answer(404, (*GOOD.headers, ("Content-Encoding", "identity")), GOOD.body)
    assert clauses(answer, asked) == set()
    assert "envelope.shape" in clauses(Answer(404, GOOD.headers, b"[]"))


def test_an_answer_that_was_not_whole_is_judged_by_that_alone() -> None:
    """Half of a body breaks every rule."""
    assert clauses(Answer(404, (), b"{", "cut", "peer closed")) == {"answer.whole"}
    assert clauses(Answer(404, (), b"{", "unread")) == {"envelope.endless"}
    assert clauses(Answer(0, note="ReadError: x")) == {"answer.given"}


def test_an_excerpt_is_short() -> None:
    """And printable, however long and odd an answer is."""
    assert (
        excerpt(Answer(0, note="no answer in time"), Redactor()) == "no answer: no answer in time"
    )
    page = Answer(500, (), b"\n\n\x1b[31m" + b"line\n" * 1000)
    shown = excerpt(page, Redactor())
    assert len(shown.split("\n")) < 20
    assert shown.endswith("…")
    assert "\x1b" not in shown


# --- targets ---------------------------------------------------------------------------


class Callable3:
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        return raw_apps.RAW["stream.cut"](scope, receive, send)


def test_an_application_is_known_by_how_it_is_called() -> None:
    """Functions, objects and partials; wrapped ones are known by what is inside."""
    target = load_app(Callable3(), "three")
    assert type(target).__name__ == "AsgiTarget"
    target.close()

    def wsgi(environ: object, start: Callable[..., Any]) -> list[object]:
        del environ  # WSGI gives it
        return [start("204 No Content", [])]

    assert type(load_app(wsgi, "two")).__name__ == "WsgiTarget"
    assert type(load_app(partial(wsgi), "partial")).__name__ == "WsgiTarget"
    for odd in (print, dict, object(), lambda: None):
        with pytest.raises(TargetError, match="is no ASGI and no WSGI application"):
            load_app(odd, "odd")


def test_the_framework_of_an_application_is_known() -> None:
    """Also where middleware is around it."""
    flask = importlib.import_module("check.bare.flask_app").app
    starlette = importlib.import_module("check.bare.starlette_app").app

    class Around:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, *arguments: Any) -> None:
            await self.app(*arguments)

    class Endless:
        def __init__(self) -> None:
            self.app = self

        async def __call__(self, *arguments: Any) -> None:
            """Do nothing."""

    assert load_app(flask, "flask").framework == "flask"
    for app, framework in ((Around(starlette), "starlette"), (Endless(), None)):
        target = load_app(app, "around")
        assert target.framework == framework
        target.close()


def test_a_django_project_is_known_by_its_settings() -> None:
    """Which are those of the process: there can be no others."""
    setup_django()
    target = load_django("django_project.settings")
    assert (target.framework, target.base) == ("django", "http://testserver")
    assert load_django("django_project.settings", host="h").base == "http://h"
    with pytest.raises(TargetError, match=r"\.settings do not load: RuntimeError: Django is"):
        load_django("nothing.settings")


def test_a_lifespan_is_begun_and_ended() -> None:
    """As a server does it; its state is that of every request."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                seen.append(phase)
                scope["state"]["phase"] = phase
                await send({"type": f"lifespan.{phase}.complete"})
            return
        seen.append(scope["state"]["phase"])
        await raw_apps.RAW["stream.cut"](scope, receive, send)

    target = load_app(app, "app")
    run_check(target, Options(openapi="", skip=frozenset(KINDS.keys() - {"paths"})))
    target.close()
    assert seen[0] == seen[1] == "startup"
    assert seen[-1] == "shutdown"


def test_a_startup_that_fails_is_said() -> None:
    """With the application's own words."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(TargetError, match="app does not start: no database"):
        load_app(app, "app")


def test_a_startup_that_hangs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while."""
    monkeypatch.setattr("kaiko_check._asgi._START_SECONDS", 0.01)
    monkeypatch.setattr("kaiko_check._asgi._STOP_SECONDS", 0.01)

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while True:
            await receive()

    with pytest.raises(TargetError, match="there is no answer within"):
        load_app(app, "app")


@pytest.mark.parametrize("status", ["200 OK", "odd"])
def test_an_application_that_raises_is_answered_as_a_server_does(status: str) -> None:
    """With an empty-handed 500: before the answer, and where the status is none."""

    def app(_environ: Any, start: Any) -> Any:
        start(status, [])
        if status == "odd":
            return []
        raise RuntimeError

    report = run_check(load_app(app, "app"), Options(openapi=""))
    found = {finding.clause.id for finding in report.findings}
    assert {"envelope.json", "id.header"} <= found
    assert report.findings[0].answer.startswith("HTTP 500\n")


def test_a_wsgi_answer_that_is_cut_is_seen() -> None:
    """And its iterable is closed all the same."""
    closed: list[bool] = []

    class Chunks:
        def __iter__(self) -> Any:
            yield b'{"error"'
            raise RuntimeError

        def close(self) -> None:
            closed.append(True)

    def app(_environ: Any, start: Any) -> Any:
        start("404 Not Found", [])
        return Chunks()

    report = run_check(load_app(app, "app"), Options(openapi=""))
    assert "answer.whole" in {finding.clause.id for finding in report.findings}
    assert len(closed) == report.sent


def test_what_is_no_http_is_said() -> None:
    """A port may be another protocol's; and a host may not exist."""
    address = Address("127.0.0.1", 9, "127.0.0.1:9", "", tls=False)
    answer = send_alone(address, Request("HEAD", "/"), Limits(1))
    assert answer.status == 0
    assert "ConnectionRefusedError" in answer.note


# --- streams ---------------------------------------------------------------------------


def streamed(kind: str, body: bytes, status: int = 200) -> set[str]:
    """The clauses that a stream breaks."""

    async def send_stream(scope: dict[str, Any], send: Any, request_id: str) -> bool:
        if scope["path"] != "/events":
            return False
        headers = (("X-Request-ID", request_id), ("Content-Type", kind))
        await raw_apps.start(send, status, *headers)
        await raw_apps.body(send, body.replace(b"ID", request_id.encode()))
        return True

    target = load_app(raw_apps.raw(send_stream), "raw")
    skip = frozenset(KINDS.keys() - {"streams"})
    report = run_check(target, Options(openapi="", streams=("/events",), skip=skip))
    target.close()
    return {finding.clause.id for finding in report.findings}


ERROR = GOOD.body.replace(b"req-0123456789", b"ID")


@pytest.mark.parametrize(
    ("kind", "body", "broken"),
    [
        ("text/event-stream", b"data: 1\n\n", set[str]()),
        ("text/event-stream", b"event: error\r\ndata: " + ERROR + b"\r\n\r\n", set()),
        ("text/event-stream", b"event: error\ndata: " + ERROR + b"\n", {"stream.ended"}),
        ("application/x-ndjson", b'{"a":1}\n' + ERROR + b"\n", set()),
        ("application/jsonl", b'{"a":1}\n{"b"', {"stream.ended"}),
        ("application/jsonl", ERROR + b'\n{"a":1}\n', {"stream.last"}),
        ("application/jsonl", b'{"error":"x"}\n', {"stream.envelope"}),
        ("text/plain", b"anything", set()),
    ],
)  # fmt: skip
def test_a_stream_is_judged_by_its_kind(kind: str, body: bytes, broken: set[str]) -> None:
    """Events by their error event, lines by their last line."""
    assert streamed(kind, body) == broken


def test_a_stream_that_is_refused_is_an_error() -> None:
    """Like any other."""
    assert "envelope.json" in streamed("text/plain", b"no", status=404)


def test_a_page_shows_what_an_answer_says() -> None:
    """Though it is Markdown itself."""

    def app(_environ: Any, start: Any) -> Any:
        start("404 Not Found", [("X", "*a* | `b`")])
        return [b"```\n# Not a heading\n```"]

    report = run_check(load_app(app, "a_b"), Options(openapi=""))
    page = as_markdown(report, level=3)
    assert page.startswith("### a\\_b\n")
    assert "\n````text\n$ curl" in page

"""Runs the code blocks of pages, each in a process of its own: `run_page.py PAGE...`.

Pages define error codes and configure Django, which a process can do only once, so each
page gets a process. The blocks of a page share one namespace and run from top to bottom:

- `python` blocks are executed; those that begin with `>>>` are compared with their output;
- `json` blocks are parsed, and one with an `error` must be an envelope;
- `http` blocks come in pairs. The request goes to the page's `app` (the demo on Starlette
  where the page defines none), and what comes back must be what the second block shows:
  the status, every header but the length, the body.

`docs/examples` is on the path: the pages import what they include.
"""

from __future__ import annotations

import doctest
import importlib
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sybil import Sybil
from sybil.example import SybilFailure
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

from kaiko_middleware import ErrorEnvelope
from kaiko_middleware.conformance import check_answer
from support_program import run_apart

if TYPE_CHECKING:
    from starlette.testclient import TestClient
    from sybil import Example

DOCS = Path(__file__).resolve().parents[2] / "docs"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What many pages import is loaded once, before the process forks.
LOADED = ("django.http", "fastapi", "starlette.testclient")
MOMENT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def read_json(example: Example) -> str | None:
    """Parse a block; an error in it must be an envelope."""
    data = json.loads(str(example.parsed))
    if isinstance(data, dict) and "error" in data and not ErrorEnvelope.parse(json.dumps(data)):
        return "this is no envelope"
    return None


def exchange_http(example: Example) -> str | None:
    """Take a request, or compare a response with what the last request gets."""
    head, _, body = str(example.parsed).partition("\n\n")
    first, *lines = head.splitlines()
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    if not first.startswith("HTTP/1.1 "):
        method, path, _ = first.split()
        client = _client(example)
        # What a block shows has no line end after its last line; nor has what is sent.
        answer = client.request(method, path, headers=headers, content=body.strip().encode())
        example.namespace["answer"] = answer, method, headers
        return None
    answer, method, asked = example.namespace.pop("answer")
    said = {name.lower(): value for name, value in headers}
    sent = {name: value for name, value in answer.headers.items() if name != "content-length"}
    got = answer.text
    shown_id, sent_id = said.get("x-request-id", ""), sent.get("x-request-id", "")
    if re.fullmatch("req-[0-9a-f]{10}", shown_id) and re.fullmatch("req-[0-9a-f]{10}", sent_id):
        sent["x-request-id"] = shown_id
        got = got.replace(sent_id, shown_id)
    status = int(first.split()[1])
    broken = check_answer(
        answer.status_code,
        answer.headers.multi_items(),
        answer.content,
        method=method,
        request_headers=asked,
    )
    if broken:
        return "\n".join(map(str, broken))
    if status != answer.status_code or said != sent:
        return f"sent: {answer.status_code} {sent}\nshown: {status} {said}"
    if sent["content-type"] == "application/json":
        same = json.loads(got) == json.loads(body)
    else:
        same = got.rstrip() == body.rstrip()
    return None if same else f"sent: {got}\nshown: {body}"


def _client(example: Example) -> TestClient:
    from starlette.testclient import TestClient

    if "app" not in example.namespace:
        from kaiko_demo.clock import frozen
        from kaiko_demo.guards import demo_guards
        from kaiko_demo.llm import DownLlm
        from kaiko_demo.seed import demo_service
        from kaiko_demo.starlette_app import create_app

        service = demo_service(clock=frozen(MOMENT), new_id=lambda: "ctx_7f3a", llm=DownLlm())
        example.namespace["app"] = create_app(service, demo_guards(clock=lambda: 0.0))
    return TestClient(example.namespace["app"], raise_server_exceptions=False)


def run(page: Path) -> list[str]:
    """Run a page; return what went wrong."""
    sybil = Sybil(
        [
            PythonCodeBlockParser(doctest_optionflags=OPTIONS),
            CodeBlockParser("json", read_json),
            CodeBlockParser("http", exchange_http),
            SkipParser(),
        ]
    )
    document = sybil.parse(page)
    document.namespace["__name__"] = "__main__"  # as where a reader types it
    failures: list[str] = []
    for example in document.examples():
        try:
            example.evaluate()
        except SybilFailure as failure:
            failures.append(str(failure))
        except Exception as exc:  # noqa: BLE001 - a page's code may raise anything
            failures.append(f"{page}:{example.line}: {type(exc).__name__}: {exc}")
    return failures


def told(page: str) -> str:
    """Run a page; return what went wrong, as text."""
    return "\n\n".join(run(Path(page)))


def main(pages: list[str]) -> None:
    """Print, as JSON, what went wrong on each page."""
    sys.path.insert(0, str(DOCS / "examples"))
    for name in LOADED:
        importlib.import_module(name)
    sys.stdout.write(json.dumps({page: run_apart(told, page) for page in pages}))


if __name__ == "__main__":
    main(sys.argv[1:])

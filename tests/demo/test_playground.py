"""The server of the page: what it shows, what it sends, and whom it refuses."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from kaiko_cli import playground_app
from kaiko_cli.firing import Address, CutOffError, SharedClock
from kaiko_cli.playground import by_name, groups, slug
from kaiko_cli.playground_app import create_app
from kaiko_cli.playground_settings import Settings
from kaiko_demo import CAUSES
from kaiko_middleware import NotFoundError, ServerError, render
from kaiko_middleware.catalog import ROWS
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


PORT = 4711
OWN = f"http://127.0.0.1:{PORT}"
KEY = "kaiko_live_DemoDemoDemo0001"
EXPIRED = "expired-context"
CUT = "plain-text-breaks"
RECORD = "2026-11-22 10:00:00,{} {} {} [{}] {}\n"
ONE, TWO = "req-0000000001", "req-0000000002"


class FakeStack:
    """A server that answers everything alike, with an id of its own each time."""

    def __init__(self, answer: Callable[[str], tuple[int, list[tuple[str, str]], bytes]]) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        number = iter(range(1, 1000))
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers["Content-Length"] or 0)
                raw = self.rfile.read(size)
                asked.append((self.command, self.path, dict(self.headers), raw))
                status, headers, body = answer(f"req-{next(number):010x}")
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            do_POST = do_GET  # noqa: N815 - http.server's name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Close it; a second time does nothing."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def expired(request_id: str, message: str = "Context 'ctx_yesterday' has expired") -> Any:
    error = NotFoundError(message, code="context_not_found", param="context_id")
    status, headers, body = render(error, request_id)
    return status, list(headers), body


def other_text(request_id: str) -> Any:
    return expired(request_id, "Context 'ctx_yesterday' is gone")


def other_header(request_id: str) -> Any:
    status, headers, body = expired(request_id)
    return status, [pair for pair in headers if pair[0] != "X-Should-Retry"], body


def other_spaces(request_id: str) -> Any:
    status, headers, body = expired(request_id)
    spaced = body.replace(b'"param":', b'"param": ')
    kept = [pair for pair in headers if pair[0] != "Content-Length"]
    return status, [*kept, ("Content-Length", str(len(spaced)))], spaced


def in_chunks(*pieces: bytes, whole: bool) -> Callable[[str], Any]:
    def answer(request_id: str) -> Any:
        headers = [("X-Request-ID", request_id), ("Content-Type", "text/plain; charset=utf-8")]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        end = b"0\r\n\r\n" if whole else b""
        return 200, [*headers, ("Transfer-Encoding", "chunked")], body + end

    return answer


def too_short(request_id: str) -> Any:
    headers = [("X-Request-ID", request_id), ("Content-Type", "text/plain; charset=utf-8")]
    return 200, [*headers, ("Content-Length", "100")], b"joy\n"


class Page:
    """The page over fake stacks, and a client of it."""

    def __init__(self, stacks: dict[str, FakeStack], folder: Path) -> None:
        self.stacks = stacks
        self.logs = folder
        addresses = [Address(name, name.title(), stack.port) for name, stack in stacks.items()]
        behind = [Address("llm", "LLM provider", 1)]
        self.settings = Settings(addresses, behind, folder, folder / "clock")
        self.client = TestClient(create_app(self.settings, PORT), base_url=OWN)

    def post(self, path: str, **body: object) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def page_of(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Make the page over one fake stack for each of the answers."""
    with contextlib.ExitStack() as cleanup:

        def make(**answers: Callable[[str], Any]) -> Page:
            stacks = {name: FakeStack(answer) for name, answer in answers.items()}
            for stack in stacks.values():
                cleanup.callback(stack.close)
            page = Page(stacks, tmp_path)
            cleanup.enter_context(page.client)
            return page

        yield make


@pytest.fixture
def page(page_of: Callable[..., Page]) -> Page:
    return page_of(one=expired, two=expired)


def marked(said: Any) -> list[list[str]]:
    """What is marked as different in each body."""
    return [
        [piece for piece, mark in answer["body"] if mark == "differs"] for answer in said["answers"]
    ]


def parts(answers: list[Any], name: str) -> list[Any]:
    """What is marked in each answer's header."""
    return [
        (header["value"], header["mark"])
        for answer in answers
        for header in answer["headers"]
        if header["name"] == name
    ]


# --- what it shows -------------------------------------------------------------------


def test_every_cause_is_in_one_group_and_every_row_has_some() -> None:
    """A person finds each of them, under its row."""
    found = [cause for group in groups() for cause in group.causes]
    assert len(found) == len({slug(cause) for cause in found}) == len(by_name())
    assert set(map(slug, CAUSES)) < {slug(cause) for cause in found}
    rows = {group.row: group.causes for group in groups() if group.row}
    assert list(rows) == [row.status for row in ROWS]
    assert all(rows.values())


def test_the_overview_has_the_rows_the_stacks_and_a_curl_line_for_each(page: Page) -> None:
    """The stacks are what the command says; the page knows none by itself."""
    said = page.get("/overview")
    assert [stack["name"] for stack in said["stacks"]] == ["one", "two"]
    assert [row["status"] for row in said["rows"]] == [row.status for row in ROWS]
    assert {(row["type"], row["code"]) for row in said["rows"]} == {
        (row.type, row.example) for row in ROWS
    }
    assert all(row["meaning"] and row["resolution"] for row in said["rows"])
    causes = [cause for group in said["groups"] for cause in group["causes"]]
    for stack in said["stacks"]:
        for cause in causes:
            assert f"{stack['url']}{cause['path']}" in cause["curl"][stack["name"]]
    (large,) = (cause for cause in causes if cause["slug"] == "body-too-large")
    assert len(large["body"]) < 300
    assert "bytes)" in large["body"]


def test_equal_answers_are_the_same_and_their_ids_are_marked(page: Page) -> None:
    """JSON is laid out for people."""
    said = page.post("/fire", cause=EXPIRED)
    assert (said["same"], said["wrong"], said["differs"]) == (True, [], [])
    assert [answer["stack"] for answer in said["answers"]] == ["one", "two"]
    for answer in said["answers"]:
        assert answer["id"] == "req-0000000001"
        assert [piece for piece, mark in answer["body"] if mark == "id"] == [answer["id"]]
        assert "\n" in answer["body"][0][0]
    assert parts(said["answers"], "X-Request-ID") == [("req-0000000001", "id")] * 2
    others = {name.lower() for name, _ in said["answers"][0]["others"]}
    assert others == {"server", "date"}


def test_the_request_is_that_of_the_cause(page: Page) -> None:
    """Once to each stack, with its headers."""
    page.post("/fire", cause=EXPIRED)
    for stack in page.stacks.values():
        ((method, path, headers, body),) = stack.asked
        assert (method, path, body) == ("GET", "/v2/contexts/ctx_yesterday", b"")
        assert headers["x-api-key"] == KEY


@pytest.mark.parametrize("path", ["/fire", "/streams"])
def test_what_comes_before_a_cause_is_sent_first(page: Page, path: str) -> None:
    """To each stack, for an answer and for a stream."""
    page.post(path, cause="external-id-taken")
    for stack in page.stacks.values():
        first, second = stack.asked
        assert first == second
        assert first[1] == "/v2/contexts/ctx_demo/messages"


def test_a_body_that_ends_with_the_id_is_marked(page_of: Callable[..., Page]) -> None:
    """Whatever it is."""

    def only_id(request_id: str) -> Any:
        length = ("Content-Length", str(len(request_id)))
        return 404, [("X-Request-ID", request_id), length], request_id.encode()

    (answer,) = page_of(one=only_id).post("/fire", cause=EXPIRED)["answers"]
    assert answer["body"] == [[answer["id"], "id"]]


def test_a_body_that_differs_is_marked_where_it_differs(page_of: Callable[..., Page]) -> None:
    """In the bytes as they were sent."""
    said = page_of(one=expired, two=other_text).post("/fire", cause=EXPIRED)
    assert not said["same"]
    assert said["differs"] == ["body", "Content-Length"]
    assert marked(said) == [["has expired"], ["is gone"]]
    whole = "".join(piece for piece, _ in said["answers"][0]["body"])
    assert json.loads(whole)["error"]["code"] == "context_not_found"
    assert "\n" not in whole
    assert parts(said["answers"], "Content-Length")[0][1] == "differs"


def test_white_space_that_differs_is_marked_too(page_of: Callable[..., Page]) -> None:
    """Laid out, the bodies would look the same; and nothing is said to be nothing."""
    said = page_of(one=expired, two=other_spaces).post("/fire", cause=EXPIRED)
    assert marked(said) == [["(nothing)"], [" "]]


def test_a_header_that_differs_is_marked(page_of: Callable[..., Page]) -> None:
    """One that is absent, on both sides."""
    said = page_of(one=expired, two=other_header).post("/fire", cause=EXPIRED)
    assert parts(said["answers"], "X-Should-Retry") == [("false", "differs"), (None, "differs")]
    assert said["wrong"] == [
        "two: X-Should-Retry is absent, not false",
        *[line for line in said["wrong"] if "section 4" in line],
    ]


def test_a_status_that_differs_is_marked(page_of: Callable[..., Page]) -> None:
    """And is wrong."""

    def failing(request_id: str) -> Any:
        status, headers, body = render(ServerError(), request_id)
        return status, list(headers), body

    said = page_of(one=expired, two=failing).post("/fire", cause=EXPIRED)
    assert [answer["differs"] for answer in said["answers"]] == [["status"], ["status"]]
    assert "two: the status is 500, not 404" in said["wrong"]


def test_a_stack_that_is_gone_is_shown_as_such(page: Page) -> None:
    """No error of the page's: the others have answered."""
    page.stacks["two"].close()
    said = page.post("/fire", cause=EXPIRED)
    gone = said["answers"][1]
    assert (gone["status"], gone["id"]) == (0, "")
    assert "ConnectionRefused" in gone["broken"]
    assert said["answers"][0]["status"] == 404
    opened = page.post("/streams", cause=CUT)
    assert opened["streams"]["two"]["status"] == 0
    assert page.client.get(f"/streams/{opened['name']}/two").content == b""
    line = page.post("/time-line", cause=EXPIRED, stack="two")
    assert line["steps"][0]["text"] == "Attempt 1: no answer."


# --- streams -------------------------------------------------------------------------


def test_a_stream_comes_as_it_is_and_is_judged_at_its_end(page_of: Callable[..., Page]) -> None:
    """The same bytes, by a connection for each stack."""
    page = page_of(one=in_chunks(b"joy\n", b"sad\n", whole=True))
    opened = page.post("/streams", cause=CUT)
    assert opened["streams"]["one"]["status"] == 200
    early = page.client.get(f"/streams/{opened['name']}")
    assert early.json()["error"]["code"] == "stream_still_open"
    answer = page.client.get(f"/streams/{opened['name']}/one")
    assert answer.content == b"joy\nsad\n"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    said = page.get(f"/streams/{opened['name']}")
    assert said["wrong"] == [
        "one: the answer ends as if it were whole",
        *[line for line in said["wrong"] if "whole" not in line],
    ]
    assert page.client.get(f"/streams/{opened['name']}/one").content == b""


@pytest.mark.parametrize("cut", [in_chunks(b"joy\n", whole=False), too_short])
def test_a_stream_that_is_cut_off_is_cut_off_here_too(
    page_of: Callable[..., Page], cut: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the browser sees what every client would; it never looks whole."""
    monkeypatch.setattr(playground_app, "_BEFORE_CUT", 0)
    page = page_of(one=cut)
    opened = page.post("/streams", cause=CUT)
    with pytest.raises(CutOffError):
        page.client.get(f"/streams/{opened['name']}/one")
    (answer,) = page.get(f"/streams/{opened['name']}")["answers"]
    assert answer["broken"] == "the answer was cut off"
    assert answer["body"] == [["joy\n", None]]


def test_streams_are_forgotten_in_time(page_of: Callable[..., Page]) -> None:
    """A name that is unknown or old is a 404."""
    page = page_of(one=in_chunks(b"joy\n", whole=True))
    first, *_ = [page.post("/streams", cause=CUT)["name"] for _ in range(17)]
    for path in (f"/streams/{first}", f"/streams/{first}/one", "/streams/x/one"):
        answer = page.client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "stream_not_found")


# --- the time line -------------------------------------------------------------------


def test_the_time_line_is_of_the_last_answer(page: Page) -> None:
    """It sends the cause only if that was not sent before."""
    line = page.post("/time-line", cause=EXPIRED, stack="one")
    assert [step["kind"] for step in line["steps"]] == ["attempt", "end"]
    page.post("/time-line", cause=EXPIRED, stack="two", seconds=3, failures=1, has_key=True)
    assert [len(stack.asked) for stack in page.stacks.values()] == [1, 1]


def test_an_outage_uses_the_budget_up_until_it_is_filled(page_of: Callable[..., Page]) -> None:
    """All calls of the page share it."""

    def failing(request_id: str) -> Any:
        status, headers, body = render(ServerError(), request_id)
        return status, list(headers), body

    page = page_of(one=failing)
    calls = page.post("/outage", cause="a-bug", stack="one")["calls"]
    reasons = [call["steps"][-1]["reason"] for call in calls]
    assert reasons == ["attempts"] * 17 + ["budget"] * 23
    assert page.get("/overview")["tokens"] == 500 - 35 * 14
    assert page.post("/budget") == {"tokens": 500}


# --- the logs ------------------------------------------------------------------------


def test_records_of_an_id_come_from_every_log_by_time(page: Page) -> None:
    """With the lines that follow a record, and without those of anybody else."""
    (page.logs / "one.log").write_text(
        "INFO:     a line of uvicorn\n"
        "\x1b[31mno record\n"
        + RECORD.format("300", "ERROR", "kaiko.unmapped", ONE, "GET / -> 500 [x]")
        + "KeyError: 'x'\n  one.py:1 in f\n"
        + "ERROR:    Exception in ASGI application\nTraceback\n"
        + RECORD.format("400", "INFO", "kaiko", TWO, f"mentions {ONE}")
        + "  two.py:1\n"
    )
    (page.logs / "llm.log").write_bytes(
        RECORD.format("200", "INFO", "kaiko_demo.asked", ONE, "for gpt-4").encode() + b"\xff\n"
    )
    said = page.get(f"/records?id={ONE}")
    assert [(each["service"], each["at"][-3:], each["level"]) for each in said["records"]] == [
        ("llm", "200", "INFO"),
        ("one", "300", "ERROR"),
    ]
    assert said["records"][1]["more"] == ["KeyError: 'x'", "  one.py:1 in f"]
    assert said["records"][1]["message"] == "GET / -> 500 [x]"


def test_a_long_traceback_is_shortened(page: Page) -> None:
    """A log may hold anything after a record."""
    (page.logs / "one.log").write_text(
        RECORD.format("300", "ERROR", "kaiko", ONE, "x") + "  line\n" * 1000
    )
    ((record,),) = (page.get(f"/records?id={ONE}")["records"],)
    assert len(record["more"]) == 60


@pytest.mark.parametrize("asked", ["", "?id=", "?id=%0A", "?id=%5Bx%5D", "?id=" + "a" * 129])
def test_what_is_no_id_is_a_400(page: Page, asked: str) -> None:
    """It never gets near a file."""
    answer = page.client.get(f"/records{asked}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "id")


@pytest.mark.parametrize("unknown", ["req-ffffffffff", "../../etc/passwd", "page.log"])
def test_an_unknown_id_has_no_records(page: Page, unknown: str) -> None:
    """That is an answer, not an error; and an id is never the name of a file."""
    assert page.get(f"/records?id={unknown}")["records"] == []


# --- whom it refuses -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "attacker.example"}, "foreign_origin"),
        ({"Host": f"attacker.example:{PORT}"}, "foreign_origin"),
        ({"Host": "127.0.0.1"}, "foreign_origin"),
        ({"Origin": "https://attacker.example"}, "foreign_origin"),
        ({"Origin": "null"}, "foreign_origin"),
        ({"Origin": f"http://localhost:{PORT}"}, "foreign_origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "foreign_origin"),
        ({"Sec-Fetch-Site": "same-site"}, "foreign_origin"),
        ({"Content-Type": "text/plain"}, "unsupported_media_type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "unsupported_media_type"),
    ],
)
def test_another_sites_request_is_refused(page: Page, headers: dict[str, str], code: str) -> None:
    """Neither a rebound name nor a form of another site sends anything."""
    sent = {"Content-Type": "application/json", **headers}
    answer = page.client.post("/fire", content=f'{{"cause": "{EXPIRED}"}}', headers=sent)
    assert answer.json()["error"]["code"] == code
    assert [stack.asked for stack in page.stacks.values()] == [[], []]
    assert check_answer(answer.status_code, answer.headers.items(), answer.content) == []


@pytest.mark.parametrize("path", ["/", "/overview", "/records?id=x", "/streams/x/one"])
def test_a_rebound_name_reads_nothing(page: Page, path: str) -> None:
    """Not even the page."""
    assert page.client.get(path, headers={"Host": "attacker.example"}).status_code == 403


def test_a_link_of_another_site_leads_to_the_page_alone(page: Page) -> None:
    """Which is the same for everybody."""
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert page.client.get("/", headers=headers).status_code == 200
    assert page.client.get("/overview", headers=headers).status_code == 403


@pytest.mark.parametrize("name", [f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"127.0.0.1:{PORT}"])
def test_its_own_names_are_answered(page: Page, name: str) -> None:
    """With the origin of the same name."""
    headers = {"Host": name, "Origin": f"http://{name}"}
    assert page.client.post("/budget", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/fire", {"cause": "http://attacker.example/"}, 404, "cause_not_found"),
        ("/fire", {"cause": "Expired context"}, 404, "cause_not_found"),
        ("/fire", {"cause": EXPIRED, "url": "http://attacker.example/"}, 400, "unknown_field"),
        ("/fire", {}, 400, "missing_field"),
        ("/fire", {"cause": "x" * 5000}, 413, "payload_too_large"),
        ("/streams", {"cause": "../etc"}, 404, "cause_not_found"),
        ("/time-line", {"cause": EXPIRED, "stack": "llm"}, 422, "invalid_stack"),
        ("/time-line", {"cause": EXPIRED, "stack": "one", "seconds": 1e9}, 422, "invalid_seconds"),
        ("/outage", {"cause": EXPIRED, "stack": "nowhere"}, 422, "invalid_stack"),
        ("/overview", {}, 405, "method_not_allowed"),
        ("/static/../../../etc/passwd", {}, 404, "not_found"),
    ],
)
def test_only_causes_of_the_list_are_sent(
    page: Page, path: str, body: dict[str, object], status: int, code: str
) -> None:
    """It is no proxy; and its own errors are envelopes."""
    answer = page.client.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert check_answer(answer.status_code, answer.headers.items(), answer.content) == []
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_policy_allows_the_one_script_and_the_one_style(page: Page) -> None:
    """By their hashes; and sockets to the stacks alone."""
    answer = page.client.get("/")
    policy = dict(
        each.split(" ", 1) for each in answer.headers["Content-Security-Policy"].split("; ")
    )
    for tag in ("script", "style"):
        (text,) = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    sockets = [f"ws://127.0.0.1:{stack.port}" for stack in page.stacks.values()]
    assert policy["connect-src"].split() == ["'self'", *sockets]
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_loads_nothing_and_reads_no_text_as_markup(page: Page) -> None:
    """One file; `innerHTML` and its like are not in it."""
    text = page.client.get("/").text
    assert re.findall(r"(?:src|href)=\"(?!#|data:)", text) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text) == []
    assert re.findall(r"\son\w+=\"|\sstyle=\"|@import|\burl\(", text) == []


# --- the clock -----------------------------------------------------------------------


def test_the_clock_stands_still_while_a_cause_is_sent(tmp_path: Path) -> None:
    """All stacks read the same moment, and a later one next time."""
    file = tmp_path / "clock"
    clock = SharedClock(file)
    with clock.standing_still():
        first = file.read_text()
        clock.tick()
        assert file.read_text() == first
    clock.tick()
    assert file.read_text() > first


def test_the_clock_ticks_while_the_page_is_served(page: Page) -> None:
    """Also where nobody sends anything."""
    page.get("/overview")
    assert (page.logs / "clock").read_text()


def test_the_settings_survive_the_way_to_the_process(page: Page) -> None:
    """As text in a variable."""
    assert Settings.from_json(page.settings.to_json()) == page.settings


def test_the_page_is_served_on_this_machine_only(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process binds the loopback address, and passes the port on."""
    bound: list[Any] = []
    monkeypatch.setenv("KAIKO_DEMO_PLAYGROUND", page.settings.to_json())
    monkeypatch.setattr("uvicorn.Server.run", lambda _, sockets: bound.extend(sockets))
    monkeypatch.setattr("kaiko_demo.serve._stop_at_eof", lambda: None)
    monkeypatch.setattr("kaiko_demo.serve._log", lambda: None)
    playground_app.main()
    (listener,) = bound
    assert isinstance(listener, socket.socket)
    assert listener.getsockname()[0] == "127.0.0.1"
    listener.close()

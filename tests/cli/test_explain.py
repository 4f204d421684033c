"""`kaiko-middleware explain`: what it means, whose fault, whether to retry, what to do."""

from __future__ import annotations

import gzip
import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from cli.shop_files import SHOP, command, write
from kaiko_cli import main
from kaiko_cli.advice import ANY_METHOD, category_of_curl, fault_of
from kaiko_cli.catalogue import Catalogue, Entry
from kaiko_cli.catalogue_formats import as_json
from kaiko_cli.explain import toolkit
from kaiko_cli.explain_answer import explain_answer
from kaiko_cli.saved_answer import READ_LIMIT, read_answer
from kaiko_httpx import _policy
from kaiko_middleware import (
    ForbiddenError,
    KaikoError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
    render,
)
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from pathlib import Path

    from kaiko_cli.explanation import Explanation

LOST = Entry(
    code="explain_lost",
    statuses=(404,),
    type="not_found_error",
    retry=False,
    message="It is lost",
    param="thing",
    resolution="Look in the \x1b[31mcellar.",
    description="For developers.",
    defined=("shop.errors:Lost",),
    exceptions=("builtins:KeyError",),
)
OTHERS = (
    LOST.model_copy(update={"code": "explain_either", "retry": True}),
    LOST.model_copy(update={"code": "explain_either", "description": ""}),
)
CATALOGUE = Catalogue(service="shop", codes=(LOST, *OTHERS))
ID = "req-0123456789"


@pytest.fixture
def catalogue(tmp_path: Path) -> str:
    path = tmp_path / "codes.json"
    path.write_text(as_json(CATALOGUE))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main.main(["explain", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def saved(error: KaikoError, **changes: str) -> bytes:
    """An answer as `curl -i` prints it; a header may be changed."""
    status, headers, body = render(error, ID)
    shown = {**dict(headers), **changes}
    lines = [f"HTTP/1.1 {status} No", *(f"{name}: {value}" for name, value in shown.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def explained(raw: bytes) -> Explanation:
    return explain_answer(read_answer(raw), CATALOGUE.joined_with(toolkit()))


# --- codes and statuses --------------------------------------------------------------


def test_a_code_of_a_service_is_explained(
    catalogue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """From its catalogue; what controls a terminal is escaped."""
    code, out, err = run(capsys, "explain_lost", "--catalog", catalogue)
    assert (code, err) == (0, "")
    assert out == (
        "explain_lost: 404 not_found_error\n"
        "\n"
        "What it means     It is lost\n"
        "Whose fault       the caller's: what the request names is not there\n"
        "Retry             no: the same request fails again\n"
        "What to do        Look in the \\x1b[31mcellar.\n"
        "Param             thing\n"
        "Description       For developers.\n"
        "Defined in        shop.errors:Lost\n"
        "Mapped from       builtins:KeyError\n"
    )


def test_a_code_that_is_retried_now_and_then_says_so(
    catalogue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer itself tells."""
    _, out, _ = run(capsys, "explain_either", "--catalog", catalogue, "--format", "json")
    told = json.loads(out)
    assert (told["kaiko_explain"], told["retry"]) == (1, None)
    assert told["advice"] == "X-Should-Retry of the answer says"


def test_a_code_of_validation_is_explained_without_a_catalogue(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its name says which field."""
    code, out, _ = run(capsys, "invalid_explain_role")
    assert code == 0
    assert "'explain_role' has an invalid value" in out


def test_a_code_with_many_statuses_says_their_range(capsys: pytest.CaptureFixture[str]) -> None:
    """Not each."""
    _, out, _ = run(capsys, "request_rejected")
    assert out.startswith("request_rejected: 419 to 499 invalid_request_error\n")


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_is_explained(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What it becomes, and what it means from an upstream."""
    code, out, _ = run(capsys, str(status), "--format", "json")
    told = json.loads(out)
    assert code == 0
    row = STATUSES.get(status)
    assert told["retry"] is (None if row is None else row.retryable)
    assert ("fault" in told) is (row is not None)
    error = Upstream("any").error_from_response(status, (), b"", expects="any")
    if error is None:
        assert "upstream" not in told
    else:
        assert f"your callers get {error.status} {error.code}" in told["upstream"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "explain_lots",
            "explain_lots is no code of shop; close are explain_lost, explain_either; --catalog",
        ),
        ("qqqq", "qqqq is no code of shop; --catalog names"),
        ("No-Code", "No-Code is no code, no status, and no file that is there"),
        ("600", "600 is no code, no status, and no file that is there"),
        ("\x1b[1m", "\\x1b[1m is no code, no status, and no file that is there"),
        ("a\x00b", "a\\x00b is no code, no status, and no file that is there"),
        ("/", "/ cannot be read: "),
    ],
)
def test_what_cannot_be_explained_is_a_sentence(
    catalogue: str, capsys: pytest.CaptureFixture[str], word: str, said: str
) -> None:
    """On standard error; exit code 1."""
    code, out, err = run(capsys, word, "--catalog", catalogue)
    assert (code, out) == (1, "")
    assert err.startswith(said)


def test_the_codes_of_a_service_that_is_imported_are_known(tmp_path: Path) -> None:
    """A module that fails is named, and the others are read."""
    write(tmp_path, {**SHOP, "shop/late.py": "import no_such_module"})
    done = command("explain", "order_not_found", "--catalog", "shop", cwd=tmp_path)
    assert done.returncode == 0
    assert "shop.errors:OrderNotFound" in done.stdout
    assert "shop.late cannot be imported" in done.stderr


def test_a_file_of_the_name_of_a_code_is_named_with_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code wins."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "timeout").write_bytes(saved(NotFoundError()))
    assert run(capsys, "timeout")[1].startswith("timeout: 503")
    assert run(capsys, "./timeout")[1].startswith("404 not_found_error")


# --- answers -------------------------------------------------------------------------


def test_an_answer_of_the_contract_is_explained() -> None:
    """With what it says itself, and what the catalogue says of its code."""
    error = NotFoundError("Lost ctx_1", code="explain_lost", param="context_id")
    found = explained(saved(error))
    assert found.title == "404 not_found_error, code explain_lost"
    assert found.retry is False
    assert found.facts == {
        "meaning": "It is lost",
        "fault": "the caller's: what the request names is not there",
        "advice": "no: the same request fails again",
        "todo": "Look in the \x1b[31mcellar.",
        "said": "Lost ctx_1",
        "param": "context_id",
        "request_id": ID,
        "defined": ["shop.errors:Lost"],
        "exceptions": ["builtins:KeyError"],
        "notes": [],
    }


@pytest.mark.parametrize(
    ("error", "fault", "advice"),
    [
        (RateLimitError(retry_after=7), "nobody's: there is a limit", "yes, after 7 s: with"),
        (RateLimitError(retry_after=90), "nobody's: there is a limit", "yes, after 90 s (too long"),
        (ServerError(), "the service's: something that nobody expected", "yes: with"),
        (ServerError(retryable=False), "the service's: something that it calls", "no: the same"),
        (ServiceUnavailableError(), "the service's, or that of something it calls", "yes: with"),
        (ForbiddenError(retryable=True), "nobody's: it came at the wrong time", "yes: with"),
    ],
)
def test_whose_fault_it_is_and_whether_to_retry(error: KaikoError, fault: str, advice: str) -> None:
    """By status, type and header."""
    facts = explained(saved(error)).facts
    assert str(facts["fault"]).startswith(fault)
    assert str(facts["advice"]).startswith(advice)


def test_a_code_that_nobody_knows_is_explained_by_its_status() -> None:
    """And how to make it known."""
    facts = explained(saved(NotFoundError(code="explain_unknown"))).facts
    assert facts["meaning"] == (
        "The resource was not found (--catalog names a service that has the code)"
    )
    assert facts["todo"] == "Check the path and the identifiers in the request."


def test_a_key_in_an_answer_is_not_shown() -> None:
    """It is said to be there."""
    raw = saved(NotFoundError("x" * 22)).replace(b"x" * 22, b"kaiko_live_0123456789a")
    facts = explained(raw).facts
    assert facts["said"] == "kaiko_live_***"
    assert any("section 6" in note for note in facts["notes"])


def test_what_is_against_the_contract_is_said() -> None:
    """Once for each rule, at most eight; and a retry that the catalogue does not have."""
    raw = saved(NotFoundError(code="explain_lost"), **{"X-Should-Retry": "true", "ETag": "a"})
    found = explained(raw)
    assert found.retry is True
    assert found.facts["notes"] == [
        "against the contract: section 4, stale-header: etag describes a body that was replaced",
        "X-Should-Retry differs from the catalogue, and counts",
    ]


def test_an_answer_that_is_cut_off_is_not_blamed_on_the_service() -> None:
    """It is said to be cut off."""
    raw = saved(NotFoundError(), **{"Content-Length": "999"})
    notes = explained(raw).facts["notes"]
    assert [each.partition(" of ")[2] for each in notes] == ["999 bytes"]


@pytest.mark.parametrize(
    "stream",
    [
        b"Content-Type: text/event-stream\r\n\r\ndata: 1\n\nevent: error\ndata: %s\n\n",
        b"Content-Type: application/x-ndjson\r\n\r\n{}\n%s\n",
    ],
    ids=["events", "lines"],
)
def test_the_error_at_the_end_of_a_stream_is_explained(stream: bytes) -> None:
    """The status of the stream is that of a success."""
    body = render(ServiceUnavailableError(), ID).body
    found = explained(b"HTTP/1.1 200 OK\r\nX-Request-ID: " + ID.encode() + b"\r\n" + stream % body)
    assert found.title == "503 server_error, code service_unavailable inside a 200"
    assert found.facts["notes"] == []


def test_a_body_alone_is_explained() -> None:
    """With the advice to save the head, too."""
    found = explained(render(NotFoundError(), ID).body)
    assert found.title == "404 not_found_error, code not_found"
    assert found.facts["notes"] == [
        "there is no head: save the answer with its headers, as curl -i does"
    ]


def test_the_answer_to_head_is_explained_by_its_headers() -> None:
    """There is no body to tell a code."""
    raw = saved(RateLimitError(retry_after=3)).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    found = explained(raw)
    assert found.title == "429 rate_limit_error"
    assert str(found.facts["advice"]).startswith("yes, after 3 s")
    assert found.facts["request_id"] == ID
    gateway = explained(raw.replace(b"429", b"502"))
    assert gateway.title == "502 Bad Gateway: unavailable"


def test_the_answers_before_are_told() -> None:
    """Of a proxy, a redirect."""
    found = explained(b"HTTP/1.1 100 Continue\r\n\r\n" + saved(NotFoundError()))
    assert found.facts["earlier"] == "100"


QUOTA = b'{"error": {"code": "insufficient_quota"}}'
JSON = b"200 x\r\nContent-Type: application/json\r\n\r\n"
FOREIGN: list[tuple[bytes, str, str, str, bool]] = [
    (b"502 x\r\n\r\n<p>", "502 Bad Gateway: unavailable", "the service's, or", "yes, if", True),
    (
        b"503 x\r\nRetry-After: 9\r\n\r\n",
        "503 Service Unavailable: unavailable",
        "the service's",
        "yes, after 9 s: with",
        True,
    ),
    (b'400 x\r\n\r\n{"detail": 1}', "400 Bad Request: rejected", "the sender's", "no", False),
    (b"429 x\r\n\r\n" + QUOTA, "429 Too Many Requests: account", "the key's", "no", False),
    (b"429 x\r\n\r\n", "429 Too Many Requests: throttled", "nobody's", "yes: with", True),
    (b"301 x\r\n\r\n", "301 Moved Permanently: broken", "not the caller's", "no", False),
    (JSON + b'{"error": {"code": 503}}', "200 OK: unavailable", "the service's", "yes, if", True),
    (b"599 x\r\n\r\n", "599: unavailable", "the service's", "yes, if", True),
]


def test_an_error_in_a_body_alone_is_judged_too() -> None:
    """By what it says itself; there is no status to show."""
    assert explained(QUOTA).title == "an error: account"


@pytest.mark.parametrize(
    ("raw", "title", "fault", "advice", "retry"), FOREIGN, ids=[each[1] for each in FOREIGN]
)
def test_another_service_s_error_is_judged_by_the_rules_for_upstreams(
    raw: bytes, title: str, fault: str, advice: str, retry: object
) -> None:
    """Whose fault it is, and what it becomes."""
    found = explained(b"HTTP/1.1 " + raw)
    assert (found.title, found.retry) == (title, retry)
    assert str(found.facts["fault"]).startswith(fault)
    assert str(found.facts["advice"]).startswith(advice)
    assert "if you call it with kaiko_httpx" in found.facts["answered"]


def test_what_looks_like_an_envelope_and_is_none_says_why() -> None:
    """Its type is not that of its status."""
    raw = saved(NotFoundError()).replace(b" 404 ", b" 409 ")
    found = explained(raw)
    assert found.title == "409 Conflict: rejected"
    assert any("type-of-status" in note for note in found.facts["notes"])
    other = explained(saved(NotFoundError("Said")).replace(b"Said", b"    "))
    assert other.title == "404 Not Found: rejected"


def test_another_protocol_s_error_is_named() -> None:
    """Its clients understand it."""
    raw = (
        b"HTTP/1.1 400 x\r\nContent-Type: application/json\r\nX-Request-ID: req-1\r\n\r\n"
        b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "No"}}'
    )
    facts = explained(raw).facts
    assert "JSON-RPC" in facts["meaning"]
    assert facts["request_id"] == "req-1"


def test_an_llm_s_refusal_is_told_besides() -> None:
    """What it is if the service that answered is one."""
    raw = (
        b"HTTP/1.1 400 x\r\nContent-Type: application/json\r\n\r\n"
        b'{"error": {"code": "context_length_exceeded", "message": "too long"}}'
    )
    assert str(explained(raw).facts["llm"]).startswith("413 payload_too_large: ")


def test_a_compressed_body_is_read() -> None:
    """As it was sent, or as `curl --compressed` saves it, with the header."""
    body = b'{"error": {"code": "insufficient_quota"}}'
    head = b"HTTP/1.1 429 x\r\nContent-Encoding: gzip\r\n\r\n"
    for raw in (gzip.compress(body), body):
        assert explained(head + raw).title == "429 Too Many Requests: account"


@pytest.mark.parametrize(
    ("raw", "title", "meaning"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nfine", "200 OK", "this is no error answer"),
        (b"HTTP/1.1 299 Odd\r\nX-Request-ID: a\r\n\r\n", "299", "this is no error answer"),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "304 Not Modified", "this is no error answer"),
        (b"", "no error is recognized", "there is nothing to read"),
        (b"hello", "no error is recognized", "a text that is no answer"),
        (b"{", "no error is recognized", "JSON that is no error"),
        (b"[" * 100_000, "no error is recognized", "JSON that is no error"),
        (b'{"a": 1}', "no error is recognized", "JSON that is no error"),
        (b"\x7fELF" + bytes(range(256)) * 100, "no error is recognized", "a text that is no"),
    ],
    ids=["200", "299", "304", "empty", "text", "half", "deep", "json", "binary"],
)
def test_what_is_no_error_is_said_to_be_none(raw: bytes, title: str, meaning: str) -> None:
    """Whatever it is."""
    found = explained(raw)
    assert (found.title, found.retry) == (title, None)
    assert str(found.facts["meaning"]).startswith(meaning)


def test_a_call_that_curl_did_not_finish_is_explained() -> None:
    """By what curl says."""
    found = explained(b"curl: (7) Failed to connect to 127.0.0.1 port 1\n")
    assert (found.title, found.retry) == ("no answer: unavailable", True)
    assert "notes" not in found.facts
    found = explained(b"curl: (60) SSL certificate problem\n")
    assert (found.title, found.retry) == ("no answer: broken", False)
    assert explained(b"curl: (23) Failed writing body").title == "no error is recognized"


# --- what reaches the terminal -------------------------------------------------------


def test_an_answer_is_read_from_a_file_and_from_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same is said."""
    raw = saved(NotFoundError("Lost"))
    (tmp_path / "answer.txt").write_bytes(raw)
    from_file = run(capsys, str(tmp_path / "answer.txt"))

    class Input:
        buffer = io.BytesIO(raw)

    monkeypatch.setattr("sys.stdin", Input())
    assert run(capsys, "-") == from_file
    assert "It says           Lost" in from_file[1]


def test_an_endless_file_is_read_in_part(capsys: pytest.CaptureFixture[str]) -> None:
    """There is no traceback, and no wait."""
    code, out, _ = run(capsys, "/dev/zero")
    assert code == 0
    assert f"only the first {READ_LIMIT} bytes were read" in out


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_control_character_reaches_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """Of none of the places that a service, or whoever made the file, can write to."""
    evil = "\\u001b]0;owned\\u0007\\u009b31m\\u202e\\ud800"
    body = f'{{"error": {{"code": "{evil}", "message": "{evil}", "request_id": "{evil}"}}}}'
    raw = f"HTTP/1.1 400 x\r\nX-Request-ID: \x1b[2J\r\nRetry-After: \x1b\r\n\r\n{body}"
    own = saved(NotFoundError("A")).replace(b'"A"', f'"a{evil}"'.encode())
    for text in (raw.encode(), own, b"HTTP/1.1 400 \x1b[2J\r\n\r\n\x1b[2J\xff\x07"):
        path = tmp_path / "answer"
        path.write_bytes(text)
        code, out, _ = run(capsys, str(path), "--format", form)
        assert code == 0
        assert all(char.isprintable() or char == "\n" for char in out)


def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path) -> None:
    """And no traceback."""
    (tmp_path / "answer").write_bytes(saved(NotFoundError("Größe ≥ 3")))
    done = command("explain", "./answer", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gr\\xf6\\xdfe \\u2265 3" in done.stdout


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As for a folder."""
    path = tmp_path / "answer"
    path.write_bytes(b"")
    path.chmod(0)
    assert "cannot be read: " in run(capsys, str(path))[2]


# --- the tables ----------------------------------------------------------------------


def test_the_statuses_that_any_method_repeats_are_those_of_the_client() -> None:
    """Section 11 is in the client; the words here must not say something else."""
    assert vars(_policy)["_ANY_METHOD"] == ANY_METHOD


def test_every_type_has_somebody_whose_fault_it_is() -> None:
    """For each status."""
    for row in STATUSES.values():
        for retryable in (True, False):
            assert fault_of(row.status, row.type, retryable=retryable)
    assert category_of_curl(0) is None

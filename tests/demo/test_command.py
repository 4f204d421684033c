"""`kaiko-middleware` as a person types it: the demo over real HTTP, and the catalogue."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest

from kaiko_cli import demo, main, serving
from kaiko_cli.playground import by_name
from kaiko_cli.processes import STACKS, Demo, Service, Stack, StartError, running
from kaiko_cli.wire import Received, send
from kaiko_demo import CAUSES, Cause, Request, seed
from kaiko_demo.faults import PROVIDER_KEY
from kaiko_middleware.catalog import ROWS
from support_program import a_persons_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STARLETTE = STACKS[0]
ADDRESS = r": http://127.0.0.1:(\d+)$"
PAGE = r"^See it on http://127.0.0.1:(\d+)$"
FINE = [cause for cause in CAUSES if not cause.expected.type]


def python(name: str, code: str) -> Stack:
    """A stack that is a few lines of Python."""
    return Stack(name, name, (sys.executable, "-P", "-c", code))


# The demo on Starlette, but that somebody forgot the line that adopts the contract.
FORGOTTEN = python(
    "forgotten",
    "import sys, kaiko_starlette\n"
    "kaiko_starlette.install = lambda app: None\n"
    "from kaiko_demo import serve\n"
    "serve.main(['starlette', '--until-eof'])\n",
)
# The demo on Starlette, but that somebody calls what is behind it with another client's header.
SENDS_NO_IDS = python(
    "anonymous",
    "import functools\n"
    "from kaiko_demo import calling, serve\n"
    "calling.Client = functools.partial(calling.Client, id_header='X-Correlation-ID')\n"
    "serve.main(['starlette', '--until-eof'])\n",
)
REFUSES_TO_START = python("refuses", "raise SystemExit('no settings, no service')")
DIES = python(
    "dies",
    "import socket\n"
    "listener = socket.create_server(('127.0.0.1', 0))\n"
    "print(listener.getsockname()[1], flush=True)\n",
)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, its output in a pipe."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "kaiko_cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=a_persons_environment() | environment,
    )


def options(*arguments: str) -> argparse.Namespace:
    """What the demo is told on the command line."""
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    return parser.parse_args(arguments)


def logs_named(text: str) -> Path:
    """The folder of the logs that a failure prints; the caller removes it."""
    (found,) = re.findall(r"^The services' logs are in (.+)$", text, re.MULTILINE)
    return Path(found)


# --- all is well ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """What one run of the whole demo found."""
    done = command("demo", "--json", TMPDIR=str(tmp_path_factory.mktemp("results")))
    found = json.loads(done.stdout or "{}")
    wrong = [each for each in found.get("causes", ()) if each["wrong"] or not each["agree"]]
    assert (wrong, done.returncode, done.stderr) == ([], 0, "")
    return cast("Mapping[str, object]", found)


def answers(results: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for cause in cast("list[Mapping[str, Mapping[str, Mapping[str, object]]]]", results["causes"]):
        yield from cause["answers"].values()


def test_every_cause_is_answered_right_and_alike(results: Mapping[str, object]) -> None:
    """By all of the stacks."""
    causes = cast("list[Mapping[str, object]]", results["causes"])
    assert [cause["cause"] for cause in causes] == [cause.name for cause in CAUSES]
    assert [cause for cause in causes if cause["wrong"] or not cause["agree"]] == []
    assert set(cast("dict[str, str]", results["stacks"])) == {stack.name for stack in STACKS}
    assert results["good"] is True


def test_every_documented_row_is_reached(results: Mapping[str, object]) -> None:
    """With its type, and the code that the documentation shows for it."""
    reached = {
        (answer["status"], answer["type"], answer["code"])
        for answer in answers(results)
        if answer["type"]
    }
    assert {(str(row.status), row.type, row.example) for row in ROWS} <= reached


def test_no_two_answers_have_the_same_id(results: Mapping[str, object]) -> None:
    """Of all stacks, successes included."""
    found = [answer["id"] for answer in answers(results)]
    assert len(set(found)) == len(found) == len(CAUSES) * len(STACKS)


def test_every_error_from_behind_is_traced(results: Mapping[str, object]) -> None:
    """On each stack, into two logs; the results say where it came from."""
    causes = cast("list[Mapping[str, object]]", results["causes"])
    from_behind = [cause for cause in CAUSES if cause.behind and cause.expected.code]
    assert results["lost_ids"] == []
    assert results["errors_from_behind"] == len(from_behind) * len(STACKS)
    said = [cause["behind"] for cause in causes]
    assert said == [cause.behind and dataclasses.asdict(cause.behind) for cause in CAUSES]


def test_the_demo_prints_one_table_and_exits_with_0(tmp_path: Path) -> None:
    """In a pipe, a line a cause; nothing else is printed, and no logs are left."""
    done = command("demo", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    lines = [line for line in done.stdout.splitlines() if line.rstrip().endswith(" yes")]
    assert len(lines) == len(CAUSES)
    for line, cause in zip(lines, CAUSES, strict=True):
        shown = (cause.name, str(cause.expected.status), cause.expected.code or "")
        assert [value for value in shown if value not in line] == []
    said = " ".join(done.stdout.split())
    assert "90 errors came from called services; each id is in the logs of both" in said
    assert "the stacks send the same bytes except for the id" in said


# --- something is wrong --------------------------------------------------------------


def test_a_stack_without_the_contract_is_found_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code 1, which stack it is, what it sent, and where its log is."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert demo.run(options(), [STARLETTE, FORGOTTEN]) == 1
    printed = capsys.readouterr()
    assert "forgotten: the id is '', not one of ours" in printed.out
    assert "body differs:" in printed.out
    assert "went wrong" in printed.out
    log = logs_named(printed.err) / "forgotten.log"
    assert "ZeroDivisionError" in log.read_text()


def test_a_stack_without_the_contract_is_found_out_in_json_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Machines read the same verdict, and standard output is JSON all the same."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert demo.run(options("--json"), [FORGOTTEN]) == 1
    assert json.loads(capsys.readouterr().out)["good"] is False


def test_an_id_that_does_not_travel_is_found_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code 1, though every answer is right."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert demo.run(options(), [SENDS_NO_IDS]) == 1
    printed = capsys.readouterr()
    assert "0 times in the log of archive for anonymous, not 3 times" in printed.out
    assert "0 times in the log of llm for anonymous, not 1 times" in printed.out
    assert "is not in the log of anonymous" not in printed.out
    assert "came from called services" not in printed.out
    assert {path.name for path in logs_named(printed.err).iterdir()} == {
        "anonymous.log",
        "archive.log",
        "llm.log",
    }


def test_a_service_that_does_not_start_is_told_with_its_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code 1 and a sentence, no traceback of ours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert demo.run(options(), [STARLETTE, REFUSES_TO_START]) == 1
    printed = capsys.readouterr()
    assert "refuses did not start (exit code 1)" in printed.err
    assert "no settings, no service" in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_a_service_that_dies_before_it_answers_is_told(tmp_path: Path) -> None:
    """A port alone is no service."""
    with pytest.raises(StartError, match="dies did not answer"), running([DIES], tmp_path):
        pytest.fail("it does not answer")


def test_a_service_that_stays_silent_is_not_waited_for_forever(tmp_path: Path) -> None:
    """Patience ends, and the process with it."""
    silent = python("silent", "import sys; sys.stdin.read()")
    with (
        pytest.raises(StartError, match="silent did not start"),
        running([silent], tmp_path, patience=0.2),
    ):
        pytest.fail("it never answers")


# --- processes -----------------------------------------------------------------------


def test_services_are_ended_when_their_user_fails(tmp_path: Path) -> None:
    """Whatever goes wrong in between, nothing is left running."""
    started: list[subprocess.Popen[bytes]] = []
    with contextlib.suppress(LookupError), running([STARLETTE], tmp_path) as services:
        started = [service.process for service in services]
        raise LookupError
    assert [process.poll() is not None for process in started] == [True]


def test_every_stack_has_the_server_it_names_and_ends_with_its_pipe(tmp_path: Path) -> None:
    """Their own headers name it; and none outlives a command that was killed."""
    with running(STACKS, tmp_path) as services:
        servers = [send(service.port, Request("GET", "/")).values("Server") for service in services]
        for service in services:
            assert service.process.stdin is not None
            service.process.stdin.close()
        ended = [service.process.wait(30) for service in services]
    assert servers == [["uvicorn"], ["uvicorn"], ["waitress"], ["uvicorn"], ["waitress"]]
    assert len(ended) == len(STACKS)


# --- --serve -------------------------------------------------------------------------


class Served(NamedTuple):
    """What `demo --serve` printed and left, and what its addresses answered before Ctrl-C."""

    lines: list[str]
    page: Received
    ports: list[int]
    statuses: list[int]
    logs: str
    code: int
    left: list[Path]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """One run of it, in 80 columns of ASCII."""
    folder = tmp_path_factory.mktemp("served")
    arguments = [sys.executable, "-P", "-m", "kaiko_cli.main", "demo", "--serve"]
    environment = {"COLUMNS": "80", "PYTHONIOENCODING": "ascii", "TMPDIR": str(folder)}
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        printed = "".join(lines)
        ports = [int(found) for found in re.findall(ADDRESS, printed, re.MULTILINE)]
        statuses = [send(port, cause.request).status for port in ports for cause in FINE]
        fired = fire_all(int(re.findall(PAGE, printed, re.MULTILINE)[0]))
        logs = "".join(path.read_text() for path in folder.rglob("*.log"))
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(30)
        finally:
            process.kill()
    return Served(lines, fired, ports, statuses, logs, code, list(folder.iterdir()))


def fire_all(page: int) -> Received:
    """Let the page send every cause but the slow one; return the last answer."""
    headers = {"Content-Type": "application/json"}
    for name in by_name().keys() - {"llm-too-slow"}:
        send(page, Request("POST", "/fire", headers, json.dumps({"cause": name}).encode()))
    return send(page, Request("POST", "/fire", headers, b'{"cause": "expired-context"}'))


def test_serve_prints_the_address_of_the_page_first(served: Served) -> None:
    """Before the table; the page's server is up, and sends causes."""
    assert re.search(PAGE, served.lines[0])
    assert served.page.status == 200
    assert json.loads(served.page.body)["same"] is True


def test_no_key_is_in_a_log(served: Served) -> None:
    """Neither those of the demo's clients nor the demo's own at what it calls."""
    assert "kaiko_demo.asked" in served.logs
    assert "kaiko_live_***" in served.logs or "***" in served.logs
    keys = [value for name, value in vars(seed).items() if name.endswith("_KEY")]
    assert len(keys) > 5
    assert [key for key in (*keys, PROVIDER_KEY) if key in served.logs] == []


def test_a_browser_is_opened_only_on_demand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a flag, which makes no sense alone."""
    opened: list[str] = []
    page = Service(STARLETTE, 1, cast("subprocess.Popen[bytes]", None), tmp_path)
    running = serving.Served(Demo([], []), page, tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(serving, "served", lambda *_: contextlib.nullcontext(running))
    monkeypatch.setattr(serving, "wait", lambda _: None)
    monkeypatch.setattr(demo, "_report", lambda *_: True)
    assert demo.run(options("--serve")) == 0
    assert opened == []
    assert demo.run(options("--serve", "--open")) == 0
    assert opened == ["http://127.0.0.1:1"]
    assert demo.run(options("--open")) == 2
    assert capsys.readouterr().err == "--open needs --serve\n"


def test_serve_leaves_the_services_up_until_ctrl_c(served: Served) -> None:
    """The addresses it prints answer, with what is behind them; after Ctrl-C they are free."""
    assert served.statuses == [cause.expected.status for _ in STACKS for cause in FINE]
    assert any("LLM provider (http://" in line and "Archive" in line for line in served.lines)
    assert (served.code, served.left) == (0, [])
    for port in served.ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_the_demo_prints_on_a_narrow_terminal_without_unicode(served: Served) -> None:
    """Everything is still there, in 80 columns of ASCII."""
    printed = "".join(served.lines)
    assert printed.isascii()
    (first, *_) = [n for n, line in enumerate(served.lines) if re.search(ADDRESS, line)]
    assert max(len(line.rstrip("\n")) for line in served.lines[:first]) <= 80
    shown = {text for cause in CAUSES for text in (cause.name, cause.expected.code) if text}
    assert [text for text in shown if text not in printed] == []


_SERVER = (
    "import http.server, sys\n"
    "server = http.server.HTTPServer(('127.0.0.1', 0), http.server.BaseHTTPRequestHandler)\n"
    "print(server.server_port, flush=True)\n"
)


def test_the_last_stack_that_ends_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody should try curl lines against nothing."""
    brief = python("brief", f"{_SERVER}server.handle_request()\n")
    with serving.served([brief], tmp_path) as running:
        running.demo.stacks[0].process.wait(30)
        with pytest.raises(StartError, match="No stack is left"):
            serving.wait(running)
    printed = capsys.readouterr()
    assert "Ctrl-C" in printed.out
    assert "brief has ended (exit code 0); its log" in printed.err


def test_a_service_that_is_killed_is_told_and_the_others_run_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page shows it as down, until the page ends too."""
    stacks = [python(name, f"{_SERVER}server.serve_forever()\n") for name in ("one", "two")]
    asked = Request(
        "POST", "/fire", {"Content-Type": "application/json"}, b'{"cause": "expired-context"}'
    )
    with serving.served(stacks, tmp_path) as running:
        for service in (running.demo.stacks[0], running.demo.behind[0]):
            service.process.kill()
            service.process.wait(30)
        answers = json.loads(send(running.page.port, asked).body)["answers"]
        assert [answer["status"] for answer in answers] == [0, 501]
        running.page.process.kill()
        running.page.process.wait(30)
        with pytest.raises(StartError, match=r"The page has ended \(killed by signal 9\)"):
            serving.wait(running)
        assert running.demo.stacks[1].process.poll() is None
    told = capsys.readouterr().err
    assert "one has ended (killed by signal 9); its log" in told
    assert f"{running.demo.behind[0].stack.title} has ended" in told
    assert "two has ended" not in told


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.name for cause in CAUSES])
def test_the_curl_line_says_the_whole_request(cause: Cause) -> None:
    """A reader who pastes it sees what the table showed; of a long body, the length is kept."""
    request = cause.request
    piped, _, line = serving.curl("http://127.0.0.1:1", request).rpartition(" | ")
    words = shlex.split(line)
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    assert words[:5] == ["curl", "-i", "-X", request.method, f"http://127.0.0.1:1{request.path}"]
    assert [after for word, after in itertools.pairwise(words) if word == "-H"] == headers
    if request.body is None:
        assert "--data-binary" not in words
    elif piped:
        assert (words[-1], piped) == ("@-", f"head -c {len(request.body)} /dev/zero")
    else:
        assert words[-2:] == ["--data-binary", request.body.decode()]


# --- the command line ----------------------------------------------------------------


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_catalogue_lists_the_rows_and_the_codes(columns: str) -> None:
    """Each code once, and never broken in two; a service's own where its module is named."""
    done = command("catalog", "kaiko_demo.errors", COLUMNS=columns)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= int(columns)
    words = done.stdout.split()
    assert [row.example for row in ROWS if row.example not in words] == []
    assert [words.count(code) for code in ("request_rejected", "model_not_found")] == [1, 1]


def test_the_catalogue_lists_no_code_that_nobody_asked_for() -> None:
    """The demo's own codes are the demo's, and its module was not named."""
    done = command("catalog")
    assert done.returncode == 0
    assert "model_not_found" not in done.stdout


def test_output_that_nobody_reads_to_the_end_is_no_traceback() -> None:
    """As in `kaiko-middleware catalog | head`."""
    arguments = [sys.executable, "-P", "-m", "kaiko_cli.main", "catalog"]
    with subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=a_persons_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_the_catalogue_says_which_module_it_cannot_import(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And prints no table without it."""
    assert main.main(["catalog", "no_such_module"]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        "no_such_module cannot be imported: No module named 'no_such_module'\n",
    )


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What to install, instead of a traceback."""

    monkeypatch.setattr(main, "is_missing", {"django", "waitress"}.__contains__)
    assert main.main(["demo", "--json"]) == 1
    assert capsys.readouterr().err == (
        "kaiko-middleware demo needs django, waitress: pip install 'kaiko-middleware[demo]'\n"
    )


def test_ctrl_c_during_the_comparison_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code 130, as a shell expects it, no traceback and no logs."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(demo, "judge", interrupted)
    assert main.main(["demo"]) == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["demo", "--nonsense"], ["demo", "--json", "--serve"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str]) -> None:
    """As argparse has it."""
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    assert caught.value.code == 2

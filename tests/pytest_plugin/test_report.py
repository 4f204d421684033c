"""`--kaiko-report`: the declared errors that no test saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_pytest._report import Tally, told

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

pytest_plugins = ["pytester"]

HEAD = "*kaiko: declared errors that no test saw*"


def test_what_no_test_saw_is_listed(run: Callable[..., pytest.RunResult]) -> None:
    """Of the catalogue, and of each operation of an application that was called at all."""
    result = run("def test_it(): client.get('/lamps/undeclared')\n", "--kaiko-report")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            HEAD,
            "Catalogue: * of * codes.",
            "  404 lamp_not_found",
            "  409 lamp_is_on",
            "OpenAPI: * of * answers.",
            "  GET /lamps/{lamp}  (lamps)",
            "    404 lamp_not_found",
            "    409 lamp_is_on",
        ]
    )


def test_what_a_test_saw_is_not(run: Callable[..., pytest.RunResult]) -> None:
    """A bad value of one field stands for those of others. Successes count for nothing."""
    result = run(
        "def test_it():\n"
        "    client.get('/lamps/fine')\n"
        "    client.get('/lamps/declared')\n"
        "    client.post('/lamps/x?level=high')\n",
        "--kaiko-report",
        "--kaiko=strict",
    )
    result.assert_outcomes(passed=1)
    text = result.stdout.str().partition("no test saw")[2]
    assert "404 lamp_not_found" not in text
    assert "  409 lamp_is_on\n" in text
    posted = text.partition("  POST /lamps/{lamp}")[2]
    assert "400 missing_field" in posted
    assert "400 invalid_" not in posted


def test_an_answer_that_a_test_checks_counts(run: Callable[..., pytest.RunResult]) -> None:
    """Even if its client is none that is watched."""
    result = run(
        "from types import SimpleNamespace\n"
        "from kaiko_middleware import render\n"
        "from kaiko_pytest import assert_error\n"
        "from pytest_plugin.service import LampIsOn\n"
        "def test_it():\n"
        "    reply = render(LampIsOn(), 'req-7f65ab21d1')\n"
        "    answer = dict(status_code=reply.status, headers=reply.headers, content=reply.body)\n"
        "    assert_error(SimpleNamespace(**answer), LampIsOn)\n",
        "--kaiko-report",
    )
    result.stdout.fnmatch_lines([HEAD, "Catalogue: * of * codes.", "  409 lamp_is_wet"])
    result.stdout.no_fnmatch_line("  409 lamp_is_on")


def test_the_report_can_be_a_setting(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    """Without it there is none."""
    body = "def test_it(): pass\n"
    assert "no test saw" not in run(body, "--kaiko=strict").stdout.str()
    pytester.makeini("[pytest]\nkaiko_report = true\n")
    run(body, "-q").stdout.fnmatch_lines([HEAD, "Catalogue: * of * codes."])


def test_a_document_that_cannot_be_made_is_named(run: Callable[..., pytest.RunResult]) -> None:
    """Nothing else fails for it."""
    result = run(
        "from fastapi import FastAPI\n"
        "from fastapi.testclient import TestClient\n"
        "def fail(): raise RuntimeError('no document')\n"
        "def test_it():\n"
        "    app = FastAPI()\n"
        "    app.openapi = fail\n"
        "    TestClient(app).get('/')\n",
        "--kaiko-report",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["An OpenAPI document could not be made: *Error: no document"])


def test_a_service_without_codes_is_told_so() -> None:
    """And what a worker did not send is missing."""
    lines = list(told(Tally(), ["gw1: crashed"]))
    assert lines == [
        "Catalogue: the service has no codes of its own.",
        "What this worker saw is missing: gw1: crashed",
    ]


def test_a_client_that_has_changed_is_named(
    run: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers would otherwise go unseen without a word."""
    import starlette.testclient

    monkeypatch.delattr(starlette.testclient, "_TestClientTransport")
    result = run("def test_it(): pass\n")
    result.stdout.fnmatch_lines(
        ["kaiko: starlette.testclient._TestClientTransport.handle_request is gone: *"]
    )

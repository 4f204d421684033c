"""`--kaiko=strict`: the test in whose course an answer was wrong fails, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]


PLANTED = {
    "ghost": (
        "/lamps/ghost",
        [
            "--kaiko=strict: GET /lamps/ghost -> 404 ghost_not_found: the catalogue lacks the code",
            "The catalogue has no code 'ghost_not_found' for the status 404. *",
            '        class GhostNotFound(NotFoundError, code="ghost_not_found"): ...',
            '    @pytest.mark.kaiko(allow="ghost_not_found", reason="…")',
        ],
    ),
    "undeclared": (
        "/lamps/undeclared",
        [
            (
                "--kaiko=strict: GET /lamps/undeclared -> 409 lamp_is_wet: "
                "the OpenAPI document lacks the code"
            ),
            (
                "The OpenAPI document does not declare 409 'lamp_is_wet' for GET /lamps/{lamp}. "
                "Under '409' it lists lamp_is_on."
            ),
            "    Declare it at the route: responses(LampIsWet), of your framework's package.",
        ],
    ),
    "path": (
        "/lamps/path",
        [
            "--kaiko=strict: GET /lamps/path -> 404 not_found: its message leaks",
            "Its message shows a file's path: There is no /srv/lamps/lamp_7.json",
            '    @pytest.mark.kaiko(allow="inside", reason="…")',
        ],
    ),
    "gate": (
        "/gate",
        [
            "--kaiko=strict: GET /gate -> 403: it breaks the error contract",
            "  1. The envelope: *",
            "    envelope: the body is not an object with the one member 'error'",
            "  4. Headers: *",
            "    cache-control: there is no Cache-Control",
            "Something outside of our middleware made this answer, *",
            "  HTTP 403",
            '  {"detail": "no"}',
            '    @pytest.mark.kaiko(allow="contract", reason="…")',
        ],
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_fails_the_very_test(
    run: Callable[..., pytest.RunResult], planted: str
) -> None:
    """With a message that says what is wrong, shows the answer, and how to allow it."""
    path, lines = PLANTED[planted]
    result = run(
        "def test_before(): assert client.get('/lamps/declared').status_code == 404\n"
        f"def test_planted(): client.get('{path}')\n"
        "def test_after(): assert client.get('/nowhere').status_code == 404\n"
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*_ test_planted _*", *lines])


def test_without_the_option_nothing_is_judged(run: Callable[..., pytest.RunResult]) -> None:
    """Off is the default."""
    body = "def test_planted(): client.get('/lamps/ghost')\n"
    run(body, "-q").assert_outcomes(passed=1)


def test_the_option_can_be_a_setting(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    """And the command line has the last word."""
    pytester.makeini("[pytest]\nkaiko = strict\n")
    body = "def test_planted(): client.get('/lamps/ghost')\n"
    run(body, "-q").assert_outcomes(failed=1)
    run(body, "--kaiko=off").assert_outcomes(passed=1)


def test_a_wrong_setting_is_refused(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    """Before any test runs."""
    pytester.makeini("[pytest]\nkaiko = sometimes\n")
    result = run("def test_it(): pass\n", "-q")
    result.stderr.fnmatch_lines(["ERROR: the setting kaiko is off or strict, not 'sometimes'"])


def test_a_bug_is_seen_though_the_client_raises_it(run: Callable[..., pytest.RunResult]) -> None:
    """A right 500 is no finding: the answer was sent before the exception was raised again."""
    result = run(
        "from fastapi.testclient import TestClient\n"
        "from pytest_plugin.service import app\n"
        "def test_bug():\n"
        "    with pytest.raises(ZeroDivisionError): TestClient(app).get('/lamps/bug')\n"
    )
    result.assert_outcomes(passed=1)


def test_a_marker_allows_what_it_names(run: Callable[..., pytest.RunResult]) -> None:
    """A code, a rule, a kind, several, everything; and nothing else."""
    mark = "@pytest.mark.kaiko(reason='as it is', allow="
    result = run(
        f"{mark}'ghost_not_found')\ndef test_code(): client.get('/lamps/ghost')\n"
        f"{mark}'catalogue')\ndef test_kind(): client.get('/lamps/ghost')\n"
        f"{mark}['leak', 'openapi'])\n"
        "def test_two(): client.get('/lamps/path'), client.get('/lamps/undeclared')\n"
        "@pytest.mark.kaiko(reason='as it is')\ndef test_all(): client.get('/gate')\n"
        f"{mark}'ghost_not_found')\ndef test_other(): client.get('/lamps/path')\n"
    )
    result.assert_outcomes(passed=4, failed=1)


@pytest.mark.parametrize("marker", ["allow='leak'", "reason=' '", "'leak', reason='x'", "why='x'"])
def test_a_marker_without_a_reason_is_refused(
    run: Callable[..., pytest.RunResult], marker: str
) -> None:
    """So is one with anything else."""
    result = run(f"@pytest.mark.kaiko({marker})\ndef test_it(): pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*::test_it: write @pytest.mark.kaiko(allow=…, reason=…)"])


def test_a_setting_allows_a_code_everywhere(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    """For a suite that is adopted step by step."""
    pytester.makeini("[pytest]\nkaiko_allow =\n    ghost_not_found\n")
    run("def test_planted(): client.get('/lamps/ghost')\n").assert_outcomes(passed=1)


def test_a_test_that_fails_anyway_keeps_its_own_failure(
    run: Callable[..., pytest.RunResult],
) -> None:
    """What is wrong with the answers is a section of its report."""
    result = run("def test_planted(): assert client.get('/gate').status_code == 200\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *assert 403 == 200", "*Captured kaiko call*", "--kaiko=strict: GET /gate -> 403: *"]
    )


def test_what_fixtures_ask_counts(run: Callable[..., pytest.RunResult]) -> None:
    """Before the test: it fails. After it: its end fails."""
    result = run(
        "@pytest.fixture\n"
        "def before(): client.get('/gate')\n"
        "@pytest.fixture\n"
        "def after():\n"
        "    yield\n"
        "    client.get('/gate')\n"
        "@pytest.fixture\n"
        "def failing():\n"
        "    yield\n"
        "    client.get('/gate')\n"
        "    raise ValueError\n"
        "def test_before(before): pass\n"
        "def test_after(after): pass\n"
        "def test_failing(failing): pass\n"
    )
    result.assert_outcomes(passed=2, failed=1, errors=2)
    result.stdout.fnmatch_lines(["*Captured kaiko teardown*"])


def test_answers_to_threads_and_tasks_belong_to_the_test(
    run: Callable[..., pytest.RunResult],
) -> None:
    """Whoever asks, while the test runs."""
    result = run(
        "import asyncio, httpx2\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from pytest_plugin.service import app\n"
        "async def ask(path):\n"
        "    transport = httpx2.ASGITransport(app=app)\n"
        "    async with httpx2.AsyncClient(transport=transport, base_url='http://a') as http:\n"
        "        return (await asyncio.gather(*[http.get(path)] * 3))[0].status_code\n"
        "def test_thread():\n"
        "    with ThreadPoolExecutor() as pool: list(pool.map(client.get, ['/lamps/ghost'] * 8))\n"
        "def test_task(): assert asyncio.run(ask('/lamps/ghost')) == 404\n"
        "def test_right(): assert asyncio.run(ask('/lamps/declared')) == 404\n".replace(
            "[http.get(path)] * 3", "[http.get(path) for _ in range(3)]"
        )
    )
    result.assert_outcomes(passed=1, failed=2)


def test_an_answer_to_the_service_itself_is_left_alone(
    run: Callable[..., pytest.RunResult],
) -> None:
    """An upstream that is called in process, from inside a request, keeps no contract of ours."""
    result = run(
        "import httpx2\n"
        "from starlette.applications import Starlette\n"
        "from starlette.responses import PlainTextResponse\n"
        "from starlette.routing import Route\n"
        "from starlette.testclient import TestClient\n"
        "async def fail(request): return PlainTextResponse('busy', 503)\n"
        "upstream = Starlette(routes=[Route('/', fail)])\n"
        "async def ask(request):\n"
        "    transport = httpx2.ASGITransport(app=upstream)\n"
        "    async with httpx2.AsyncClient(transport=transport, base_url='http://a') as http:\n"
        "        return PlainTextResponse((await http.get('/')).text)\n"
        "app = Starlette(routes=[Route('/', ask)])\n"
        "def test_inside(): assert TestClient(app).get('/').text == 'busy'\n"
        "def test_itself(): TestClient(upstream).get('/')\n"
    )
    result.assert_outcomes(passed=1, failed=1)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Leave other plugins out of processes that are started; return the options for it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return "-p", "kaiko_pytest.plugin", "-p", "no:cacheprovider", "--kaiko=strict"


def test_a_client_that_is_imported_late_is_watched(
    pytester: pytest.Pytester, alone: tuple[str, ...]
) -> None:
    """The test's own import of a test client counts; in a process that has loaded none."""
    pytester.makepyfile(
        "def test_late():\n"
        "    import httpx2\n"
        "    from kaiko_wsgi import KaikoMiddleware\n"
        "    def app(environ, start_response):\n"
        "        start_response('404 Not Found', [('content-type', 'text/plain')])\n"
        "        return [b'no']\n"
        "    def ask(app):\n"
        "        transport = httpx2.WSGITransport(app=app)\n"
        "        return httpx2.Client(transport=transport, base_url='http://a').get('/')\n"
        "    assert ask(KaikoMiddleware(app)).status_code == 404\n"
        "    ask(app)\n"
    )
    result = pytester.runpytest_subprocess(*alone)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["--kaiko=strict: GET / -> 404: *"])


def test_workers_judge_their_own_tests(pytester: pytest.Pytester, alone: tuple[str, ...]) -> None:
    """With pytest-xdist; at the end there is what all of them saw."""
    pytester.makepyfile(
        "from pytest_plugin.service import client\n"
        "def test_right(): client.get('/lamps/declared')\n"
        "def test_planted(): client.get('/lamps/ghost')\n"
    )
    result = pytester.runpytest_inprocess(*alone, "-p", "xdist", "-n1", "--kaiko-report")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "--kaiko=strict: GET /lamps/ghost -> 404 ghost_not_found: *",
            "*kaiko: declared errors that no test saw*",
            "Catalogue: * of * codes.",
            "  409 lamp_is_on",
            "  409 lamp_is_wet",
        ]
    )

"""The README's starts under `--kaiko=strict`: a suite for each, in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
TESTS = {
    "Starlette": (
        "from starlette.testclient import TestClient\n"
        "def test_start():\n"
        "    assert_error(TestClient(app).get('/v2/contexts/ctx_1'), ContextNotFound)\n"
        "    assert_error(TestClient(app).get('/v2/nowhere'), status=404, code='not_found')\n"
    ),
    "FastAPI": (
        "from fastapi.testclient import TestClient\n"
        "def test_start():\n"
        "    assert_error(TestClient(app).get('/v2/contexts/7'), RateLimitError)\n"
        "    assert_error(TestClient(app).get('/v2/contexts/a'), status=400, param='number')\n"
        "    assert_error(TestClient(app).get('/v2/nowhere'), status=404, code='not_found')\n"
    ),
    "Litestar": (
        "from litestar.testing import TestClient\n"
        "def test_start():\n"
        "    assert_error(TestClient(app).get('/v2/contexts/ctx_1'), ContextNotFound)\n"
        "    assert_error(TestClient(app).get('/v2/nowhere'), status=404, code='not_found')\n"
    ),
    "Any ASGI application": (
        "from starlette.testclient import TestClient\n"
        "def test_start():\n"
        "    assert_error(TestClient(app).get('/v2/contexts'), AuthenticationError)\n"
    ),
    "Any WSGI application": (
        "import httpx2\n"
        "def test_start():\n"
        "    client = httpx2.Client(transport=httpx2.WSGITransport(app=application))\n"
        "    assert_error(client.get('http://a/v2/contexts/ctx_1'), NotFoundError)\n"
    ),
}


@pytest.mark.parametrize("framework", TESTS)
def test_a_start_keeps_the_contract(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, framework: str
) -> None:
    """Nothing is found, and the report is made."""
    (section,) = re.findall(rf"^## {framework}\n(.*?)(?=^## )", README, re.DOTALL | re.MULTILINE)
    (start,) = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    pytester.makepyfile(f"{start}\nfrom kaiko_pytest import assert_error\n{TESTS[framework]}")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ("-p", "kaiko_pytest.plugin", "--kaiko=strict", "--kaiko-report")
    result = pytester.runpytest_subprocess(*options, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*declared errors that no test saw*", "Catalogue: *"])

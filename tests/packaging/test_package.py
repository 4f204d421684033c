"""What a user gets from the index: the wheel's contents, its names, and what an import costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOLDERS = {
    "kaiko_middleware": ROOT / "kaiko_middleware",
    **{path.parent.name: path.parent for path in ROOT.glob("integrations/*/__init__.py")},
}
ADAPTERS = sorted(FOLDERS.keys() - {"kaiko_middleware"})

# The promise to those who build on these packages; more may be added, none may go.
PUBLIC_NAMES = {
    "kaiko_middleware": {
        "AuthenticationError", "Config", "ConfigError", "ConflictError", "ErrorEnvelope",
        "ErrorReport", "ErrorType", "ExceptionMapping", "ForbiddenError", "InvalidRequestError",
        "InvalidValueError", "JsonFormatter", "KaikoError", "MissingFieldError", "NotFoundError",
        "PayloadTooLargeError", "RateLimitError", "Reply", "RequestIdFilter", "ServerError",
        "ServiceUnavailableError", "bind_request_id", "current_request_id", "parse_body", "render",
        "validation_error",
    },
    "kaiko_asgi": {"KaikoMiddleware"},
    "kaiko_wsgi": {"KaikoMiddleware"},
    "kaiko_starlette": {"KaikoMiddleware", "install"},
    "kaiko_fastapi": {"KaikoMiddleware", "install", "responses"},
    "kaiko_litestar": {"KaikoPlugin", "responses"},
    "kaiko_flask": {"install"},
    "kaiko_django": {
        "KaikoMiddleware", "Settings", "error_response", "get_asgi_application",
        "get_wsgi_application",
    },
    "kaiko_pytest": {"FailingUpstream", "RaiseUpstream", "RequestRecords", "assert_error"},
    "kaiko_httpx": {
        "AsyncClient", "AsyncRetryTransport", "Client", "RetryBudget", "RetryEvent",
        "RetryPolicy", "RetryTransport",
    },
    "kaiko_telemetry.opentelemetry": {
        "RequestIdSpanProcessor", "TraceContextFilter", "add_trace_context", "annotate_span",
    },
    "kaiko_telemetry.prometheus": {"OTHER", "prometheus_counter"},
    "kaiko_telemetry.sentry": {"sentry_tags"},
    "kaiko_telemetry.structlog": {"add_request_id", "compact_exception", "record_formatter"},
}  # fmt: skip


def run_python(code: str) -> str:
    """Run code in a fresh interpreter, outside the checkout and without its environment."""
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@cache
def loaded_by(statement: str) -> frozenset[str]:
    """Name the modules that a statement loads in an interpreter that has loaded nothing else."""
    return frozenset(
        json.loads(
            run_python(
                "import json, sys; before = set(sys.modules)\n"
                f"{statement}\n"
                "print(json.dumps(sorted(set(sys.modules) - before)))"
            )
        )
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build the wheel once."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def metadata(wheel: zipfile.ZipFile) -> Message:
    """Read what the index would show."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_wheel_holds_exactly_the_import_packages(wheel: zipfile.ZipFile) -> None:
    """Every module of the core and the integrations is in the wheel, and nothing else."""
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    written = {
        str(Path(package, path.relative_to(folder)))
        for package, folder in FOLDERS.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == written


@pytest.mark.parametrize("package", sorted(FOLDERS))
def test_wheel_marks_every_package_as_typed(wheel: zipfile.ZipFile, package: str) -> None:
    """Without py.typed a checker would not look at our annotations."""
    assert f"{package}/py.typed" in wheel.namelist()


def test_metadata_names_the_license_and_the_license_is_inside(wheel: zipfile.ZipFile) -> None:
    """Lawyers look at two places."""
    assert metadata(wheel)["License-Expression"] == "Apache-2.0"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())


def test_pydantic_is_the_only_dependency_without_an_extra(wheel: zipfile.ZipFile) -> None:
    """A service pays for its own framework and for nobody else's."""
    requirements: list[str] = metadata(wheel).get_all("Requires-Dist", [])
    bare = [line for line in requirements if "extra ==" not in line]
    assert {line.partition(">=")[0] for line in bare} == {"pydantic"}


def test_every_integration_has_an_extra_and_all_has_every_one() -> None:
    """`pip install 'kaiko-middleware[NAME]'` works for each name in `integrations/`."""
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    names = {adapter.removeprefix("kaiko_") for adapter in ADAPTERS}
    sdks = {path.stem for path in FOLDERS["kaiko_telemetry"].glob("*.py")} - {"__init__"}
    assert extras.keys() == names | sdks | {"all"}
    assert extras["telemetry"] == [f"kaiko-middleware[{','.join(sorted(sdks))}]"]
    (everything,) = extras["all"]
    assert set(everything.partition("[")[2].rstrip("]").split(",")) == names


def test_every_extra_is_described() -> None:
    """Each has a row on the page about compatibility."""
    page = (ROOT / "docs/compatibility.md").read_text()
    table = page.partition("| Extra | Brings |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    described = {extra for row in rows for extra in re.findall(r"`(\w+)`", row)}
    assert described == PROJECT["optional-dependencies"].keys()


def test_version_is_the_installed_one() -> None:
    """What is installed is what pyproject.toml says, so these tests test this checkout."""
    code = "from importlib.metadata import version; print(version('kaiko-middleware'))"
    assert run_python(code).strip() == PROJECT["version"]


def public_modules() -> list[str]:
    """List the libraries' packages, and the modules of theirs that no underscore hides."""
    return sorted(
        [
            *PUBLIC_NAMES,
            *(
                f"{package}.{info.name}"
                for package in PUBLIC_NAMES
                for info in pkgutil.iter_modules(
                    [str(ROOT / package), str(ROOT / "integrations" / package)]
                )
                if not info.name.startswith("_")
            ),
        ]
    )


@pytest.mark.parametrize("module_name", public_modules())
def test_public_module_and_its_names_are_documented(module_name: str) -> None:
    """It opens with a paragraph; each name in its `__all__` exists and has a docstring."""
    module = importlib.import_module(module_name)
    assert len((module.__doc__ or "").split()) > 5
    assert len(module.__all__) == len(set(module.__all__)) > 0
    undocumented = [
        name
        for name in module.__all__
        if (inspect.isclass(value := getattr(module, name)) or inspect.isroutine(value))
        and not own_docstring(value)
    ]
    assert undocumented == []


def own_docstring(value: object) -> str | None:
    """Find the docstring somebody wrote for this very object, not one that it inherits."""
    doc = vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)
    return doc if isinstance(doc, str) else None


@pytest.mark.parametrize("package", sorted(PUBLIC_NAMES))
def test_package_keeps_its_public_names(package: str) -> None:
    """Others build on the core's names, and the line that adopts the contract stays the same."""
    module = importlib.import_module(package)
    assert PUBLIC_NAMES[package] - {*module.__all__} == set()
    assert [name for name in PUBLIC_NAMES[package] if getattr(module, name) is None] == []


HEAVY = ["asyncio", "dataclasses", "html", "pydantic"]
FRAMEWORKS = [
    "anyio", "asgiref", "django", "fastapi", "flask", "httpx", "httpx2", "litestar", "rich",
    "starlette",
]  # fmt: skip
SDKS = ["opentelemetry", "prometheus_client", "sentry_sdk", "structlog"]


def test_importing_the_core_stays_light() -> None:
    """`import kaiko_middleware` loads no framework, and none of what is slow to load."""
    # Since Python 3.14, `logging` loads dataclasses.
    loaded = loaded_by("import kaiko_middleware") - loaded_by("import logging")
    assert loaded & {*HEAVY, *FRAMEWORKS, *SDKS} == set()


@pytest.mark.parametrize(
    ("package", "foreign"),
    [
        ("kaiko_asgi", {*FRAMEWORKS, "pydantic"}),
        ("kaiko_wsgi", {*FRAMEWORKS, "pydantic"}),
        ("kaiko_starlette", {"django", "asgiref", "fastapi"}),
        ("kaiko_fastapi", {"django", "asgiref"}),
        ("kaiko_litestar", {"django", "asgiref", "fastapi"}),
        ("kaiko_flask", {"anyio", "asgiref", "django", "pydantic", "starlette"}),
        ("kaiko_django", {"starlette", "anyio", "rest_framework"}),
        ("kaiko_httpx", {"django", "httpx", "starlette", "trio"}),
        ("kaiko_pytest.plugin", {*FRAMEWORKS, "kaiko_middleware", "pydantic"}),
        ("kaiko_pytest._session, kaiko_pytest._upstream", {*FRAMEWORKS, "pydantic"}),
        ("kaiko_telemetry", {*FRAMEWORKS, *SDKS, "pydantic"}),
        ("kaiko_telemetry.opentelemetry", {*FRAMEWORKS, *SDKS} - {"opentelemetry"}),
        ("kaiko_telemetry.prometheus", {*FRAMEWORKS, *SDKS} - {"prometheus_client"}),
        ("kaiko_telemetry.structlog", {*FRAMEWORKS, *SDKS} - {"rich", "structlog"}),
    ],
)
def test_importing_an_adapter_loads_no_other_framework(package: str, foreign: set[str]) -> None:
    """Frameworks that happen to be installed are left alone."""
    assert loaded_by(f"import {package}") & foreign == set()


@pytest.mark.parametrize(
    ("module", "missing", "install"),
    [
        ("kaiko_starlette", "starlette", "kaiko-middleware[starlette]"),
        ("kaiko_fastapi", "fastapi", "kaiko-middleware[fastapi]"),
        ("kaiko_litestar", "litestar", "kaiko-middleware[litestar]"),
        ("kaiko_flask", "flask", "kaiko-middleware[flask]"),
        ("kaiko_django", "django", "kaiko-middleware[django]"),
        ("kaiko_drf", "rest_framework", "kaiko-middleware[drf]"),
        ("kaiko_drf", "django", "kaiko-middleware[drf]"),
        ("kaiko_drf.spectacular", "drf_spectacular", "drf-spectacular"),
        ("kaiko_ninja", "ninja", "kaiko-middleware[ninja]"),
        ("kaiko_httpx", "httpx2", "kaiko-middleware[httpx]"),
        ("kaiko_httpx", "stamina", "kaiko-middleware[httpx]"),
        ("kaiko_httpx.httpx0", "httpx", "httpx>=0.28"),
        ("kaiko_telemetry.opentelemetry", "opentelemetry", "kaiko-middleware[opentelemetry]"),
        ("kaiko_telemetry.prometheus", "prometheus_client", "kaiko-middleware[prometheus]"),
        ("kaiko_telemetry.sentry", "sentry_sdk", "kaiko-middleware[sentry]"),
        ("kaiko_telemetry.structlog", "structlog", "kaiko-middleware[structlog]"),
        ("kaiko_demo", "httpx2", "kaiko-middleware[demo]"),
        ("kaiko_demo.serve", "uvicorn", "kaiko-middleware[demo]"),
    ],
)
def test_without_its_framework_an_import_names_the_extra(
    module: str, missing: str, install: str
) -> None:
    """In a form to paste into a shell; the import's own error is the cause."""
    package = module.removesuffix(".serve")
    said = run_python(
        f"import sys; sys.modules[{missing!r}] = None\n"
        "try:\n"
        f"    import {module}\n"
        "except ImportError as exc:\n"
        "    print(exc.name, exc, type(exc.__cause__).__name__, sep='|')"
    )
    assert said.strip().split("|") == [
        missing,
        f"{package} needs {missing}, which is not installed: pip install '{install}'",
        "ModuleNotFoundError",
    ]


def test_what_else_is_missing_is_left_as_it_is() -> None:
    """A framework that is there and cannot be imported says itself why."""
    said = run_python(
        "import sys; sys.modules['fastapi.exceptions'] = None\n"
        "try:\n"
        "    import kaiko_fastapi\n"
        "except ImportError as exc:\n"
        "    print(exc.name, exc, sep='|')"
    )
    assert said.startswith("fastapi.exceptions|")
    assert "pip install" not in said


def private_imports(path: Path, package: str) -> list[str]:
    """Find imports of another package's underscored modules or names."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [
            f"{path.name}:{node.lineno} {target}"
            for target in targets
            if (parts := target.split("."))[0].startswith("kaiko_")
            and parts[0] != package
            and any(part.startswith("_") for part in parts)
        ]
    return found


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapter_uses_public_names_only(adapter: str) -> None:
    """No adapter reaches behind an underscore of the core or of another adapter."""
    modules = FOLDERS[adapter].rglob("*.py")
    assert [hit for path in modules for hit in private_imports(path, adapter)] == []

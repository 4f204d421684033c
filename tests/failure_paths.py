"""Every way by which an error leaves a service, and what becomes of it: the page's table.

The tests of the adapters hold those ways as data (`tests/adapters/*`). This puts them side by
side, kind by kind, and says in one of three words what becomes of each. A way whose kind or
fate is not known here is an error, and so is a kind that a framework has no ways of and no
word on why. `python tests/failure_paths.py` writes `docs/failure-paths.md` anew; with
`--check` it says whether that is due.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support_django import setup_django

setup_django()

import django  # noqa: E402 - Django is set up first
import rest_framework  # noqa: E402 - likewise

from adapters.django import row as django_row  # noqa: E402 - likewise
from adapters.django.test_rows import ROWS as DJANGO  # noqa: E402 - likewise
from adapters.drf.test_rows import ROWS as DRF  # noqa: E402 - likewise
from adapters.fastapi import ways as fastapi_way  # noqa: E402 - likewise
from adapters.fastapi.test_ways import EVERY as FASTAPI  # noqa: E402 - likewise
from adapters.ninja.test_rows import ROWS as NINJA  # noqa: E402 - likewise
from adapters.starlette import row as starlette_row  # noqa: E402 - likewise
from adapters.starlette.rows import EVERY as STARLETTE  # noqa: E402 - likewise
from adapters.starlette.rows_views import MORE  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = Path(__file__).parents[1] / "docs" / "failure-paths.md"
COMMAND = "python tests/failure_paths.py"
BEGIN, END = f"<!-- made by {COMMAND} -->\n", "<!-- until here -->\n"

ENVELOPE, ALONE, OUT = "envelope", "left alone on purpose", "out of reach"
ORDER = (ENVELOPE, ALONE, OUT)

WAYS: dict[str, tuple[Any, ...]] = {
    "Starlette": (*STARLETTE, *MORE),
    "FastAPI": FASTAPI,
    "Django": DJANGO,
    "DRF": DRF,
    "Ninja": NINJA,
}
STANDS_ON = {"FastAPI": "Starlette", "DRF": "Django", "Ninja": "Django"}
BOTH = ("WSGI", "ASGI")
SIDES = {"Starlette": ("ASGI",), "FastAPI": ("ASGI",), "Django": BOTH, "DRF": BOTH, "Ninja": BOTH}

# What the names of ways begin with, kind by kind.
KINDS = {
    "Your code raises": (
        *("uncaught", "raised", "raised-async", "dependency", "template", "orm"),
        *("after-response", "lifespan", "process"),
    ),
    "The framework's HTTP exceptions": ("HTTPException",),
    "Cancelled, interrupted, exiting": ("BaseException",),
    "Your code returns an error, or what cannot be sent": (
        *("returned", "render", "renderer", "response", "protocol"),
    ),
    "Routing, hosts and redirects": (
        *("routing", "method", "append-slash", "host", "trusted-host", "mount", "frontend"),
        *("generic", "negotiation", "versioning", "pagination", "locale", "urlconf", "request"),
        *("https-redirect", "ssl"),
    ),
    "Bodies and their limits": ("body", "body-limit", "limits", "disconnect"),
    "Validation": ("validation",),
    "Who may do what": (
        *("security", "auth", "authentication", "permission", "throttle"),
        *("csrf", "session", "cors"),
    ),
    "Streams and files": (
        *("stream", "stream-async", "file", "static", "conditional", "gzip", "wsgi-mount"),
    ),
    "WebSockets": ("websocket",),
    "Middleware, error handlers, debug mode": ("middleware", "handler", "debug", "settings"),
}
# Why a framework has no way of a kind at all, where none stands below it that has.
NO_WAY = {
    ("Starlette", "Validation"): "validates nothing itself: use `parse_body`",
    ("Django", "The framework's HTTP exceptions"): "counted in the line above",
    ("Django", "Validation"): "validates nothing itself: use `parse_body`",
    ("Django", "WebSockets"): "serves none",
}

GONE = "the client has gone"
HANDED_ON = "the end of a task or of a generator is no error, and goes on at once"
BEGUN = "the answer had begun: it is cut, and the client sees that it is not whole"
LOOP = "it ends the event loop, and the server with it"
# Where a way is not there to be tested, or is no choice of ours whatever its test calls it.
SAID: dict[tuple[str, str, str], tuple[str, str]] = {
    ("Django", "BaseException/keyboard", "ASGI"): (OUT, LOOP),
    ("Django", "BaseException/async-keyboard", "ASGI"): (OUT, LOOP),
    ("Ninja", "BaseException/exit", "ASGI"): (OUT, LOOP),
    ("Ninja", "BaseException/async-exit", "ASGI"): (OUT, LOOP),
    # Tested from Python 3.13 on; before, the request hangs with and without us.
    ("Django", "raised/stop-iteration", "ASGI"): (ENVELOPE, ""),
    ("FastAPI", "middleware/BaseHTTP-stream", "ASGI"): (
        OUT,
        "a `BaseHTTPMiddleware` around ours ends the stream as if it were whole",
    ),
}


@dataclass(frozen=True)
class Fate:
    """What becomes of a way, and why it is no envelope."""

    verdict: str
    why: str = ""
    layer: bool = False
    """Whether it takes the layer in `wsgi.py` or `asgi.py`."""


def kind_of(name: str) -> str:
    """Return the kind of a way."""
    first = name.partition("/")[0]
    (kind,) = [kind for kind, firsts in KINDS.items() if first in firsts] or [""]
    if not kind:
        raise LookupError(f"{name} is of no known kind: add {first!r} to KINDS")
    return kind


def fate(framework: str, way: Any, side: str) -> Fate | None:
    """Return what becomes of a way under WSGI or ASGI; None where there it does not exist."""
    if (framework, way.name, side) in SAID:
        return Fate(*SAID[framework, way.name, side])
    if getattr(way, "on", "both") not in {"both", side.lower()}:
        return None
    other = getattr(way, "asgi", None) if side == "ASGI" else None
    becomes = way.becomes if other is None else other
    match becomes:
        case (
            starlette_row.Envelope()
            | django_row.Envelope()
            | starlette_row.Closed()
            | starlette_row.Ended()
            | django_row.Ended()
            | fastapi_way.Ended()
        ):
            return Fate(ENVELOPE, layer=getattr(way, "wrapper_only", False))
        case starlette_row.Alone():
            return Fate(ALONE, becomes.why)
        case django_row.Alone():
            return Fate(ALONE, "a debug page, for a browser" if becomes.reported else "no error")
        case starlette_row.Gone() | django_row.Gone():
            return Fate(ALONE, GONE)
        case django_row.Raised():
            return Fate(ALONE, HANDED_ON)
        case starlette_row.Cut() | django_row.Cut():
            return Fate(OUT, BEGUN)
        case starlette_row.Unreachable():
            return Fate(OUT, becomes.why)
        case _:
            raise LookupError(f"{framework}: {way.name} becomes {becomes}, which has no word")


def fates(framework: str, way: Any) -> list[tuple[str, Fate]]:
    """Return where (nothing for everywhere) and what becomes of a way."""
    sides = SIDES[framework]
    found = {side: fate(framework, way, side) for side in sides}
    told = [(side, each) for side, each in found.items() if each is not None]
    if not told:
        raise LookupError(f"{framework}: what becomes of {way.name} is not known")
    if len(told) == len(sides) and len({each for _, each in told}) == 1:
        return [("", told[0][1])]
    return told


def ways_of(framework: str, kind: str) -> list[Any]:
    """Return the ways of a kind."""
    return [way for way in WAYS[framework] if kind_of(way.name) == kind]


def cell(framework: str, kind: str) -> str:
    """Write how many ways of a kind become what."""
    counts: Counter[tuple[str, str]] = Counter()
    for way in ways_of(framework, kind):
        told = fates(framework, way)
        if len({each.verdict for _, each in told}) == 1:  # counted once
            counts[told[0][1].verdict, ""] += 1
        else:
            counts.update((each.verdict, f" ({side})") for side, each in told)
    if not counts:
        below = STANDS_ON.get(framework, framework)
        if ways_of(below, kind):
            return f"as {below}"
        if (below, kind) not in NO_WAY:
            raise LookupError(f"{framework} has no row of {kind!r}: say why in NO_WAY")
        return NO_WAY[below, kind]
    ordered = sorted(counts.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1]))
    return "<br>".join(f"{verdict}: {n}{side}" for (verdict, side), n in ordered)


def summary() -> Iterator[str]:
    """Write the table of kinds."""
    yield "| Kind | " + " | ".join(WAYS) + " |"
    yield "|---|" + "---|" * len(WAYS)
    for kind in KINDS:
        yield f"| {kind} | " + " | ".join(cell(framework, kind) for framework in WAYS) + " |"
    totals = (str(len(ways)) for ways in WAYS.values())
    yield "| **Ways** | " + " | ".join(totals) + " |"


def lists(kind: str) -> Iterator[str]:
    """Write the ways of a kind, one framework after the other."""
    total = sum(len(ways_of(framework, kind)) for framework in WAYS)
    yield f"<details><summary>{kind}: {total} ways</summary>\n"
    for framework in WAYS:
        found: dict[Fate, list[str]] = {}
        for way in ways_of(framework, kind):
            for side, each in fates(framework, way):
                found.setdefault(each, []).append(f"`{way.name}`{side and f' ({side})'}")
        if not found:
            yield f"- **{framework}**: {cell(framework, kind)}"
            continue
        yield f"- **{framework}**"
        for each, names in sorted(found.items(), key=lambda item: ORDER.index(item[0].verdict)):
            layer = "the layer in `wsgi.py` or `asgi.py` answers" if each.layer else ""
            why = each.why or layer
            yield f"  - {each.verdict}{why and f' ({why})'}: {', '.join(names)}"
    yield "\n</details>\n"


def tables() -> str:
    """Write what stands between the page's marks."""
    lines: Iterable[str] = (
        *summary(),
        "\n## Each way\n",
        "Open a kind to see its ways. Each is a row of a test table of that name.\n",
        *(line for kind in KINDS for line in lists(kind)),
    )
    return "\n".join(lines) + "\n"


def current() -> bool:
    """Whether these releases have all the ways: some came after the oldest that are claimed."""
    drf = tuple(int(part) for part in rest_framework.VERSION.split(".")[:2])
    return (
        django.VERSION >= (5, 2, 18) and drf >= (3, 18) and find_spec("ninja.streaming") is not None
    )


def main(arguments: list[str]) -> str | None:
    """Write the page anew, or say what is wrong with it."""
    made = tables()  # fails where a cell is not known
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if arguments != ["--check"]:
        PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}")
    elif current() and f"{BEGIN}\n{made}\n{END}" not in text:
        return f"{PAGE.name} is stale: run {COMMAND}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

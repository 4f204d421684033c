"""Every way by which an error leaves a service, and what becomes of it: the page's table.

The tests of the adapters hold those ways as data (`tests/adapters/*`). This puts them side by
side, kind by kind, and says in one of three words what becomes of each. What no row can show
stands here, with the test that does. A way whose kind or fate is not known here is an error,
and so is a kind that a framework has no ways of and no word on. `python tests/failure_paths.py`
writes `docs/failure-paths.md` anew; with `--check` it says whether that is due.
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

import django
import rest_framework

from adapters.django import row as django_row
from adapters.django.test_rows import ROWS as DJANGO
from adapters.drf.test_rows import ROWS as DRF
from adapters.fastapi import ways as fastapi_way
from adapters.fastapi.test_ways import EVERY as FASTAPI
from adapters.flask.rows import EVERY as FLASK
from adapters.litestar.rows import EVERY as LITESTAR
from adapters.ninja.test_rows import ROWS as NINJA
from adapters.starlette import row as starlette_row
from adapters.starlette.rows import EVERY as STARLETTE
from adapters.starlette.rows_views import MORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = Path(__file__).parents[1] / "docs" / "failure-paths.md"
COMMAND = "python tests/failure_paths.py"
BEGIN, END = f"<!-- made by {COMMAND} -->\n", "<!-- until here -->\n"

ENVELOPE, ALONE, OUT = "envelope", "left alone on purpose", "out of reach"
ORDER = (ENVELOPE, ALONE, OUT)

GONE = "the client has gone"
HANDED_ON = "the end of a task or of a generator is no error, and goes on at once"
BEGUN = "the answer had begun: it is cut, and the client sees that it is not whole"
REFUSED = "the server refuses it, or closes the connection"
AROUND = "with `KaikoMiddleware` of `kaiko_asgi` around Channels' router"


@dataclass(frozen=True)
class Fate:
    """What becomes of a way, and why it is no envelope."""

    verdict: str
    why: str = ""
    layer: bool = False
    """Whether it takes the layer in `wsgi.py` or `asgi.py`."""


@dataclass(frozen=True)
class Told:
    """A way that no row can show."""

    name: str
    becomes: Fate
    shown_by: str
    """The test that shows it, after its folder and file; or how it was tried by hand."""
    on: str = "both"


_ALL_SERVERS = "servers/test_refusals.py::test_refusal"
_BY_HAND = "by hand, with Channels 4.3.2"
_OF_DJANGO = (
    Told(
        "disconnect/stream",
        Fate(ALONE, GONE),
        "servers/test_disconnects.py::test_a_client_that_leaves_ends_its_stream",
    ),
    Told(
        "disconnect/view",
        Fate(ALONE, GONE),
        "adapters/django/test_requests.py::test_client_leaves_while_a_view_works",
        on="asgi",
    ),
    Told(
        "disconnect/body",
        Fate(ALONE, GONE),
        "servers/test_disconnects.py::test_a_client_that_leaves_its_body_behind",
    ),
    Told("disconnect/half-close-POST", Fate(OUT, REFUSED), _ALL_SERVERS, on="asgi"),
    Told("routing/non-utf8-query-raw", Fate(OUT, REFUSED), _ALL_SERVERS),
    Told("body/bad-content-length", Fate(OUT, REFUSED), _ALL_SERVERS),
    Told(
        "middleware/__init__",
        Fate(OUT, "the project does not start"),
        "adapters/django/test_requests.py::test_middleware_that_cannot_be_made",
    ),
    Told(
        "websocket/to-Django",
        Fate(ENVELOPE, layer=True),
        "adapters/django/test_sockets.py::test_nothing_takes_it",
        on="asgi",
    ),
    Told("channels/http-404", Fate(ENVELOPE), _BY_HAND, on="asgi"),
    Told("channels/origin", Fate(ENVELOPE, AROUND), _BY_HAND, on="asgi"),
    Told("channels/consumer-raises", Fate(ENVELOPE, AROUND), _BY_HAND, on="asgi"),
    Told("channels/consumer-raises-after", Fate(ENVELOPE, AROUND), _BY_HAND, on="asgi"),
)

_OF_FLASK = (
    Told(
        "after-response/call_on_close",
        Fate(ALONE, "the answer is whole; the exception reaches the server"),
        "adapters/flask/test_ready_bodies.py::test_a_callback_that_fails",
    ),
    Told(
        "host/not-trusted",
        Fate(ENVELOPE),
        "adapters/flask/test_answers.py::test_a_host_that_is_not_trusted",
    ),
    Told("validation/apiflask", Fate(ENVELOPE), "adapters/flask/test_apiflask.py::test_bodies"),
    Told("body/bad-content-length", Fate(OUT, REFUSED), _ALL_SERVERS),
)
TOLD = (*_OF_DJANGO, *_OF_FLASK)

WAYS: dict[str, tuple[Any, ...]] = {
    "Starlette": (*STARLETTE, *MORE),
    "FastAPI": FASTAPI,
    "Litestar": LITESTAR,
    "Flask": (*FLASK, *_OF_FLASK),
    "Django": (*DJANGO, *_OF_DJANGO),
    "DRF": DRF,
    "Ninja": NINJA,
}
STANDS_ON = {"FastAPI": "Starlette", "DRF": "Django", "Ninja": "Django"}
BOTH = ("WSGI", "ASGI")
ASGI = ("ASGI",)
SIDES = {
    "Starlette": ASGI,
    "FastAPI": ASGI,
    "Litestar": ASGI,
    "Flask": ("WSGI",),
    "Django": BOTH,
    "DRF": BOTH,
    "Ninja": BOTH,
}

# What the names of ways begin with, kind by kind.
KINDS = {
    "Your code raises": (
        *("uncaught", "raised", "raised-async", "dependency", "template", "orm"),
        *("after-response", "lifespan", "process", "HTTPException"),
    ),
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
    "WebSockets": ("websocket", "channels"),
    "Middleware, error handlers, debug mode": ("middleware", "handler", "debug", "settings"),
}
# What becomes of a kind that a framework has no way of, where none stands below it that has.
NO_WAY = {
    ("Starlette", "Validation"): Fate(ENVELOPE, "by `parse_body`: it validates nothing itself"),
    ("Django", "Validation"): Fate(ENVELOPE, "by `parse_body`: it validates nothing itself"),
}

# Where a way is not there to be tested, or is no choice of ours whatever its test calls it.
SAID: dict[tuple[str, str, str], Fate] = {
    ("Django", "BaseException/task-cancelled", "ASGI"): Fate(
        ALONE,
        "from Django 6.1 on the task is the server's, and its end goes on; until then, envelope",
    ),
    # Tested from Python 3.13 on; before, the request hangs with and without us.
    ("Django", "raised/stop-iteration", "ASGI"): Fate(ENVELOPE),
}


def kind_of(name: str) -> str:
    """Return the kind of a way."""
    first = name.partition("/")[0]
    (kind,) = [kind for kind, firsts in KINDS.items() if first in firsts] or [""]
    if not kind:
        raise LookupError(f"{name} is of no known kind: add {first!r} to KINDS")
    return kind


def becomes_on(side: str, way: Any) -> Any:
    """Return what the table of a way says of WSGI or ASGI."""
    other = getattr(way, "asgi", None) if side == "ASGI" else None
    return way.becomes if other is None else other


def fate(framework: str, way: Any, side: str) -> Fate | None:
    """Return what becomes of a way under WSGI or ASGI; None where there it does not exist."""
    said = SAID.get((framework, way.name, side))
    if said is None and getattr(way, "on", "both") not in {"both", side.lower()}:
        return None
    match becomes := said or becomes_on(side, way):
        case Fate():
            return becomes
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


def standing_for(framework: str, kind: str) -> str:
    """Return the framework whose ways of a kind are this one's: itself, or what it stands on."""
    return framework if ways_of(framework, kind) else STANDS_ON.get(framework, framework)


def none_of(framework: str, kind: str) -> Fate:
    """Return what becomes of a kind that a framework has no way of."""
    if (framework, kind) not in NO_WAY:
        raise LookupError(f"{framework} has no row of {kind!r}: say what becomes of it in NO_WAY")
    return NO_WAY[framework, kind]


def cell(framework: str, kind: str) -> str:
    """Write how many ways of a kind become what; each line begins with the word for it."""
    below = standing_for(framework, kind)
    counts: Counter[tuple[str, str]] = Counter()
    for way in ways_of(below, kind):
        told = fates(below, way)
        if len({each.verdict for _, each in told}) == 1:  # counted once
            counts[told[0][1].verdict, ""] += 1
        else:
            counts.update((each.verdict, f" ({side})") for side, each in told)
    ordered = sorted(counts.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1]))
    lines = [f"{verdict}: {n}{side}" for (verdict, side), n in ordered]
    if not lines:
        none = none_of(below, kind)
        lines = [f"{none.verdict} ({none.why})"]
    return "<br>".join(lines) + (f" (as {below})" if below != framework else "")


def summary() -> Iterator[str]:
    """Write the table of kinds."""
    yield (
        "| Kind | " + " | ".join(f"{name}: {len(ways)} ways" for name, ways in WAYS.items()) + " |"
    )
    yield "|---|" + "---|" * len(WAYS)
    for kind in KINDS:
        yield f"| {kind} | " + " | ".join(cell(framework, kind) for framework in WAYS) + " |"


def lists(kind: str) -> Iterator[str]:
    """Write the ways of a kind, one framework after the other."""
    total = sum(len(ways_of(framework, kind)) for framework in WAYS)
    yield f"<details><summary>{kind}: {total} ways</summary>\n"
    for framework in WAYS:
        below = standing_for(framework, kind)
        if below != framework:
            yield f"- **{framework}**: as {below}"
            continue
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
        "Open a kind to see its ways. Each is a row of a test table of that name. Where no row",
        "can show one, `tests/failure_paths.py` names the test that does; Channels was tried by",
        "hand.\n",
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

"""An error's way: how it gets into the toolkit, the steps it passes, and who sees it.

The words are here; which functions a step takes is counted by `bench/error_way.py`, and which
modules there are is what import-linter knows. A step that no error passes any more, or a module
that is gone, is an error of the build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from drawing.svg import CODE, PLAIN, STRONG, WIDE, arrow, box, element, picture, text, wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from drawing.svg import Style

Way = dict[str, list[str]]
"""The functions that an error passes, by file."""
Point = tuple[float, float]
Drawn = tuple[float, list[str]]
"""A height, and the parts."""

TITLE = "An error’s way through the toolkit"
REQUEST = ("Request", "gets an id", "Your service")
FAILS = "Something fails"
ONE = ("One typed error", "status, type, code, message, param")
SEEN = ("Your tools see it too", "logs, hooks, OpenTelemetry, Sentry")
CLIENT = ("The client", "one envelope, its id, whether to retry")


class Source(NamedTuple):
    """What fails, in two lines, and the module of the core that knows it."""

    first: str
    second: str
    module: str


class Step(NamedTuple):
    """What every typed error passes: a name, what is done, and where (the starts of paths)."""

    title: str
    done: str
    shown: str
    files: tuple[str, ...]


SOURCES = (
    Source("Your code raises", "a typed error", "errors"),
    Source("Any other", "exception", "map_exception"),
    Source("A validator", "refuses the input", "validation"),
    Source("An error answer", "is returned", "foreign_answer"),
    Source("An upstream", "fails", "upstream"),
)
STEPS = (
    Step(
        "1. Report",
        "one log record, once",
        "report.py",
        ("kaiko_middleware/report.py", "kaiko_middleware/log_record.py"),
    ),
    Step("2. Render", "the body and the headers", "render.py", ("kaiko_middleware/render.py",)),
    Step("3. Send", "CORS too, or a stream’s end", "adapter", ("kaiko_asgi/", "kaiko_starlette/")),
)


def functions_of(step: Step, way: Way) -> list[str]:
    """List what of a way belongs to a step.

    Raises:
        ValueError: nothing does.

    """
    found = [name for file, names in way.items() if file.startswith(step.files) for name in names]
    if not found:
        message = f"no error passes {step.shown}: the picture is of another toolkit"
        raise ValueError(message)
    return found


def told(way: Way) -> str:
    """Tell the picture in words, for who cannot see it."""
    sources = "; ".join(f"{each.first} {each.second}".lower() for each in SOURCES)
    steps = "; ".join(f"{each.title} ({each.done})" for each in STEPS)
    functions = sum(len(names) for names in way.values())
    return (
        f"A request gets an id and reaches your service. Something fails: {sources}. Each becomes "
        f"one typed error, which passes three steps: {steps}. {SEEN[0]}: {SEEN[1]}. {CLIENT[0]} "
        f"gets {CLIENT[1]}. A typed error on Starlette passes {functions} functions in "
        f"{len(way)} files."
    )


def error_way(key: str, way: Way, modules: Collection[str], width: int) -> str:
    """Draw it.

    Arguments:
        key: makes its ids unique in the page.
        way: what a typed error passes.
        modules: the modules of the core.
        width: of the picture; one that is no `WIDE` has steps below each other.

    Raises:
        ValueError: a source's module or a step's functions are gone.

    """
    if gone := [each.module for each in SOURCES if each.module not in modules]:
        message = f"the core has no {', '.join(gone)}"
        raise ValueError(message)
    counted = [f"{each.shown}, {len(functions_of(each, way))} functions" for each in STEPS]
    height, parts = (_wide if width >= WIDE else _narrow)(width, counted)
    return picture(key, (width, height), TITLE, told(way), parts)


def _box(at: Point, size: Point, kind: str, *lines: tuple[str, Style]) -> list[str]:
    """Write a box with its lines in the middle; what is too long goes on in the next."""
    (x, y), (width, height) = at, size
    room = width - 12
    broken = [(line, style) for words, style in lines for line in wrapped(words, style, room)]
    first = y + height / 2 + 5 - 9 * (len(broken) - 1)
    return [
        box(x, y, size, kind),
        *(
            text(x + width / 2, first + 18 * row, line, style, room=room, anchor="middle")
            for row, (line, style) in enumerate(broken)
        ),
    ]


def _request(width: float, gap: float) -> tuple[float, list[str]]:
    """Write the way in; return where the service is, too."""
    across = (width - 2 * gap) / 3
    parts: list[str] = []
    for at, name in enumerate(REQUEST):
        x = at * (across + gap)
        parts += _box((x, 1), (across, 32), "ours" if at == 1 else "theirs", (name, PLAIN))
        if at:
            parts.append(arrow((x - gap, 17), (x, 17)))
    return width - across / 2, parts


def _wide(width: float, counted: Sequence[str]) -> Drawn:
    service, parts = _request(width, 40)
    parts.append(text(0, 55, FAILS, STRONG, room=120))
    across = (width - 4 * 15) / len(SOURCES)
    first, last = across / 2, width - across / 2
    bus = f"M{service:.1f} 33V66M{first:.1f} 66H{last:.1f}"
    parts.append(element("path", d=bus, class_="line"))
    for at, each in enumerate(SOURCES):
        x = at * (across + 15)
        lines = ((each.first, PLAIN), (each.second, PLAIN), (each.module, CODE))
        parts += _box((x, 82), (across, 68), "theirs", *lines)
        middle = x + across / 2
        parts.append(arrow((middle, 66), (middle, 82)))
        parts.append(arrow((middle, 150), (middle, 174)))
    parts += _box((0, 174), (width, 36), "ours", (": ".join(ONE), STRONG))
    across = (width - 2 * 30) / len(STEPS)
    for at, (step, code) in enumerate(zip(STEPS, counted, strict=True)):
        x = at * (across + 30)
        done = ((step.title, STRONG), (step.done, PLAIN), (code, CODE))
        parts += _box((x, 234), (across, 68), "ours", *done)
        middle = x + across / 2
        start = (x - 30, 268) if at else (middle, 210)
        parts.append(arrow(start, (x, 268) if at else (middle, 234)))
    ends = ((0, SEEN, across / 2), (width / 2 + 15, CLIENT, width - across / 2))
    for x, (name, what), middle in ends:
        kind = "theirs" if name == SEEN[0] else "told"
        parts += _box((x, 326), (width / 2 - 15, 50), kind, (name, STRONG), (what, PLAIN))
        parts.append(arrow((middle, 302), (middle, 326)))
    return 377, parts


def _narrow(width: float, counted: Sequence[str]) -> Drawn:
    service, parts = _request(width, 20)
    parts += [text(0, 58, FAILS, STRONG, room=120), arrow((service, 33), (service, 68))]
    bottom = 68 + 30 * len(SOURCES) + 8
    parts.append(box(0, 68, (width, bottom - 68), "theirs"))
    for at, each in enumerate(SOURCES):
        y, words = 92 + 30 * at, f"{each.first} {each.second}"
        parts.append(text(10, y, words, room=200))
        parts.append(text(width - 10, y, each.module, CODE, room=110, anchor="end"))
    parts.append(arrow((width / 2, bottom), (width / 2, bottom + 22)))
    top = bottom + 22
    parts += _box((0, top), (width, 50), "ours", (ONE[0], STRONG), (ONE[1], PLAIN))
    across, top = (width - 24) / 2, top + 50
    for step, code, end in zip(STEPS, counted, (SEEN, None, CLIENT), strict=True):
        parts.append(arrow((across / 2, top), (across / 2, top + 22)))
        top += 22
        done = ((step.title, STRONG), (step.done, PLAIN), (code, CODE))
        parts += _box((0, top), (across, 104), "ours", *done)
        if end:
            kind = "theirs" if end == SEEN else "told"
            lines = ((end[0], STRONG), (end[1], PLAIN))
            parts += _box((across + 24, top), (across, 104), kind, *lines)
            parts.append(arrow((across, top + 52), (across + 24, top + 52)))
        top += 104
    return top + 1, parts

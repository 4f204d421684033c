"""What the toolkit costs, as bars: ours, what it is measured against, and the best peer.

The figures are those that `nox -s bench` saves. Here is which of them are shown together, and
what a reader calls them. A figure over its goal is drawn in another colour and says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from drawing.svg import NARROW, SMALL, STRONG, element, picture, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BAR, _STEP = 12, 17  # the height of a bar, and from one to the next


class Measured(TypedDict):
    """The times of a figure, as `bench.measure.Spread` is saved."""

    median: float


class Figure(TypedDict):
    """What is read of a figure, as `bench.figure.Figure` is saved."""

    key: str
    title: str
    unit: str
    goal: float
    goal_timed: float | None
    at_least: bool
    peer: str
    counted: float | None
    measured: Measured | None
    met: bool | None


class Group(NamedTuple):
    """Bars with one scale: what one means, and what each figure is called."""

    title: str
    against: str
    figures: Mapping[str, str]


GROUPS = {
    "success": Group(
        "A request that succeeds",
        "without it",
        {
            "starlette_success": "Starlette",
            "fastapi_success": "FastAPI",
            "django_wsgi_success": "Django under WSGI",
            "flask_success": "Flask",
        },
    ),
    "fastapi": Group(
        "An error on FastAPI",
        "by hand",
        {
            "fastapi_typed_by_hand": "Typed error",
            "fastapi_validation_by_hand": "Validation failure",
            "fastapi_unknown_by_hand": "Unknown route",
            "fastapi_bug_by_hand": "Unmapped exception, its traceback logged",
        },
    ),
    "django": Group(
        "An error on Django and Django REST framework",
        "their own",
        {
            "drf_typed": "Typed error (DRF)",
            "drf_error": "NotFound of DRF’s own",
            "drf_validation": "Serializer failure (DRF)",
            "django_wsgi_unknown": "Unknown route",
            "django_wsgi_bug": "Unmapped exception, its traceback logged",
        },
    ),
    "flask": Group(
        "An error on Flask",
        "by hand",
        {
            "flask_typed": "Typed error",
            "flask_unknown": "Unknown route",
            "flask_bug": "Unmapped exception, its traceback logged",
        },
    ),
    "alone": Group(
        "What the middleware adds to a success",
        "empty middleware",
        {
            "asgi_success": "ASGI, the client’s id is ignored",
            "asgi_trusted": "ASGI, the client’s id is read and checked",
            "wsgi_success": "WSGI",
        },
    ),
}


class Bars(NamedTuple):
    """One figure's bars, in words and numbers."""

    label: str
    ours: float
    goal: float
    verdict: str
    met: bool | None
    peer: float | None


def value_of(figure: Figure) -> float | None:
    """Return a figure's number: counted, or else timed, or None."""
    if figure["counted"] is not None:
        return figure["counted"]
    return None if figure["measured"] is None else figure["measured"]["median"]


def limit_of(figure: Figure) -> float:
    """Return the goal that decides."""
    timed = figure["goal_timed"]
    return figure["goal"] if timed is None or figure["counted"] is not None else timed


def goal_of(figure: Figure) -> str:
    """Write the goal that decides."""
    return f"{'≥' if figure['at_least'] else '≤'} {limit_of(figure):g}"


def bars_of(group: Group, figures: Sequence[Figure]) -> list[Bars]:
    """Return what is drawn of a group; what was not measured is left out."""
    by_key = {figure["key"]: figure for figure in figures}
    found: list[Bars] = []
    for key, label in group.figures.items():
        figure = by_key.get(key)
        value = None if figure is None else value_of(figure)
        if figure is None or value is None:
            continue
        verdict = "" if figure["met"] else ", missed"
        peer = re.match(r"[\d.]+", figure["peer"])
        told = f"{value:.2f} (goal {goal_of(figure)}{verdict})"
        best = float(peer[0]) if peer else None
        found.append(Bars(label, value, limit_of(figure), told, figure["met"], best))
    if not found:
        message = f"no figure of '{group.title}' was measured"
        raise ValueError(message)
    return found


def costs(key: str, group: Group, figures: Sequence[Figure], width: int) -> str:
    """Draw a group's bars."""
    shown = bars_of(group, figures)
    most = max(max(each.ours, each.goal, each.peer or 0, 1) for each in shown)
    across = (width - (240 if width > NARROW else 175)) / most
    parts: list[str] = []
    top = 0.0
    for each in shown:
        parts.append(text(0, top + 14, each.label, STRONG, room=width))
        top += 22
        kind = "good" if each.met else "bad"
        rows = [(each.ours, kind, f"ours {each.verdict}"), (1.0, "plain", f"{group.against} 1")]
        if each.peer is not None:
            rows.append((each.peer, "peer", f"best peer {each.peer:g}"))
        goal = element(
            "path", d=f"M{each.goal * across:.1f} {top - 3:.0f}v{_BAR + 6}", class_="goal"
        )
        for value, kind, words in rows:
            long = max(value * across, 1)
            end = max(long, each.goal * across) if kind in {"good", "bad"} else long
            parts.append(
                element("rect", x=0, y=top, width=long, height=_BAR, rx=2, class_=f"bar {kind}")
            )
            parts.append(text(end + 8, top + 10.5, words, SMALL, room=width - end - 8))
            top += _STEP
        parts.append(goal)
        top += 10
    return picture(key, (width, top - 8), group.title, told(group, shown), parts)


def told(group: Group, shown: Sequence[Bars]) -> str:
    """Tell the bars in words, for who cannot see them."""
    rows = [
        f"{each.label}: ours {each.verdict}"
        + ("" if each.peer is None else f", best peer {each.peer:g}")
        for each in shown
    ]
    return f"Where 1 is {group.against}. {'; '.join(rows)}."


def rows_of(figures: Sequence[Figure]) -> list[tuple[str, str, str, str, str]]:
    """Return every measured figure as a row: title, number, goal with its unit, verdict, peer."""
    said = {True: "yes", False: "**no**", None: "–"}
    return [
        (
            figure["title"],
            f"{value:.2f}",
            f"{goal_of(figure)} {figure['unit']}",
            said[figure["met"]],
            figure["peer"],
        )
        for figure in figures
        if (value := value_of(figure)) is not None
    ]

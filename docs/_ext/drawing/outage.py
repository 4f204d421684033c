"""The outage: how many attempts and answers there are in each second, as lines in two panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from drawing.svg import NARROW, SMALL, STRONG, element, picture, text

if TYPE_CHECKING:
    from collections.abc import Sequence

Rows = dict[str, list[int]]
"""How many in each second, by the name of the line."""

SHOWN = 230  # seconds
LINES = ("calm", "bad", "good")  # classes, in the order of the rows
TITLE = "An outage of a minute, without and with a retry budget"
_LEFT, _HEIGHT = 36, 150


class Stored(TypedDict):
    """What `bench/outage.py` has stored: from when to when it is down, and the rows."""

    down: list[int]
    sent: Rows
    answered: Rows


class Panel(NamedTuple):
    """One diagram: its name, the top of its scale, and its lines."""

    title: str
    most: int
    rows: Rows


def outage(key: str, data: Stored, width: int) -> str:
    """Draw what `bench/outage.py` has stored; a point is the mean of some seconds."""
    start, stop = data["down"]
    panels = (
        Panel("Attempts that reach the upstream, a second", 300, data["sent"]),
        Panel("Calls answered in time, a second", 150, data["answered"]),
    )
    down = range(start, stop)
    parts, top = _legend(width, list(panels[0].rows))
    for panel in panels:
        parts.append(text(0, top, panel.title, STRONG, room=width))
        parts += _axes(width, top + 12, panel.most, down)
        parts += _lines(width, top + 12, panel)
        top += _HEIGHT + 58
    parts.append(text(width, top - 8, "seconds since it went down", SMALL, room=200, anchor="end"))
    return picture(key, (width, top), TITLE, told(panels, down), parts)


def told(panels: Sequence[Panel], down: range) -> str:
    """Tell the picture in numbers, for who cannot see it."""
    said = [f"The upstream is down from second 0 to {len(down)}."]
    for panel in panels:
        found = ", ".join(
            f"{sum(row[down.start : down.stop])} with {name}" for name, row in panel.rows.items()
        )
        after = ", ".join(
            f"{sum(row[down.stop : down.stop + 60])} with {name}"
            for name, row in panel.rows.items()
        )
        said.append(f"{panel.title}: while it is down {found}; in the minute after it {after}.")
    return " ".join(said).replace(", a second", "")


def _legend(width: float, names: Sequence[str]) -> tuple[list[str], float]:
    """Write what each line is: in a row, or below each other; return where it ends, too."""
    beneath = width <= NARROW
    parts: list[str] = []
    for at, (name, kind) in enumerate(zip(names, LINES, strict=True)):
        x, y = (0.0, 12.0 + 20 * at) if beneath else (at * width / 3, 12.0)
        parts.append(element("path", d=f"M{x:.0f} {y - 4:.0f}h28", class_=f"curve {kind}"))
        parts.append(text(x + 36, y, name, room=width - 36 if beneath else width / 3 - 36))
    return parts, 90.0 if beneath else 48.0


def _axes(width: float, top: float, most: int, down: range) -> list[str]:
    across, bottom = (width - _LEFT) / SHOWN, top + _HEIGHT
    start, wide = _LEFT + down.start * across, len(down) * across
    middle = start + wide / 2
    parts = [
        element("rect", x=start, y=top, width=wide, height=_HEIGHT, class_="down"),
        text(middle, top + 16, "down", SMALL, room=wide, anchor="middle"),
    ]
    for value in range(0, most + 1, 50 if most < 200 else 100):
        y = bottom - value * _HEIGHT / most
        parts.append(element("path", d=f"M{_LEFT} {y:.1f}H{width:.0f}", class_="scale"))
        parts.append(text(_LEFT - 6, y + 4, str(value), SMALL, room=_LEFT - 6, anchor="end"))
    step = 30 if width > NARROW else 60
    for second in range(0, SHOWN - down.start, step):
        x = _LEFT + (second + down.start) * across
        parts.append(text(x, bottom + 17, str(second), SMALL, room=30, anchor="middle"))
    return parts


def _lines(width: float, top: float, panel: Panel) -> list[str]:
    across, up, bottom = (width - _LEFT) / SHOWN, _HEIGHT / panel.most, top + _HEIGHT
    step = 2 if width > NARROW else 4
    parts: list[str] = []
    for row, kind in reversed([*zip(panel.rows.values(), LINES, strict=True)]):  # dots on top
        points = " ".join(
            f"{_LEFT + (at + step / 2) * across:.1f},"
            f"{bottom - sum(row[at : at + step]) / step * up:.1f}"
            for at in range(0, SHOWN - step + 1, step)
        )
        parts.append(element("polyline", points=points, class_=f"curve {kind}"))
    return parts

"""SVG in a few functions: elements, text that must fit, and the picture with its description."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

WIDE, NARROW = 720, 340  # the page's column, and a phone's

# Advances in thousandths of the size, of Arial rounded up: fonts of systems differ a little.
_NARROW, _NORMAL, _LARGE, _MONO = 340, 570, 740, 625
_ADVANCES: dict[str, int] = {
    **dict.fromkeys("ijltfr.,:;'|!()[]/ ·-", _NARROW),
    **dict.fromkeys("ABCDEFGHKNOPQRSTUVXYZ&w≤≥×→", _LARGE),
    **dict.fromkeys("mMW%@", 920),
}


class DoesNotFitError(ValueError):
    """A text is wider than its room: the picture needs another layout."""


class Style(NamedTuple):
    """How a text looks; the class is in pictures.css, which has the same size."""

    name: str
    size: int
    mono: bool = False


PLAIN = Style("plain", 13)
STRONG = Style("strong", 13)
SMALL = Style("small", 12)
CODE = Style("code", 12, mono=True)


def width_of(words: str, style: Style) -> float:
    """Return how wide a text is at most, in units of the picture."""
    advances: list[int] = [_MONO if style.mono else _ADVANCES.get(each, _NORMAL) for each in words]
    heavier = 1.07 if style is STRONG else 1
    return sum(advances) * heavier * style.size / 1000


def element(name: str, content: str = "", **attributes: object) -> str:
    """Write an element; `content` is markup, and underscores in names become hyphens."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_written(value))}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _written(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def text(
    x: float,
    y: float,
    words: str,
    style: Style = PLAIN,
    *,
    room: float,
    anchor: str = "start",
    colour: str = "",
) -> str:
    """Write a line of text.

    Arguments:
        x: where it starts, ends or has its middle, by `anchor`.
        y: its base line.
        words: the text.
        style: its size and weight.
        room: how wide it may be.
        anchor: `start`, `middle` or `end`.
        colour: a class that colours it.

    Raises:
        DoesNotFitError: it is wider.

    """
    if (width := width_of(words, style)) > room:
        message = f"'{words}' takes {width:.0f} of {room:.0f}"
        raise DoesNotFitError(message)
    kinds = f"{style.name} {colour}".strip()
    extra = {} if anchor == "start" else {"text_anchor": anchor}
    return element("text", escape(words, quote=False), x=x, y=y, class_=kinds, **extra)


def wrapped(words: str, style: Style, room: float) -> list[str]:
    """Break a text into lines that fit."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, style) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def arrow(*points: tuple[float, float]) -> str:
    """Write a line through these points, with a head at the last; it runs down or to the right."""
    (x0, y0), (x, y) = points[-2:]
    wing = f"l-4 -7h8zM{x} {y}" if y > y0 else f"l-7 -4v8zM{x} {y}"
    if y == y0 and x < x0:
        message = f"an arrow runs back from {x0} to {x}"
        raise ValueError(message)
    line = " ".join(f"{each_x},{each_y}" for each_x, each_y in points)
    return element("polyline", points=line, class_="line") + element(
        "path", d=f"M{x} {y}{wing}", class_="head"
    )


def box(x: float, y: float, size: tuple[float, float], kind: str) -> str:
    """Write a box with round corners; `kind` is its class."""
    return element("rect", x=x, y=y, width=size[0], height=size[1], rx=6, class_=f"box {kind}")


def picture(key: str, size: tuple[float, float], title: str, told: str, parts: list[str]) -> str:
    """Write the whole picture.

    Arguments:
        key: makes its ids unique in the page.
        size: width and height.
        title: its name, for who cannot see it.
        told: what it shows, likewise.
        parts: its elements.

    """
    width, height = size
    named = element("title", escape(title, quote=False), id=f"{key}-title")
    described = element("desc", escape(told, quote=False), id=f"{key}-told")
    return element(
        "svg",
        "\n".join(["", named, described, *parts, ""]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"-1 -1 {width + 2:.0f} {height + 2:.0f}",  # half of a line is outside of its box
        width=int(width) + 2,
        role="img",
        aria_labelledby=f"{key}-title {key}-told",
    )

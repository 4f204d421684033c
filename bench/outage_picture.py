"""The picture of docs/outage.md: SVG, written by hand, its colours good on white and on black."""

from __future__ import annotations

Rows = dict[str, list[int]]
"""Lines: how many in each second, by name."""

COLOURS = ("#7a7a7a", "#d9591c", "#2f7fd6")
DASHES = ("2 3", "none", "none")
LEFT, WIDTH, HEIGHT = 50, 690, 150
SHOWN = 230  # seconds
STEP = 2  # seconds that are one point
_ROOT = (
    'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 500" role="img" '
    'font-family="system-ui, sans-serif" font-size="14" fill="#7a7a7a"'
)


def picture(sent: Rows, answered: Rows, down: range) -> str:
    """Return the picture, which any background can be behind.

    Arguments:
        sent: attempts in each second, by the name of their line.
        answered: calls that were answered in each second.
        down: the seconds of the outage.

    """
    parts = [
        f"<svg {_ROOT}>",
        "<title>An outage of a minute, without and with a retry budget</title>",
    ]
    panels = (
        (30, 300, "attempts that reach the upstream, a second", sent),
        (270, 150, "calls answered in time, a second", answered),
    )
    for top, most, title, rows in panels:
        parts += [
            f'<text x="{LEFT}" y="{top - 10}">{title}</text>',
            *_axes(top, most, down),
            *_lines(top, most, rows),
        ]
    parts.append('<text x="395" y="456" text-anchor="middle">seconds since it went down</text>')
    for at, name, colour, dash in zip((50, 200, 450), sent, COLOURS, DASHES, strict=True):
        line = f'stroke="{colour}" stroke-width="3" stroke-dasharray="{dash}"'
        parts.append(f'<path d="M{at} 480h28" {line}/>')
        parts.append(f'<text x="{at + 36}" y="485" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _axes(top: int, most: int, down: range) -> list[str]:
    across, bottom = WIDTH / SHOWN, top + HEIGHT
    start, wide = LEFT + down.start * across, len(down) * across
    middle = f'x="{start + wide / 2:.0f}" y="{top + 16}" text-anchor="middle"'
    area = f'x="{start:.0f}" y="{top}" width="{wide:.0f}" height="{HEIGHT}"'
    parts = [
        f'<rect {area} fill="#d9591c" fill-opacity="0.12"/>',
        f"<text {middle}>down</text>",
    ]
    for value in range(0, most + 1, 50 if most < 200 else 100):
        y = bottom - value * HEIGHT / most
        parts += [
            f'<path d="M{LEFT} {y:.0f}h{WIDTH}" stroke="#7a7a7a" stroke-opacity="0.3"/>',
            f'<text x="{LEFT - 8}" y="{y + 5:.0f}" text-anchor="end">{value}</text>',
        ]
    for second in range(0, SHOWN, down.start):
        at = f'x="{LEFT + second * across:.0f}" y="{bottom + 18}" text-anchor="middle"'
        parts.append(f"<text {at}>{second - down.start}</text>")
    return parts


def _lines(top: int, most: int, rows: Rows) -> list[str]:
    across, up, bottom = WIDTH / SHOWN, HEIGHT / most, top + HEIGHT
    parts: list[str] = []
    drawn = list(zip(rows.values(), COLOURS, DASHES, strict=True))
    for row, colour, dash in reversed(drawn):  # the dots last, or nobody sees them
        points = " ".join(
            f"{LEFT + (at + STEP / 2) * across:.1f},"
            f"{bottom - sum(row[at : at + STEP]) / STEP * up:.1f}"
            for at in range(0, SHOWN, STEP)
        )
        line = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{points}" {line}/>')
    return parts

"""The pictures of the pages are drawn from data, and hold what they say."""

from __future__ import annotations

import copy
import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from drawing.costs import GROUPS, costs, rows_of
from drawing.error_way import SOURCES, STEPS, error_way
from drawing.outage import outage
from drawing.svg import CODE, NARROW, PLAIN, WIDE, DoesNotFitError, arrow, picture, text, width_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from drawing.costs import Figure
    from drawing.error_way import Step
    from drawing.outage import Stored

DATA = Path(__file__).resolve().parents[2] / "docs" / "_data"
OUTAGE: Stored = json.loads((DATA / "outage.json").read_text(encoding="utf-8"))
FIGURES = json.loads((DATA / "costs.json").read_text(encoding="utf-8"))["figures"]
WAY = {
    "kaiko_middleware/report.py": ["report_error", "_log"],
    "kaiko_middleware/render.py": ["render"],
    "kaiko_middleware/_text.py": ["redact"],
    "kaiko_asgi/send_wrapper.py": ["SendWrapper.send"],
}
CORE = frozenset({each.module for each in SOURCES})
DRAWN: dict[str, Callable[[int], str]] = {
    "error-way": lambda width: error_way("k", WAY, CORE, width),
    "outage": lambda width: outage("k", OUTAGE, width),
    **{f"costs-{name}": partial(costs, "k", group, FIGURES) for name, group in GROUPS.items()},
}
SVG = "{http://www.w3.org/2000/svg}"


def read(drawn: str) -> ET.Element:
    """Read a picture, as a browser does."""
    return ET.fromstring(drawn)  # noqa: S314 - we wrote it


def said(each: ET.Element, name: str) -> str:
    """Return an attribute, "0" where there is none."""
    return each.get(name, "0")


def words(drawn: str) -> list[str]:
    """List the texts of a picture."""
    return [each.text or "" for each in read(drawn).iter(f"{SVG}text")]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_xml_that_tells_what_it_shows(name: str, width: int) -> None:
    """A screen reader gets a title and a description; the picture loads nothing."""
    drawn = DRAWN[name](width)
    root = read(drawn)
    assert root.get("role") == "img"
    by_id = {said(each, "id"): each for each in root.iter()}
    described = [by_id[key] for key in said(root, "aria-labelledby").split()]
    assert [each.tag for each in described] == [f"{SVG}title", f"{SVG}desc"]
    assert all(len(each.text or "") > 10 for each in described)
    assert said(root, "width") == str(width + 2)
    assert not re.search(r"href|url\(|<style|<script|font-family|#[0-9a-f]{3}", drawn)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_drawn_outside_of_the_picture(name: str, width: int) -> None:
    """Each rectangle and each text's start lies within the view."""
    root = read(DRAWN[name](width))
    left, top, wide, high = map(float, said(root, "viewBox").split())
    for each in root.iter():
        if each.tag in {f"{SVG}rect", f"{SVG}text"}:
            x, y, across, down = (float(said(each, at)) for at in ("x", "y", "width", "height"))
            assert left <= x <= left + wide - across
            assert top <= y <= top + high - down


def test_the_way_is_of_what_was_traced() -> None:
    """More functions in a step are more in its box and in the description."""
    before = DRAWN["error-way"](WIDE)
    more = {**WAY, "kaiko_middleware/report.py": ["report_error", "_log", "_said_of"]}
    after = error_way("k", more, CORE, WIDE)
    assert "report.py, 2 functions" in words(before)
    assert "report.py, 3 functions" in words(after)
    assert "passes 6 functions in 4 files" in after


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_that_no_error_passes_is_an_error(step: Step) -> None:
    """The picture cannot show a step that is gone."""
    way = {file: names for file, names in WAY.items() if not file.startswith(step.files)}
    with pytest.raises(ValueError, match=f"no error passes {step.shown}"):
        error_way("k", way, CORE, WIDE)


def test_a_module_that_is_gone_is_an_error() -> None:
    """Nor can it name a module that the core does not have."""
    with pytest.raises(ValueError, match="the core has no upstream"):
        error_way("k", WAY, CORE - {"upstream"}, WIDE)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_lines_of_the_outage_are_its_numbers(width: int) -> None:
    """An attempt more in one second moves a point of one line."""
    changed = copy.deepcopy(OUTAGE)
    changed["sent"]["retries with the budget"][100] += 40
    before, after = (
        [said(each, "points") for each in read(drawn).iter(f"{SVG}polyline")]
        for drawn in (DRAWN["outage"](width), outage("k", changed, width))
    )
    moved = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert moved == [0]  # the first that is drawn is the last that is named
    pairs = zip(before[0].split(), after[0].split(), strict=True)
    assert sum(old != new for old, new in pairs) == 1


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_lines_of_the_outage_have_its_scale(width: int) -> None:
    """What is at the top of the scale is drawn there, and nothing at its foot."""
    changed = copy.deepcopy(OUTAGE)
    changed["sent"] = {"a": [300] * 230, "b": [150] * 230, "c": [0] * 230}
    lines = list(read(outage("k", changed, width)).iter(f"{SVG}polyline"))[:3]
    heights = [
        {float(point.split(",")[1]) for point in said(each, "points").split()} for each in lines
    ]
    (foot,), (middle,), (top,) = heights
    assert (foot - middle, middle - top) == (75, 75)


def test_a_line_without_a_look_is_an_error() -> None:
    """What another simulation adds is not left out unseen."""
    changed = copy.deepcopy(OUTAGE)
    changed["sent"]["another"] = [1] * 230
    with pytest.raises(ValueError, match="zip"):
        outage("k", changed, WIDE)


def figure(**changed: object) -> Figure:
    """Make a figure as the benchmark saves it."""
    fields = {
        "key": "starlette_success",
        "title": "Starlette in process",
        "unit": "× bare",
        "goal": 1.12,
        "goal_timed": None,
        "at_least": False,
        "peer": "2.20 ×",
        "counted": 1.1,
        "measured": None,
        "met": True,
    }
    made: Figure = json.loads(json.dumps({**fields, **changed}))
    return made


def bars(*figures: Figure) -> dict[str, float]:
    """Return the length of each bar, by its class."""
    drawn = read(costs("k", GROUPS["success"], figures, WIDE))
    return {said(each, "class"): float(said(each, "width")) for each in drawn.iter(f"{SVG}rect")}


def test_bars_are_as_long_as_the_figures() -> None:
    """Ours, what it is compared with, and the peer share one scale."""
    found = bars(figure())
    assert found["bar good"] / found["bar plain"] == pytest.approx(1.1, abs=0.01)
    assert found["bar peer"] / found["bar plain"] == pytest.approx(2.2, abs=0.01)


def test_a_figure_over_its_goal_is_drawn_and_said() -> None:
    """A miss has another colour, and the word."""
    missed = figure(counted=1.2, met=False)
    assert "bar bad" in bars(missed)
    assert "ours 1.20 (goal ≤ 1.12, missed)" in words(costs("k", GROUPS["success"], [missed], WIDE))
    (row,) = rows_of([missed])
    assert row == ("Starlette in process", "1.20", "≤ 1.12 × bare", "**no**", "2.20 ×")


def test_a_figure_without_counts_is_its_timing() -> None:
    """Then the goal of the timing is shown, and no peer where there is none."""
    timed = figure(counted=None, measured={"median": 0.97}, at_least=True, goal_timed=0.9, peer="–")
    drawn = costs("k", GROUPS["success"], [timed], NARROW)
    assert "ours 0.97 (goal ≥ 0.9)" in words(drawn)
    assert not any("peer" in each for each in words(drawn))


def test_what_was_not_measured_is_left_out() -> None:
    """A group without figures is an error."""
    unknown = figure(counted=None, met=None)
    assert rows_of([unknown]) == []
    with pytest.raises(ValueError, match="no figure"):
        costs("k", GROUPS["success"], [unknown], WIDE)


def test_the_stored_figures_are_what_the_page_says() -> None:
    """Each figure that is drawn is stored, with the day, the Python and the commit."""
    stored = json.loads((DATA / "costs.json").read_text(encoding="utf-8"))
    keys = {each["key"] for each in stored["figures"]}
    assert keys >= {key for group in GROUPS.values() for key in group.figures}
    assert not stored["quick"]
    assert re.fullmatch(r"2\d{3}-\d\d-\d\d", stored["environment"]["date"])
    assert re.fullmatch(r"[0-9a-f]{7,}", stored["environment"]["commit"])


def test_a_text_that_is_too_wide_is_an_error() -> None:
    """A label never runs over its box unseen."""
    with pytest.raises(DoesNotFitError, match="'Validation' takes"):
        text(0, 0, "Validation", room=20)
    assert "Validation" in text(0, 0, "Validation", room=width_of("Validation", PLAIN))
    assert width_of("iii", PLAIN) < width_of("iii", CODE)


def test_texts_are_escaped() -> None:
    """What comes from data is no markup."""
    drawn = picture("k", (9, 9), "a < b", "x & y", [text(0, 0, "<b>", room=99)])
    assert words(drawn) == ["<b>"]


def test_an_arrow_runs_down_or_to_the_right() -> None:
    """Its head has no other direction."""
    assert "M5 9l" in arrow((5, 0), (5, 9))
    with pytest.raises(ValueError, match="runs back"):
        arrow((9, 0), (5, 0))

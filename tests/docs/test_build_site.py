"""The built pages hang together: links, pictures, what they load, how much they weigh."""

from __future__ import annotations

import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
MADE = {"genindex.html", "py-modindex.html", "search.html"}  # Sphinx's own


class Page(NamedTuple):
    """What a page links to, loads, and can be linked to."""

    links: list[str]
    loaded: list[str]
    ids: set[str]
    images: list[dict[str, str | None]]
    pictures: list[dict[str, str | None]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page([], [], set(), [], [])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.page.ids.add(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.page.links.append(str(found["href"]))
        elif tag in {"script", "img", "iframe", "source"} and found.get("src"):
            self.page.loaded.append(str(found["src"]))
        elif tag == "link" and found.get("rel") in {"stylesheet", "icon", "preload", "preconnect"}:
            self.page.loaded.append(str(found["href"]))
        if tag == "img":
            self.page.images.append(found)
        if tag == "svg" and found.get("role") == "img":
            self.page.pictures.append(found)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page, by its path."""
    found: dict[str, Page] = {}
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.parts:
            reader = _Reader()
            reader.feed(path.read_text(encoding="utf-8"))
            found[path.relative_to(site).as_posix()] = reader.page
    return found


def test_every_link_leads_somewhere(pages: dict[str, Page], site: Path) -> None:
    """The page is there, and so is the section."""
    dead: list[str] = []
    for name, page in pages.items():
        for link in page.links:
            if re.match("[a-z]+:", link):
                continue
            target, fragment = urldefrag(urljoin(name, link))
            file = unquote(target).removeprefix("/")
            if file not in pages:
                if not (site / file).is_file():
                    dead.append(f"{name}: {link}")
            elif fragment and unquote(fragment) not in pages[file].ids:
                dead.append(f"{name}: {link}")
    assert dead == []


def test_the_sidebar_names_every_page(pages: dict[str, Page]) -> None:
    """A page that no one can find might as well not be there."""
    linked = {urldefrag(link).url for link in pages["index.html"].links}
    assert pages.keys() - MADE - {"index.html"} <= linked


def test_pages_load_nothing_from_elsewhere(pages: dict[str, Page], site: Path) -> None:
    """No font, no script, no counter of another host."""
    for name, page in pages.items():
        for loaded in page.loaded:
            assert not re.match("([a-z]+:)?//", loaded), f"{name}: {loaded}"
            assert (site / urljoin(name, loaded).partition("?")[0]).is_file(), f"{name}: {loaded}"
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", styles)


def test_every_picture_has_words(pages: dict[str, Page]) -> None:
    """An image has an alternative text, and a drawing a title and a description."""
    drawn = 0
    for name, page in pages.items():
        assert all(image.get("alt") for image in page.images), name
        for picture in page.pictures:
            drawn += 1
            assert set(str(picture["aria-labelledby"]).split()) <= page.ids
    assert drawn == 2 * 7  # each once for a wide and once for a narrow screen


def test_titles_are_of_one_page_each(pages: dict[str, Page], site: Path) -> None:
    """Two tabs of a browser are told apart, and a title is read in a list of results."""
    titles: dict[str, str] = {}
    for name in pages:
        found = re.search("<title>(.*?)</title>", (site / name).read_text(encoding="utf-8"))
        assert found
        assert titles.setdefault(found[1], name) == name
        assert len(found[1]) <= 90


def test_a_page_is_light(pages: dict[str, Page], site: Path) -> None:
    """With its styles and scripts, the front page is small, and no page is large."""

    def weight(name: str) -> int:
        files = {(urljoin(name, each).partition("?")[0]) for each in pages[name].loaded}
        return sum((site / each).stat().st_size for each in {name, *files})

    assert weight("index.html") < 250_000
    assert max(weight(name) for name in pages if not name.startswith("reference/")) < 400_000
    assert max(weight(name) for name in pages) < 900_000  # a page to search in


def test_the_search_knows_the_usual_words(site: Path) -> None:
    """A number or a synonym is an entry of the search, which lists it first."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    known = json.loads(index.removeprefix("Search.setIndex(").removesuffix(")"))
    words = tomllib.loads((DOCS / "_data" / "search.toml").read_text(encoding="utf-8"))
    assert {"404", "correlation id", "sentry", "cors"} <= known["indexentries"].keys()
    for page, sections in words.items():
        for word in (word for section in sections.values() for word in section):
            found = known["indexentries"][word]
            first = {known["docnames"][document] for document, _, main in found if main}
            assert page in first, f"{word} does not lead to {page}"


def test_pages_come_before_the_reference(site: Path) -> None:
    """Who looks for a word gets what explains it, not a module that is named so."""
    scorer = (DOCS / "_static" / "scorer.js").read_text(encoding="utf-8")
    read = (site / "_static" / "language_data.js").read_text(encoding="utf-8")
    assert scorer in read

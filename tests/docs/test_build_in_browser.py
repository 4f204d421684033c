"""The pages in a browser: they fit a phone, the pictures' words fit, and the search finds.

These run where Playwright is installed and Debian's Chromium is on the path.
"""

from __future__ import annotations

import functools
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Browser = Any  # Playwright's types are there only where it is installed
sync_api: Any = pytest.importorskip(  # likewise
    "playwright.sync_api", reason="Playwright is not installed"
)
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PHONE = {"width": 360, "height": 740}
# Texts that are wider than the picture, or than the smallest box that they begin in.
OUTSIDE = """() => {
  const found = [];
  for (const picture of document.querySelectorAll(".picture svg")) {
    const view = picture.getBoundingClientRect();
    if (!view.width) continue;
    const boxes = [...picture.querySelectorAll(".box")].map((box) => box.getBoundingClientRect());
    for (const text of picture.querySelectorAll("text")) {
      const { left, right, top, bottom } = text.getBoundingClientRect();
      const around = boxes.filter((box) => box.left <= (left + right) / 2 &&
        (left + right) / 2 <= box.right && box.top <= bottom && top <= box.bottom);
      for (const { left: start, right: end } of [view, ...around]) {
        if (left < start - 1 || right > end + 1) found.push(text.textContent);
      }
    }
  }
  return found;
}"""

# What reaches over the edge of the screen, where nothing in the text around it scrolls.
TOO_WIDE = """() => {
  const edge = document.documentElement.clientWidth + 1;
  const scrolls = (each) => each.tagName !== "ARTICLE" &&
    (["auto", "scroll"].includes(getComputedStyle(each).overflowX) || scrolls(each.parentElement));
  return [...document.querySelectorAll("article *")]
    .filter((each) => each.getBoundingClientRect().right > edge && !scrolls(each))
    .map((each) => each.outerHTML.slice(0, 80));
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing: the tests read the pages."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the pages are served."""
    handler = functools.partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield launched
        launched.close()


def test_every_page_fits_a_phone(browser: Browser, address: str, site: Path) -> None:
    """No page scrolls sideways; wide tables and code do so by themselves."""
    page = browser.new_page(viewport=PHONE)
    too_wide: dict[str, list[str]] = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        page.goto(f"{address}/{name}", wait_until="load")
        if found := page.evaluate(TOO_WIDE):
            too_wide[name] = found
    assert too_wide == {}
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["index", "outage", "costs"])
def test_the_words_of_a_picture_fit(browser: Browser, address: str, name: str, width: int) -> None:
    """In the browser's own font, no label leaves its box or the picture."""
    page = browser.new_page(viewport={"width": width, "height": 740})
    page.goto(f"{address}/{name}.html", wait_until="load")
    assert page.locator(".picture svg:visible").count() >= 1
    assert page.evaluate(OUTSIDE) == []
    page.close()


def test_pictures_follow_the_theme_switch(browser: Browser, address: str) -> None:
    """A dark page has no light picture."""
    page = browser.new_page(color_scheme="light")
    page.goto(f"{address}/index.html", wait_until="load")
    colour = "() => getComputedStyle(document.querySelector('.picture-wide text')).fill"
    light = page.evaluate(colour)
    page.evaluate("document.body.dataset.theme = 'dark'")
    assert page.evaluate(colour) != light
    page.close()


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("retry", "quickstart/httpx.html"),
        ("request id", "request-ids.html"),
        ("404", "contract.html"),
        ("sentry", "telemetry.html"),
        ("websocket", "streams.html"),
        ("CORS", "compatibility.html"),
        ("rate limit", "guards/limits.html"),
        ("correlation id", "request-ids.html"),
        ("RateLimit", "reference/index.html"),
    ],
)
def test_the_search_finds(browser: Browser, address: str, words: str, first: str) -> None:
    """The usual words, their synonyms, and a name of the reference."""
    page = browser.new_page()
    page.goto(f"{address}/search.html?q={words.replace(' ', '+')}")
    result = page.locator("ul.search li a").first
    result.wait_for()
    assert result.get_attribute("href").partition("#")[0] == first
    page.close()

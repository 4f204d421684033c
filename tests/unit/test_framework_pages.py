"""The error pages of other frameworks: what the author wrote is found, their own words are not."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from kaiko_middleware.foreign_answer import read_body
from kaiko_middleware.make_error import error_for_status

if TYPE_CHECKING:
    from typing import Any

OWN = "There is a conflict"

WERKZEUG = (
    "<!doctype html>\n<html lang=en>\n<title>409 Conflict</title>\n<h1>Conflict</h1>\n<p>{}</p>\n"
)
BOTTLE = (
    "<html><body><h1>Error: 409 Conflict</h1><p>Sorry, the requested URL <tt>&#039;/x&#039;</tt>\n"
    "   caused an error:</p>\n<pre>{}</pre>\n</body></html>"
)
WEBOB = "<html>\n <body>\n  <h1>409 Conflict</h1>\n  {}\n </body>\n</html>"
PLAIN = "409 Conflict\n\n{}"
PAGES = {"werkzeug": WERKZEUG, "bottle": BOTTLE, "webob": WEBOB}


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Werkzeug and WebOb loaded, as they are where such a page is made."""
    werkzeug = SimpleNamespace(default_exceptions={409: SimpleNamespace(description=OWN)})
    webob = SimpleNamespace(status_map={409: SimpleNamespace(explanation=OWN)})
    monkeypatch.setitem(sys.modules, "werkzeug.exceptions", werkzeug)
    monkeypatch.setitem(sys.modules, "webob.exc", webob)
    odd = SimpleNamespace(status_map={409: SimpleNamespace(explanation=None)})
    monkeypatch.setitem(sys.modules, "pyramid.httpexceptions", odd)


def message(text: str, kind: str = "text/html; charset=utf-8") -> str:
    """Return the message that an answer with this body gets."""
    said: Any = read_body(text.encode(), 409, kind).message
    return said or error_for_status(409).message


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_authors_text_is_kept(page: str) -> None:
    """Unescaped, and without the markup around it."""
    assert message(page.format("Tom &amp; I<br>took it")) == "Tom & I\ntook it"


@pytest.mark.parametrize("page", [WERKZEUG, WEBOB], ids=["werkzeug", "webob"])
def test_the_librarys_own_words_are_not(page: str) -> None:
    """They say no more than the status does."""
    assert message(page.format(OWN)) == error_for_status(409).message


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PLAIN.format(f"{OWN}\n\n\nTaken"), "text/plain"),
        (WEBOB.format(f"{OWN}<br/><br/>\nTaken\n"), "text/html"),
        (f'{{"code": "409 Conflict", "message": "{OWN}\\n\\n\\nTaken"}}', "application/json"),
    ],
    ids=["plain", "html", "json"],
)
def test_webobs_words_before_the_authors_go(text: str, kind: str) -> None:
    """In each of the forms that `Accept` chooses from."""
    assert message(text, kind) == "Taken"


@pytest.mark.parametrize("text", ["/v2/x", "Not found: &#039;/v2/x&#039;"])
def test_a_path_is_no_message(text: str) -> None:
    """It is what the client asked for."""
    assert message(BOTTLE.format(text)) == error_for_status(409).message


@pytest.mark.parametrize(
    "page",
    ["<h1>Taken</h1>", WERKZEUG.format("<b>Taken</b>"), WERKZEUG.format("x" * 9000)],
    ids=["another", "with markup", "long"],
)
def test_another_page_says_nothing(page: str) -> None:
    """Nobody can tell what on it was written for a client of an API."""
    assert message(page) == error_for_status(409).message

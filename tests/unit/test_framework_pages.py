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
NOT_ACCEPTABLE = (
    "The resource could not be generated that was acceptable to your browser\n"
    "(content of type a/b, c/d; q=0.1. "
)
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


def test_words_of_a_library_that_is_not_loaded_are_the_authors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody else can have written them."""
    for name in ("werkzeug.exceptions", "webob.exc", "pyramid.httpexceptions"):
        monkeypatch.delitem(sys.modules, name)
    assert message(WEBOB.format(OWN)) == OWN


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


@pytest.mark.parametrize("rest", ["", "\n\n\nTaken"], ids=["alone", "before the author's"])
@pytest.mark.parametrize(
    "sentence",
    [
        "The method DELETE is not allowed for this resource. ",
        "The request method BREW is not implemented for this server. ",
        NOT_ACCEPTABLE,
        "The request media type a/b; c=d is not supported by this server.\n",
    ],
    ids=["405", "501", "406", "415"],
)
def test_a_sentence_with_the_clients_input_is_no_message(sentence: str, rest: str) -> None:
    """Pyramid and WebOb write the method, `Accept` or the type into their own words."""
    expected = "Taken" if rest else error_for_status(409).message
    assert message(PLAIN.format(sentence + rest), "text/plain") == expected


@pytest.mark.parametrize(
    "text",
    [
        "predicate mismatch for view secret_view (request_method = POST)",
        "Unauthorized: secret_view failed permission check",
        "debug_authorization of url http://x/ (view name '' against context None): denied",
        "debug_notfound of url http://x/; path_info: '/', context: None",
        "Bad CSRF token received. Access is denied.\n\n\ncheck_csrf_token(): Invalid token",
        "Bad CSRF Origin. Access is denied.\n\n\nOrigin checking failed - no match.",
    ],
)
def test_what_pyramid_tells_developers_is_no_message(text: str) -> None:
    """It names the functions of the service."""
    assert message(PLAIN.format(text), "text/plain") == error_for_status(409).message


@pytest.mark.parametrize(
    "page",
    ["<h1>Taken</h1>", WERKZEUG.format("<b>Taken</b>"), WERKZEUG.format("x" * 9000)],
    ids=["another", "with markup", "long"],
)
def test_another_page_says_nothing(page: str) -> None:
    """Nobody can tell what on it was written for a client of an API."""
    assert message(page) == error_for_status(409).message

"""What the search finds: the words of `docs/_data/search.toml`, as index entries of its pages.

The search lists an index entry first, and knows its numbers, which it does not know in texts.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_WORDS = Path(__file__).resolve().parents[1] / "_data" / "search.toml"


@cache
def read_words() -> dict[str, dict[str, list[str]]]:
    """Return the words of each section ("" is the page's first) of each page."""
    return tomllib.loads(_WORDS.read_text(encoding="utf-8"))


def _add_entries(app: Sphinx, doctree: nodes.document) -> None:
    page = app.env.docname
    sections = {name for each in doctree.findall(nodes.section) for name in each["ids"]}
    for section, words in read_words().get(page, {}).items():
        first = next(iter(doctree.findall(nodes.section)))["ids"][0]
        target = section or first
        if target not in sections:
            message = f"search.toml: {page} has no section {section}"
            raise ExtensionError(message)
        entries = [("single", word, target, "main", None) for word in words]
        doctree.insert(0, addnodes.index(entries=entries))


def _check_pages(app: Sphinx, _env: object) -> None:
    if gone := read_words().keys() - app.env.found_docs:
        message = f"search.toml: there is no page {', '.join(sorted(gone))}"
        raise ExtensionError(message)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the entries when a page is read."""
    app.connect("doctree-read", _add_entries)
    app.connect("env-updated", _check_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

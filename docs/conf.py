"""Sphinx configuration: furo, MyST; every warning is an error."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# The reference imports kaiko_django, and Django needs settings.
sys.path.insert(0, str(Path(__file__).parent / "examples"))
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
# A model can be imported where its application is installed.
settings.INSTALLED_APPS = [
    *settings.INSTALLED_APPS,
    "django.contrib.contenttypes",
    "kaiko_guards.django_keys",
]
django.setup()

project = "kaiko-middleware"
author = "The Kaiko developers"
project_copyright = "2026, The Kaiko developers"
release = version = metadata.version("kaiko-middleware")

extensions = [
    "kaiko_tables",  # first: it reads the catalogue before autodoc imports anything else
    "kaiko_reference",
    "kaiko_pictures",
    "kaiko_search",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build", "examples"]
default_role = "code"  # docstrings write `name`, as the pages do
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autoclass_content = "class"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# The build works without a network, so names of other projects have no address. And autodoc does
# not know the module of an annotation that is imported for type checkers only. The pages write
# references in full.
nitpick_ignore_regex = [
    (r"py:.*", r"(collections|contextlib|contextvars|logging|os|re|types|typing)\..*"),
    (r"py:.*", r"(asgiref|django|fastapi|flask|httpx2?|litestar|ninja|pydantic)\..*"),
    (r"py:.*", r"(schemathesis|starlette|wsgiref)\..*"),
    (r"py:class", r"\w+"),
    (r"py:class", r"(\w+\.)+_\w+(\.\w+)?"),
    (r"py:class", r"kaiko_middleware\.known_exceptions\.\w+"),  # internal, so not in the reference
]

html_theme = "furo"
html_title = f"kaiko-middleware {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css", "pictures.css", "page.css"]
html_js_files = ["page.js"]
html_favicon = "_static/icon.svg"
html_search_scorer = str(Path(__file__).parent / "_static" / "scorer.js")
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": True,
    # The pictures' colours: each has a contrast of 3 to 1 to what is behind it.
    "light_css_variables": {
        "picture-ours": "#1668b3",
        "picture-ours-behind": "#e8f1fa",
        "picture-bad": "#c2410c",
        "picture-peer": "#8b6fb0",
    },
    "dark_css_variables": {
        "picture-ours": "#58a6ee",
        "picture-ours-behind": "#12283d",
        "picture-bad": "#f0874a",
        "picture-peer": "#a58ac9",
    },
}

"""How the pages are built: Sphinx, furo, MyST; every warning is an error."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# kaiko_django is imported for the reference; Django wants to know whose settings.
sys.path.insert(0, str(Path(__file__).parent / "examples"))
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"

project = "kaiko-middleware"
author = "The Kaiko developers"
project_copyright = "2026, The Kaiko developers"
release = version = metadata.version("kaiko-middleware")

extensions = [
    "kaiko_tables",  # first: it reads the catalogue before autodoc imports anything else
    "kaiko_reference",
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
# What other projects document has no address here: the build works without a network. And
# autodoc cannot tell where a name without a module is from: an annotation that is imported for
# type checkers only. The pages themselves name what they refer to in full.
nitpick_ignore_regex = [
    (r"py:.*", r"(collections|contextlib|contextvars|logging|types|typing)\..*"),
    (r"py:.*", r"(asgiref|django|fastapi|httpx2?|ninja|pydantic|starlette|wsgiref)\..*"),
    (r"py:class", r"\w+"),
    (r"py:class", r"(\w+\.)+_\w+(\.\w+)?"),
]

html_theme = "furo"
html_title = f"kaiko-middleware {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

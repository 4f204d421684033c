"""The reference, built from `__all__`, so no public name can be missing.

`module-reference` shows a module's docstring and every name in its `__all__`, except names that
a package's façade already shows. `module-references` does this for every public module in the
given packages. Useless entries of autodoc (the fields of named tuples as "alias for field
number 0", pydantic's own attributes) are left out.

Module docstrings are Markdown, like the pages. Docstrings of objects are read by napoleon.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from typing import TYPE_CHECKING, ClassVar

from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Node
    from sphinx.application import Sphinx

# Services use these modules, so they are listed with the services' names.
_ELSEWHERE = {"kaiko_middleware.upstream", "kaiko_drf.spectacular", "kaiko_flask.openapi"}
_FACADES = ("kaiko_middleware", "kaiko_asgi", "kaiko_wsgi", "kaiko_django")


class _ModuleReference(SphinxDirective):
    required_arguments: ClassVar[int] = 1

    def run(self) -> list[Node]:
        return self.parse_text_to_nodes(_entry(self.arguments[0]))


class _ModuleReferences(SphinxDirective):
    required_arguments: ClassVar[int] = 1
    final_argument_whitespace: ClassVar[bool] = True

    def run(self) -> list[Node]:
        modules = [module for package in self.arguments[0].split() for module in _beneath(package)]
        text = "\n\n".join(f"## `{module}`\n\n{_entry(module)}" for module in modules)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def _beneath(package: str) -> Iterator[str]:
    """Name the public modules of a package that say what they export."""
    loaded = importlib.import_module(package)
    for info in sorted(pkgutil.iter_modules(loaded.__path__), key=lambda info: info.name):
        module = f"{package}.{info.name}"
        if info.name.startswith("_") or module in _ELSEWHERE:
            continue
        if hasattr(importlib.import_module(module), "__all__"):
            yield module


def _entry(module: str) -> str:
    package, _, name = module.rpartition(".")
    # `kaiko_middleware.render` is a module and a function: the function keeps the entry.
    is_taken = package in _FACADES and name in importlib.import_module(package).__all__
    options = "   :no-index:\n" if is_taken else ""
    return (
        f"```{{eval-rst}}\n.. py:module:: {module}\n{options}```\n\n"
        f"{_description(module)}\n\n"
        "```{eval-rst}\n" + "\n".join(_reference(module)) + "\n```"
    )


def _description(module: str) -> str:
    """Return a module's docstring as Markdown, with fenced examples."""
    text = inspect.getdoc(importlib.import_module(module)) or ""
    return re.sub(r"^>>> .*(?:\n(?!\n).*)*", r"```python\n\g<0>\n```", text, flags=re.MULTILINE)


def _reference(module: str) -> Iterator[str]:
    """Write reStructuredText for autodoc."""
    loaded = importlib.import_module(module)
    for name in sorted(loaded.__all__, key=str.lower):
        if _shown_elsewhere(module, name):
            continue
        value: object = getattr(loaded, name)
        if inspect.isclass(value):
            kind = "exception" if issubclass(value, BaseException) else "class"
            yield f".. auto{kind}:: {module}.{name}"
            yield "   :members:"
        elif inspect.isroutine(value):
            yield f".. autofunction:: {module}.{name}"
        else:
            yield f".. autodata:: {module}.{name}"
            yield "   :no-value:"
        yield ""


def _shown_elsewhere(module: str, name: str) -> bool:
    value: object = getattr(importlib.import_module(module), name)
    return any(
        facade != module
        and name in importlib.import_module(facade).__all__
        and getattr(importlib.import_module(facade), name) is value
        for facade in _FACADES
    )


def _skip(
    _app: Sphinx,
    _what: str,
    name: str,
    member: object,
    skip: bool,  # noqa: FBT001 - Sphinx calls it so
    _options: object,
) -> bool:
    return skip or type(member).__name__ == "_tuplegetter" or name.startswith("model_")


_untouched: dict[str, list[str]] = {}


def _keep(_: Sphinx, what: str, name: str, _obj: object, _opt: object, lines: list[str]) -> None:
    if what in {"attribute", "data", "property"}:
        _untouched[name] = lines[:]


def _restore(
    _app: Sphinx, _what: str, name: str, _obj: object, _opt: object, lines: list[str]
) -> None:
    # napoleon takes the text before a colon as the type of an attribute.
    if name in _untouched:
        lines[:] = _untouched.pop(name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the handlers that leave entries out."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("module-reference", _ModuleReference)
    app.add_directive("module-references", _ModuleReferences)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _keep, priority=100)
    app.connect("autodoc-process-docstring", _restore, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

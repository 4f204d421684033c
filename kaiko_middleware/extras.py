"""Says which extra to install where a package's framework is missing.

Each adapter calls `require` before it imports its framework. What is missing besides that is
another mistake, whose `ModuleNotFoundError` is left as it is.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

__all__ = ["is_missing", "require"]


def require(package: str, *modules: str, install: str | None = None) -> None:
    """Check that the modules of a package's extra can be imported; none is imported here.

    Arguments:
        package: the package or module that needs them, such as `kaiko_fastapi`.
        modules: names of top-level modules.
        install: what pip installs; by default the extra of the package's name.

    Raises:
        ModuleNotFoundError: one is missing; the message says what to install.

    """
    for module in modules:
        if not is_missing(module):
            continue
        try:
            import_module(module)
        except ModuleNotFoundError as exc:
            what = f"kaiko-middleware[{package.removeprefix('kaiko_')}]"
            raise ModuleNotFoundError(
                f"{package} needs {module}, which is not installed: "
                f"pip install '{what if install is None else install}'",
                name=module,
            ) from exc


def is_missing(module: str) -> bool:
    """Whether a top-level module is not installed."""
    # What is loaded is there, and may have no spec, as a test's stand-in has none.
    return sys.modules.get(module) is None and find_spec(module) is None

"""Importing a service, to learn its codes: an application, a package, or a Django project.

What is imported may print, exit or fail in any way: that is reported, and ends nothing. A module
that fails is named, and the others are still read.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import sys
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import metadata
from typing import TYPE_CHECKING, TypeVar

from kaiko_cli.catalogue import CatalogueError
from kaiko_cli.plain_text import plain
from kaiko_middleware.codes import registered_codes
from kaiko_middleware.extras import is_missing
from kaiko_middleware.safe_exception import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from types import ModuleType

__all__ = ["TOOLKIT", "Service", "import_django", "import_service"]

TOOLKIT = frozenset(
    # Each integration has an extra of its name.
    {"kaiko_middleware"}
    | {f"kaiko_{name}" for name in metadata("kaiko-middleware").get_all("Provides-Extra") or ()}
) - {"kaiko_demo"}
"""The packages whose codes are the toolkit's. The demo is a service like any other."""
_T = TypeVar("_T")
_SETTINGS = "DJANGO_SETTINGS_MODULE"


@dataclass(slots=True)
class Service:
    """What was imported.

    Arguments:
        name: the target, for a heading.
        roots: the top-level packages and modules of the service.
        failed: what could not be imported, a sentence each.
    """

    name: str
    roots: set[str] = field(default_factory=set[str])
    failed: list[str] = field(default_factory=list[str])

    def modules(self) -> Iterator[ModuleType]:
        """Yield the service's modules that are loaded, by name, and those of the guards it uses."""
        if not self.roots:
            return
        roots = self.roots | {"kaiko_guards"}
        roots |= {entry.cls.__module__.partition(".")[0] for entry in registered_codes()} - TOOLKIT
        for name, module in sorted(sys.modules.items()):
            if name.partition(".")[0] in roots:
                yield module


def import_service(
    targets: Iterable[str], *, factory: bool = False, skip: Iterable[str] = ()
) -> Service:
    """Import applications (`module:app`) and packages with all their modules.

    Arguments:
        targets: what to import; a plain module counts as a package without submodules.
        factory: whether the names of applications are functions that make them.
        skip: modules that are not imported, with what is below them.

    Raises:
        CatalogueError: a target itself cannot be imported, or has no such application.

    """
    targets = list(targets)
    service = Service(", ".join(targets))
    with _importing():
        if os.environ.get(_SETTINGS) and not is_missing("django"):
            _must(os.environ[_SETTINGS], _set_up_django)
        for target in targets:
            name, colon, path = target.partition(":")
            module = _must(name, partial(importlib.import_module, name))
            service.roots.add(name.partition(".")[0])
            if colon:
                app = _attribute(module, path, target)
                if factory:
                    _must(target, app)
            else:
                _import_below(module, service, tuple(skip))
        _import_urls(service)
    service.roots -= TOOLKIT
    return service


def import_django(settings: str) -> Service:
    """Import a Django project: its applications, its middleware and its URLs.

    Arguments:
        settings: the name of the settings module.

    Raises:
        CatalogueError: it cannot be set up.

    """
    if is_missing("django"):
        raise CatalogueError("--django needs Django: pip install 'kaiko-middleware[django]'")
    os.environ[_SETTINGS] = settings
    with _importing():
        urls = _must(settings, _load_django)
    return Service(settings, {name.partition(".")[0] for name in (settings, urls)} - TOOLKIT)


def _import_urls(service: Service) -> None:
    """Import the URLs of a Django project that a target has set up; they are loaded late."""
    if "django.conf" not in sys.modules:
        return
    from django.conf import settings  # noqa: PLC0415 - only for a service on Django

    urls: str | None = getattr(settings, "ROOT_URLCONF", None) if settings.configured else None
    if urls is None:
        return
    try:
        _must(urls, partial(importlib.import_module, urls))
    except CatalogueError as exc:
        service.failed.append(str(exc))
    else:
        service.roots.add(urls.partition(".")[0])


def _set_up_django() -> None:
    import django  # noqa: PLC0415 - only for a service on Django

    django.setup()


def _load_django() -> str:
    from django.conf import settings  # noqa: PLC0415 - only for a service on Django
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 - likewise

    _set_up_django()
    WSGIHandler()  # it loads the middleware, which reads its settings
    urls: str = settings.ROOT_URLCONF
    importlib.import_module(urls)
    return urls


@contextlib.contextmanager
def _importing() -> Generator[None]:
    """Import as `python -m` does, from the current directory; what is printed is no output."""
    sys.path.insert(0, "")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path.remove("")


def _must(name: str, load: Callable[[], _T]) -> _T:
    """Return what `load` returns, or raise a `CatalogueError` that names what it loads."""
    try:
        return load()
    except KeyboardInterrupt:
        raise
    except BaseException as exc:
        raise CatalogueError(f"{plain(name)} cannot be imported: {_reason(exc)}") from exc


def _reason(exc: BaseException) -> str:
    kind, text = type(exc).__name__, plain(text_of(exc), 300)
    if isinstance(exc, ModuleNotFoundError):
        return text
    return f"{kind}: {text}" if text else kind


def _attribute(module: ModuleType, path: str, target: str) -> Callable[[], object]:
    """Return the application that `module:path` names."""
    found: object = module
    for name in path.split("."):
        found = getattr(found, name, None)
    if not callable(found):
        is_there = "is no application: it cannot be called" if found is not None else "is not there"
        raise CatalogueError(f"{plain(target)} {is_there}")
    return found


def _import_below(package: ModuleType, service: Service, skip: tuple[str, ...]) -> None:
    """Import every module of a package but `__main__`, which would run."""
    for info in pkgutil.iter_modules(getattr(package, "__path__", ()), f"{package.__name__}."):
        name = info.name
        if name.endswith(".__main__") or any(f"{name}.".startswith(f"{each}.") for each in skip):
            continue
        try:
            module = _must(name, partial(importlib.import_module, name))
        except CatalogueError as exc:
            service.failed.append(str(exc))
        else:
            _import_below(module, service, skip)

"""From an imported service to its catalogue: classes, raise sites and mapped exceptions."""

from __future__ import annotations

import gc
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kaiko_cli.catalogue import CODE, Catalogue, Entry
from kaiko_cli.code_sites import sites_in_handler, sites_in_module
from kaiko_middleware import Config, ExceptionMapping, KaikoError
from kaiko_middleware.catalog import STATUSES, known_codes
from kaiko_middleware.settings_check import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kaiko_cli.code_sites import Site
    from kaiko_cli.service import Service
    from kaiko_middleware.catalog import CodeEntry

__all__ = ["Collected", "collect"]

_T = TypeVar("_T")
_DEFAULT_HEADER = "X-Request-ID"


class Collected(NamedTuple):
    """A catalogue, and a sentence for each thing that could not be found out."""

    catalogue: Catalogue
    unknown: list[str]


@dataclass(slots=True)
class _Known:
    """One code with one status, while it is collected."""

    entry: CodeEntry
    defined: list[str] = field(default_factory=list[str])
    exceptions: list[str] = field(default_factory=list[str])


def collect(service: Service, *, own: bool = False) -> Collected:
    """Return the catalogue of a service that is imported.

    Arguments:
        service: what was imported.
        own: leave out the toolkit's codes, except those that the service raises or maps itself.

    """
    codes = _Codes()
    for module in service.modules():
        for site in sites_in_module(module):
            codes.add_site(site)
    mappings = _alive(ExceptionMapping) if service.roots else []
    for mapping in mappings:
        for cls, handler in mapping.handlers.items():
            codes.add_handler(cls, handler)
    catalogue = Catalogue(
        service=service.name,
        request_id_header=_id_header(_alive(Config) if service.roots else ()),
        codes=tuple(_merged(known for known in codes.sorted() if not own or _is_own(known))),
    )
    return Collected(catalogue, sorted(codes.unknown))


class _Codes:
    def __init__(self) -> None:
        self._found: dict[tuple[int, str], _Known] = {}
        self.unknown: set[str] = set()
        for entry in known_codes():
            known = _Known(entry, [entry.defined] if entry.defined else [])
            self._found[entry.status, entry.code] = known

    def sorted(self) -> list[_Known]:
        return [self._found[key] for key in sorted(self._found)]

    def add_site(self, site: Site) -> _Known | None:
        """Enter a code that a call gives, with what the call says of it; None if it is no code."""
        if not re.fullmatch(CODE, site.code):
            self.unknown.add(f"{site.where} gives {shown(site.code)}, which is no code")
            return None
        known = self._found.get((site.cls.status, site.code))
        if known is None:
            base = self._found[site.cls.status, STATUSES[site.cls.status].code].entry
            retry = site.cls.retryable if site.retryable is None else site.retryable
            entry = base._replace(
                code=site.code,
                meaning=site.message or base.meaning,
                retryable=retry,
                param=site.param,
                description="",
                defined="",
            )
            known = self._found[site.cls.status, site.code] = _Known(entry)
        if site.is_literal:
            _append(known.defined, site.where)
        return known

    def add_handler(self, cls: type[BaseException], handler: Callable[..., object]) -> None:
        """Enter what a service's mapping answers exceptions of `cls` with."""
        name = f"{cls.__module__}:{cls.__qualname__}"
        answers: list[_Known] = []
        if isinstance(handler, type):
            answers += self._answers_of(handler)
        else:
            entered = map(self.add_site, sites_in_handler(handler))
            answers += [known for known in entered if known is not None]
        for known in answers:
            _append(known.exceptions, name)
        if not answers:
            self.unknown.add(f"the code that {name} is mapped to cannot be read from the source")

    def _answers_of(self, handler: type) -> list[_Known]:
        known = issubclass(handler, KaikoError) and self._found.get((handler.status, handler.code))
        return [known] if known else []


def _append(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _is_own(known: _Known) -> bool:
    return bool(known.defined or known.exceptions)


def _merged(found: Iterable[_Known]) -> list[Entry]:
    """Return one entry for each code, type and retry."""
    groups: dict[tuple[str, str, bool], list[_Known]] = {}
    for known in found:
        key = (known.entry.code, known.entry.type, known.entry.retryable)
        groups.setdefault(key, []).append(known)
    return [_entry(group) for group in groups.values()]


def _entry(group: list[_Known]) -> Entry:
    first = group[0].entry
    return Entry(
        code=first.code,
        statuses=tuple(known.entry.status for known in group),
        type=first.type,
        retry=first.retryable,
        message=_readable(first.meaning),
        param=None if first.param is None else _readable(first.param),
        resolution=_readable(first.resolution),
        description=_readable(first.description),
        defined=tuple(dict.fromkeys(name for known in group for name in known.defined)),
        exceptions=tuple(sorted({name for known in group for name in known.exceptions})),
    )


def _readable(text: str) -> str:
    """Return a text that every JSON parser takes: without lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def _alive(cls: type[_T]) -> list[_T]:
    """Return the objects of a class that this process holds: an application keeps its settings."""
    # By type, not isinstance: a lazy object, such as Django's, would be loaded.
    return [each for each in gc.get_objects() if type(each) is cls]


def _id_header(configs: Iterable[Config]) -> str:
    """Return the service's id header: the one that differs from the default, if just one does."""
    others = {config.request_id_header for config in configs} - {_DEFAULT_HEADER}
    return others.pop() if len(others) == 1 else _DEFAULT_HEADER

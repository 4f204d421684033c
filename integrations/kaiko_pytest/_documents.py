"""What an OpenAPI document declares for the operation that an answer belongs to.

A document is asked for when it is first needed. FastAPI, Litestar, django-ninja and drf-spectacular
make one; an adapter of ours puts the codes into it as examples. A document without examples for a
status declares the status alone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from kaiko_middleware.json_values import members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Object = Mapping[str, Any]

__all__ = ["Document", "Documents", "Operation", "Source"]

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


class Source(NamedTuple):
    """Where a document comes from: an application, and the path that it was asked for.

    `key` is one application's; `make` returns its document, and may raise anything.
    """

    key: object
    make: Callable[[], Object]
    path: str


class Operation(NamedTuple):
    """One operation, and the codes that it declares by its key (a status, `4XX`, `default`).

    A key without codes declares a status without saying which ones.
    """

    title: str
    method: str
    path: str
    codes: Mapping[str, frozenset[str]]

    def key_for(self, status: int) -> str | None:
        """Return the key of the answer that the document has for a status, or None."""
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self.codes:
                return key
        return None


class Document:
    """A document's operations."""

    def __init__(self, document: Object) -> None:
        title = str(_member(document, "info").get("title", ""))
        self.operations: list[Operation] = [
            Operation(title, method.upper(), path, _codes_of(_member(item, method), document))
            for path, item in _member(document, "paths").items()
            for method in sorted(_METHODS & _object(item).keys())
        ]

    def find(self, method: str, path: str) -> Operation | None:
        """Return the operation that answers a request, or None where the document has none."""
        mine = [each for each in self.operations if each.method == method]
        for last in ("[^/]+", ".+"):  # a parameter may take the rest of the path
            found = [each for each in mine if _pattern(each.path, last).fullmatch(path)]
            if found:
                return min(found, key=lambda each: each.path.count("{"))
        return None


class Documents:
    """The documents of a session's applications."""

    def __init__(self) -> None:
        self._known: dict[object, Document | None] = {}
        self.failed: list[str] = []
        """Why a document could not be had, for a person."""

    def __contains__(self, source: Source) -> bool:
        """Whether an application's document was asked for."""
        return source.key in self._known

    def of(self, source: Source) -> Document | None:
        """Return an application's document, or None where it cannot be had."""
        if source.key not in self._known:
            self._known[source.key] = self._make(source)
        return self._known[source.key]

    def operations(self) -> Iterator[Operation]:
        """Return the operations of all documents that were asked for."""
        for document in self._known.values():
            if document is not None:
                yield from document.operations

    def _make(self, source: Source) -> Document | None:
        try:
            return Document(source.make())
        except Exception as exc:  # noqa: BLE001 - a generator of documents may raise anything
            self.failed.append(f"{type(exc).__name__}: {exc}")
            return None


def _member(of: object, name: str) -> Object:
    value: object = _object(of).get(name)
    return _object(value)


def _object(value: object) -> Object:
    return members(value)


def _codes_of(operation: Object, document: Object) -> dict[str, frozenset[str]]:
    responses = _member(operation, "responses")
    return {
        str(key): frozenset(_codes(_resolved(answer, document)))
        for key, answer in responses.items()
        if not str(key).isdecimal() or int(key) >= 400
    }


def _resolved(answer: object, document: Object) -> Object:
    """Return an answer, from the document's components where it is a reference."""
    at = _object(answer)
    name = str(at.get("$ref", "")).rpartition("/")[2]
    return _member(_member(_member(document, "components"), "responses"), name) if name else at


def _codes(answer: Object) -> Iterator[str]:
    for media in _member(answer, "content").values():
        shown = _member(media, "examples").values()
        values = [_member(example, "value") for example in shown]
        for value in (*values, _member(media, "example")):
            code = _member(value, "error").get("code")
            if isinstance(code, str):
                yield code


@lru_cache(maxsize=4096)
def _pattern(path: str, last: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]*\}", path)
    texts = [re.escape(part) for part in parts]
    if len(texts) > 1 and not parts[-1]:
        return re.compile("[^/]+".join(texts[:-1]) + last)
    return re.compile("[^/]+".join(texts))

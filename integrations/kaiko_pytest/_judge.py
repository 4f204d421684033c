"""Judges one error answer: by the contract, the catalogue, the OpenAPI document, and for leaks."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.catalog import TOOLKIT_STATUSES, known_codes
from kaiko_middleware.codes import registered_codes
from kaiko_middleware.error_values import invalid_code
from kaiko_middleware.errors import KaikoError
from kaiko_middleware.make_error import error_for_status

from ._answers import broken_rules
from ._explain import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_middleware.conformance import Violation

    from ._answers import Answer
    from ._documents import Operation

__all__ = ["Finding", "judge"]

_SECRET = re.compile("SECRET|TOKEN|PASSW|API_?KEY|PRIVATE|CREDENTIAL|_DSN$|DATABASE_URL")
_SHORTEST = 12
_INSIDE = (
    (re.compile(r'Traceback \(most recent call|File "[^"]+", line \d+'), "a traceback"),
    (re.compile(r"(?:/[\w.@-]+){2,}\.(?:py|so|toml|ya?ml|json|sql|db|env)\b"), "a file's path"),
    (re.compile(r"[a-z][a-z0-9+]*://[^/\s:@]+:[^/\s:@]+@"), "a URL with a password"),
)


class Finding(NamedTuple):
    """Something wrong with an answer.

    `kind` is contract, leak, catalogue or openapi; `name` the broken rule, or the code. Both exempt
    it, and so does the answer's code. `text` is for a person; of a broken rule there is `rule`.
    """

    kind: str
    name: str
    text: str = ""
    rule: Violation | None = None


def judge(answer: Answer, operation: Operation | None) -> Iterator[Finding]:
    """Yield what is wrong with an error answer.

    Arguments:
        answer: the answer, of a status from 400 on.
        operation: what the OpenAPI document has for it, if there is one.

    """
    error = answer.error()
    code, param, message = error.get("code"), error.get("param"), error.get("message")
    shown = False
    for rule in broken_rules(answer):
        shown = shown or rule.rule == "inside"
        kind = "leak" if rule.rule in {"inside", "key"} else "contract"
        yield Finding(kind, rule.rule, rule=rule)
    if isinstance(message, str) and not shown:
        for what in _leaks(message):
            text = f"Its message shows {what}: {cut(message, 200)}\n{_LEAK_ADVICE}"
            yield Finding("leak", "inside", text)
    if not isinstance(code, str):
        return
    if not _is_known(answer.status, code, param if isinstance(param, str) else None):
        yield Finding("catalogue", code, _uncatalogued(answer.status, code))
    elif operation is not None and not _is_declared(operation, answer.status, code):
        yield Finding("openapi", code, _undeclared(operation, answer.status, code))


_LEAK_ADVICE = "    Raise a typed error with a message for the client; keep the cause for the log."


def _leaks(message: str) -> Iterator[str]:
    for pattern, what in _INSIDE:
        if pattern.search(message):
            yield what
            return
    for name in filter(_is_secret, os.environ):
        value = os.environ[name]
        if len(value) >= _SHORTEST and value in message:
            yield f"the value of the environment variable {name}"


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name.upper()) is not None


@lru_cache(maxsize=4)
def _catalogue(_size: int) -> frozenset[tuple[int, str]]:
    return frozenset((entry.status, entry.code) for entry in known_codes())


def _is_known(status: int, code: str, param: str | None) -> bool:
    # A bad value's code is made of the field's name; it is no class's.
    if status in {400, 422} and code == invalid_code(param):
        return True
    return (status, code) in _catalogue(len(registered_codes()))


def _is_declared(operation: Operation, status: int, code: str) -> bool:
    key = operation.key_for(status)
    if key is None:
        return False
    if code in operation.codes[key] or not operation.codes[key]:
        return True
    # The toolkit's own codes need no line in each operation, but a service's do.
    return status in TOOLKIT_STATUSES.get(code, ()) or not _is_a_class(code)


def _is_a_class(code: str) -> bool:
    return any(
        entry.code == code and entry.cls.__module__ != KaikoError.__module__
        for entry in registered_codes()
    )


def _uncatalogued(status: int, code: str) -> str:
    base = type(error_for_status(status)).__name__
    name = "".join(part.title() for part in code.split("_"))
    return (
        f"The catalogue has no code '{code}' for the status {status}. A client that looks it up"
        f" finds nothing.\n    Define it as a class, and raise that:\n"
        f'        class {name}({base}, code="{code}"): ...'
    )


def _undeclared(operation: Operation, status: int, code: str) -> str:
    key = operation.key_for(status)
    listed = ", ".join(sorted(operation.codes[key])) if key is not None else ""
    has = f"Under {key!r} it lists {listed}." if listed else f"It has no answer for {status}."
    names = [entry.cls.__name__ for entry in registered_codes() if entry.code == code]
    return (
        f"The OpenAPI document does not declare {status} '{code}' for"
        f" {operation.method} {operation.path}. {has}\n"
        f"    Declare it at the route: responses({', '.join(names)}), of your framework's package."
    )

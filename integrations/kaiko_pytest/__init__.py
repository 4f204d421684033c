"""For pytest: assertions on error answers, and the contract held over a whole suite.

`assert_error` takes the answer of any test client. The plugin is loaded by pytest itself, and
does nothing until it is asked: `pytest --kaiko=strict` fails a test in whose course an error answer
broke the contract, and `pytest --kaiko-report` lists the declared errors that no test ever saw.

>>> from kaiko_middleware import NotFoundError, render
>>> from kaiko_pytest import assert_error
>>> class Answer:
...     status_code, headers, content = render(NotFoundError("No such context"), "req-7f65ab21d1")
>>> assert_error(Answer, NotFoundError).error.message
'No such context'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._answers import Response
    from ._assertion import assert_error
    from ._records import RequestRecords
    from ._upstream import FailingUpstream, Provider, RaiseUpstream

__all__ = [
    "FailingUpstream",
    "Provider",
    "RaiseUpstream",
    "RequestRecords",
    "Response",
    "assert_error",
]

_HOMES = {
    "FailingUpstream": "_upstream",
    "Provider": "_upstream",
    "RaiseUpstream": "_upstream",
    "RequestRecords": "_records",
    "Response": "_answers",
    "assert_error": "_assertion",
}


def __getattr__(name: str) -> object:
    """Load a name when it is first asked for: pytest imports this package in every session."""
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - likewise

        value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)

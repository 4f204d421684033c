"""`assert_error`: one error answer is what the test expects, and keeps the whole contract."""

from __future__ import annotations

import re
from types import EllipsisType
from typing import TYPE_CHECKING, NamedTuple, overload

from kaiko_middleware import ErrorEnvelope, KaikoError
from kaiko_middleware.catalog import status_entry
from kaiko_middleware.codes import registered_codes

from ._answers import broken_rules, read_answer
from ._explain import comparison, explained, shown_answer
from ._watch import saw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._answers import Answer, Response

__all__ = ["assert_error"]

Param = str | None | EllipsisType
Message = str | re.Pattern[str] | None


class _Row(NamedTuple):
    """A line of the comparison; `wanted` is None where any value will do."""

    name: str
    wanted: object
    seen: object
    right: bool


@overload
def assert_error(
    response: Response,
    error: type[KaikoError],
    /,
    *,
    param: Param = ...,
    message: Message = None,
) -> ErrorEnvelope: ...


@overload
def assert_error(
    response: Response,
    /,
    *,
    status: int,
    code: str | None = None,
    param: Param = ...,
    message: Message = None,
) -> ErrorEnvelope: ...


@overload
def assert_error(
    response: Response,
    /,
    *,
    code: str,
    status: int | None = None,
    param: Param = ...,
    message: Message = None,
) -> ErrorEnvelope: ...


def assert_error(
    response: Response,
    error: type[KaikoError] | None = None,
    /,
    *,
    status: int | None = None,
    code: str | None = None,
    param: Param = ...,
    message: Message = None,
) -> ErrorEnvelope:
    """Check that a response is the expected error, and that it keeps the contract.

    Name the error by its class, or by status and code:

        assert_error(client.get("/v2/contexts/ctx_1"), ContextNotFound)
        assert_error(client.get("/v2/contexts/ctx_1"), status=404, code="context_not_found")

    Arguments:
        response: what a test client returned: Starlette's, FastAPI's, Litestar's, Django's, DRF's,
            Ninja's, Flask's, httpx's, httpx2's or requests'.
        error: the class of the error. Status and type are compared, and the code where the class
            has one of its own; a row's class, such as `NotFoundError`, takes any code.
        status: the expected status.
        code: the expected code.
        param: the expected param, None for null; not compared by default.
        message: the expected message, or a pattern that is searched for in it.

    Returns:
        The envelope.

    Raises:
        AssertionError: the answer is another one, or breaks a rule of the contract. The message
            compares what is expected and seen, names each broken rule, and shows the answer.
        TypeError: a class and a status or code were given, or none of them, or `response` is none.

    Implements sections 1 to 6 of the V2 contract.

    """
    __tracebackhide__ = True
    _refuse_misuse(error, status, code)
    answer = read_answer(response)
    saw(answer)
    if error is not None:
        status = error.status
        code = error.code if _has_own_code(error) else None
    rows = list(_compare(answer, status, code, param, message))
    rules = broken_rules(answer)
    envelope = ErrorEnvelope.parse(answer.body)
    if rules or envelope is None or not all(row.right for row in rows):
        table = comparison([(row.name, row.wanted, row.seen, row.right) for row in rows])
        text = "\n\n".join(
            [_headline(answer, error, rows), table, *explained(rules), shown_answer(answer)]
        )
        raise AssertionError(text)
    return envelope


def _refuse_misuse(error: object, status: object, code: object) -> None:
    if error is not None:
        if status is not None or code is not None:
            raise TypeError("assert_error takes a class, or a status and a code, not both")
        if not isinstance(error, type) or not issubclass(error, KaikoError):
            raise TypeError(f"assert_error takes a class of KaikoError, not {error!r}")
    elif status is None and code is None:
        raise TypeError("assert_error needs the expected error: a class, a status or a code")


def _has_own_code(cls: type[KaikoError]) -> bool:
    return any(entry.cls in cls.__mro__ for entry in registered_codes())


def _compare(
    answer: Answer, status: int | None, code: str | None, param: Param, message: Message
) -> Iterator[_Row]:
    said = answer.error()
    yield _Row("status", status, answer.status, status in {None, answer.status})
    if status is not None and status >= 400:
        kind = status_entry(status).type
        yield _Row("type", kind, said.get("type"), said.get("type") == kind)
    seen = said.get("code")
    yield _Row("code", code, seen, code is None or seen == code)
    seen = said.get("param")
    if param is ...:
        yield _Row("param", None, seen, right=True)
    else:
        yield _Row(
            "param", "null" if param is None else param, seen, "param" in said and seen == param
        )
    seen = said.get("message")
    if isinstance(message, re.Pattern):
        found = isinstance(seen, str) and message.search(seen) is not None
        yield _Row("message", f"matching {message.pattern}", seen, found)
    else:
        yield _Row("message", message, seen, message is None or seen == message)


def _headline(answer: Answer, error: type[KaikoError] | None, rows: list[_Row]) -> str:
    wrong = [row.name for row in rows if not row.right]
    if answer.status < 400:
        what = f"the answer is no error: it is a {answer.status}"
    elif wrong:
        names = f"{', '.join(wrong[:-1])} and {wrong[-1]}" if wrong[1:] else wrong[0]
        what = f"the answer has another {names}"
    else:
        what = "the answer is the expected one, but it breaks the contract"
    return what if error is None else f"{error.__name__}: {what}"

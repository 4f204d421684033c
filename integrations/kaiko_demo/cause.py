"""One way to fail, as data: the request that causes it and the expected answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from kaiko_demo.seed import LIVE_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaiko_middleware import ErrorType

__all__ = ["Behind", "Cause", "Expected", "Json", "Request", "error", "get", "post"]

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | bool | None"


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request.

    Arguments:
        method: Its method.
        path: Its target.
        headers: Its headers, except `Host` and `Content-Length`, which a client adds.
        body: Its body, or None.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected answer.

    Arguments:
        status: Its status.
        type: The error's type; None on success.
        code: The error's code; None on success.
        param: The error's param.
        headers: Names of headers that it must have.
        retry: The value of `X-Should-Retry`; None if the header does not matter.
    """

    status: int
    type: ErrorType | None = None
    code: str | None = None
    param: str | None = None
    headers: tuple[str, ...] = ()
    retry: bool | None = None


@dataclass(frozen=True, slots=True)
class Behind:
    """The service that ours must call for a cause.

    Arguments:
        name: Its name.
        attempts: How often ours must call it for one request.
    """

    name: Literal["llm", "archive"]
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Cause:
    """One way to fail (or not to).

    Arguments:
        name: The cause, in a few words.
        request: The request.
        expected: Its answer.
        before: Requests that have to succeed first.
        in_stream: Whether the error is the last event, or line, of a stream that began well.
        cut: Whether the answer has to be cut off: plain text has no form for an error.
        never: Texts that must not appear anywhere in the answer.
        behind: The service that ours must call, if any.
    """

    name: str
    request: Request
    expected: Expected
    before: tuple[Request, ...] = ()
    in_stream: bool = False
    cut: bool = False
    never: tuple[str, ...] = ()
    behind: Behind | None = None


def get(path: str, *, key: str | None = LIVE_KEY) -> Request:
    """Return a GET request."""
    return Request("GET", path, {} if key is None else {"x-api-key": key})


def post(path: str, body: Json | bytes, *, method: str = "POST") -> Request:
    """Return a request with a body, which is sent as JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"x-api-key": LIVE_KEY, "Content-Type": "application/json"}
    return Request(method, path, headers, raw)


def error(
    status: int,
    kind: ErrorType,
    code: str,
    param: str | None = None,
    *headers: str,
    retry: bool = False,
) -> Expected:
    """Return an expected answer that is an error."""
    return Expected(status, kind, code, param, headers, retry)

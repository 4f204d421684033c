"""Reads the answer that a test client returns, whichever client that is.

Clients are known by their shape alone. httpx, httpx2, requests and the test clients of Starlette,
FastAPI, Litestar, Django, DRF and Ninja have a `status_code`, a `content` and headers. Those of
werkzeug and Flask have `data` for a body. None of them is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, Protocol, cast

from kaiko_middleware.conformance import Violation, check_answer
from kaiko_middleware.json_values import is_json_list, members

__all__ = ["Answer", "Response", "broken_rules", "read_answer"]

Pairs = tuple[tuple[str, str], ...]
_ID = "X-Request-ID"


class _WithContent(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...


class _WithData(Protocol):
    @property
    def status_code(self) -> int: ...
    def get_data(self, as_text: Literal[False] = ...) -> bytes: ...


Response = _WithContent | _WithData
"""What a test client returns: a status, headers and a body."""


class Answer(NamedTuple):
    """An answer as it was sent, and the request that it answers.

    `request_id` is the id that our middleware gave the request, None where it is not known.
    """

    status: int
    headers: Pairs
    body: bytes
    method: str = "GET"
    url: str = ""
    request_headers: Pairs = ()
    request_id: str | None = None

    def header(self, name: str) -> str:
        """Return the values of a header, joined by commas; empty where there is none."""
        return ",".join(value for key, value in self.headers if key.lower() == name)

    def error(self) -> dict[str, object]:
        """Return what the body has as `error`; empty where the body is no envelope."""
        try:
            body: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return members(members(body).get("error"))


def broken_rules(answer: Answer) -> list[Violation]:
    """Return the rules of the contract that an answer breaks.

    A service may have given the id's header another name: it is the one with the request's id.
    """
    wanted = answer.request_id or answer.error().get("request_id")
    named = [name for name, value in answer.headers if value == wanted]
    return check_answer(
        answer.status,
        answer.headers,
        answer.body,
        method=answer.method,
        request_id_header=named[0] if named and not answer.header(_ID.lower()) else _ID,
        request_headers=answer.request_headers,
    )


def read_answer(response: object) -> Answer:
    """Return what a test client's response holds.

    Raises:
        TypeError: it is no response, such as a coroutine that was not awaited.

    """
    status = _get(response, "status_code")
    body = _get(response, "content")
    if body is None:
        body = _get(response, "data")
    if not isinstance(status, int) or not isinstance(body, bytes):
        what = type(response).__name__
        hint = "; await it first" if what == "coroutine" else ""
        raise TypeError(f"assert_error takes a test client's response, not {what}{hint}")
    raw = _get(_get(response, "raw"), "headers")  # requests': it shows repeated headers
    headers = _pairs(_get(response, "headers") if raw is None else raw)
    method, url, asked = _request_of(response)
    answer = Answer(int(status), headers, body, method, url, asked)
    return _as_sent(answer) if answer.header("content-encoding") else answer


def _as_sent(answer: Answer) -> Answer:
    """Return the answer without a coding that the client has undone."""
    if not answer.error():
        return answer
    kept = [
        (name, value)
        for name, value in answer.headers
        if name.lower() not in {"content-encoding", "content-length"}
    ]
    return answer._replace(headers=(*kept, ("content-length", str(len(answer.body)))))


def _request_of(response: object) -> tuple[str, str, Pairs]:
    asked = _get(response, "request")
    if isinstance(asked, Mapping):  # Django's: an environ, or a scope
        of = cast("Mapping[str, object]", asked)  # of anything
        method = of.get("REQUEST_METHOD") or of.get("method") or "GET"
        url = of.get("PATH_INFO") or of.get("path") or ""
        kind = of.get("CONTENT_TYPE")
        return str(method), str(url), (("content-type", str(kind)),) if kind else ()
    method = _get(asked, "method")
    return str(method or "GET"), str(_get(asked, "url") or ""), _pairs(_get(asked, "headers"))


def _pairs(headers: object) -> Pairs:
    multi = _get(headers, "multi_items") or _get(headers, "items")
    items = multi() if callable(multi) else headers or ()
    return tuple(
        (_text(name), _text(each))
        for name, value in cast("Iterable[tuple[object, object]]", items)  # so clients have them
        for each in (value if is_json_list(value) else [value])
    )


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _get(of: object, name: str) -> object:
    """Return an attribute; None where there is none, or reading it fails."""
    try:
        found: object = getattr(of, name, None)
    except Exception:  # noqa: BLE001 - httpx raises RuntimeError for a response without a request
        return None
    return found

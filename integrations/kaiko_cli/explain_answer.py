"""Explaining an answer that somebody saved: whose it is, whose fault, and what to do."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from kaiko_cli.advice import (
    ANY_METHOD,
    category_of_curl,
    fault_of,
    fault_of_category,
    retry_advice,
    todo_of_category,
)
from kaiko_cli.explanation import Explanation
from kaiko_middleware import KaikoError, render
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines
from kaiko_middleware.content_coding import decode_body
from kaiko_middleware.json_values import members
from kaiko_middleware.known_protocols import Exchange
from kaiko_middleware.make_error import error_for_status
from kaiko_middleware.protocol_errors import protocol_of
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kaiko_cli.catalogue import Catalogue, Entry
    from kaiko_cli.saved_answer import SavedAnswer

__all__ = ["explain_answer"]

_MEMBERS = ["type", "code", "message", "param", "request_id"]
_CURL = re.compile(rb"^curl: \((\d{1,3})\)", re.MULTILINE)
_SILENCE = "no answer"
_VIOLATIONS = 8  # that are shown
_NO_ID = "unknown"
_PEER = Upstream("it", trust="peer", credential="forwarded")
_OTHER = Upstream("it")
_LLM = Upstream("it", trust="llm")


class _Read(NamedTuple):
    """An answer with its body decoded, and the error that it is, if it has the contract's form."""

    answer: SavedAnswer
    status: int
    body: bytes
    error: KaikoError | None
    request_id: str


def explain_answer(answer: SavedAnswer, catalogue: Catalogue) -> Explanation:
    """Explain an answer, an error or not.

    Arguments:
        answer: what was read.
        catalogue: the codes that are known.

    """
    read = _read(answer)
    explanation = (
        _explain_own(read, catalogue)
        or _explain_bodiless(read, catalogue)
        or _explain_foreign(read)
        or _explain_silence(read)
        or _explain_success(read)
    )
    notes = [*explanation.facts.get("notes", ()), *answer.notes]
    if answer.status is None and not explanation.title.startswith(_SILENCE):
        notes.append("there is no head: save the answer with its headers, as curl -i does")
    if notes:
        explanation.facts["notes"] = notes
    if answer.earlier:
        explanation.facts["earlier"] = ", ".join(map(str, answer.earlier))
    return explanation


def _read(answer: SavedAnswer) -> _Read:
    # What curl --compressed saved is decoded, and still has the header.
    decoded = decode_body(answer.body, answer.value("content-encoding"))
    body = answer.body if decoded is None else decoded
    status = 200 if answer.status is None else answer.status
    said, in_stream = _error_in(body), False
    if said is None and status < 400:
        said, in_stream = _error_in(_last_frame(body)), True
    if said is None:
        return _Read(answer, status, body, None, _NO_ID)
    error = _own_error(answer, status, said, find_status=in_stream or answer.status is None)
    found = status if error is None or in_stream else error.status
    return _Read(answer, found, body, error, str(said["request_id"]))


def _error_in(body: bytes) -> Mapping[str, object] | None:
    """Return the members of an error that has those of the contract."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    error = members(members(value).get("error"))
    return error if all(name in error for name in _MEMBERS) else None


def _last_frame(body: bytes) -> bytes:
    """Return the data of the last event or line of a stream."""
    last = body.replace(b"\r\n", b"\n").rstrip(b"\n").rpartition(b"\n")[2]
    return last.removeprefix(b"data:")


def _own_error(
    answer: SavedAnswer, status: int, said: Mapping[str, object], *, find_status: bool
) -> KaikoError | None:
    """Return the error of a service with the contract; None if the answer only looks like one."""
    envelope = json.dumps({"error": said}).encode()
    # Without a status it is that of the code, as for the last event of a stream.
    sent = 200 if find_status else status
    error = _PEER.error_from_response(sent, answer.headers, envelope)
    if error is None or (error.code, error.type) != (said["code"], said["type"]):
        return None
    return error if error.message == said["message"] else None


def _explain_own(read: _Read, catalogue: Catalogue) -> Explanation | None:
    """Explain an error of the contract; None if it is none."""
    error = read.error
    if error is None:
        return None
    shown = json.loads(render(error, "-").body)["error"]  # without keys, and of a fit length
    known = _entry_of(error, catalogue)
    unknown = f"{STATUSES[error.status].message} (--catalog names a service that has the code)"
    row = STATUSES[error.status]
    facts: dict[str, str | list[str]] = {
        "meaning": unknown if known is None else known.message,
        "fault": fault_of(error.status, error.type, retryable=error.retryable),
        "advice": retry_advice(retryable=error.retryable, wait=error.retry_after),
        "todo": known.resolution if known else catalogue.resolution_of(error.status),
        "said": shown["message"],
        "request_id": read.request_id,
    }
    if error.param is not None:
        facts["param"] = shown["param"]
    if known is not None:
        facts |= {"defined": list(known.defined), "exceptions": list(known.exceptions)}
    notes = list(_violations(read))
    if known is not None and known.retry != error.retryable:
        notes.append("X-Should-Retry differs from the catalogue, and counts")
    facts["notes"] = notes
    where = "" if read.status == error.status else f" inside a {read.status}"
    return Explanation(
        f"{error.status} {row.type}, code {error.code}{where}", error.retryable, facts
    )


def _explain_bodiless(read: _Read, catalogue: Catalogue) -> Explanation | None:
    """Explain an answer of a service with the contract to HEAD, which only its headers tell."""
    answer, status = read.answer, read.status
    request_id = answer.value("x-request-id")
    if read.body.strip() or not request_id or not answer.value("x-should-retry"):
        return None
    row = STATUSES.get(status)
    if row is None or row.status != status:
        return None
    error = error_for_status(status)
    judged = _PEER.error_from_response(status, answer.headers, b"")
    wait = None if judged is None else judged.retry_after
    retryable = answer.value("x-should-retry").lower() == "true"
    facts: dict[str, str | list[str]] = {
        "meaning": f"{row.message} (without a body, as HEAD gets it, there is no code)",
        "fault": fault_of(status, error.type, retryable=retryable),
        "advice": retry_advice(retryable=retryable, wait=wait),
        "todo": catalogue.resolution_of(status),
        "request_id": request_id,
    }
    return Explanation(f"{status} {row.type}", retryable, facts)


def _entry_of(error: KaikoError, catalogue: Catalogue) -> Entry | None:
    entries = catalogue.by_code().get(error.code, [])
    return next((entry for entry in entries if error.status in entry.statuses), None)


def _violations(read: _Read) -> Iterator[str]:
    """Yield what is against the contract in an answer of a service that has it."""
    answer = read.answer
    if answer.status is None or answer.notes:
        return
    headers, method = answer.headers, answer.method or "GET"
    found = check_answer(answer.status, headers, answer.body, method=method)
    if answer.status < 400:
        lines = "json" in answer.value("content-type")
        found += (check_json_lines if lines else check_event_stream)(read.body)
    for violation in found[:_VIOLATIONS]:
        yield f"against the contract: {violation}"


def _explain_foreign(read: _Read) -> Explanation | None:
    """Explain an error answer that is not one of the contract; None if it is no error."""
    answer, status = read.answer, read.status
    exchange = Exchange(status, answer.value("content-type"), answer.method or "GET")
    protocol = protocol_of(exchange, read.body)
    error = _judged(_OTHER, read)
    if error is None or error.upstream is None:
        return None
    details = error.upstream
    facts: dict[str, str | list[str]] = {
        "meaning": "an error answer without the contract's envelope"
        if protocol is None
        else f"an error of {protocol}, which its clients understand: the contract keeps it",
        "fault": fault_of_category(details.category),
        "advice": retry_advice(
            retryable=error.retryable, wait=error.retry_after, any_method=status in ANY_METHOD
        ),
        "todo": todo_of_category(details.category),
        "upstream_says": details.excerpt,
        "answered": f"{error.status} {error.code}, if you call it with kaiko_httpx",
    }
    if details.request_id is not None:
        facts["request_id"] = details.request_id
    llm = _judged(_LLM, read)
    if llm is not None and (llm.status, llm.code) != (error.status, error.code):
        facts["llm"] = f"{llm.status} {llm.code}: {llm.message}"
    if _error_in(read.body) is not None:
        facts["notes"] = list(_violations(read))
    title = "an error" if answer.status is None else _title(status)
    return Explanation(f"{title}: {details.category}", error.retryable, facts)


def _judged(upstream: Upstream, read: _Read) -> KaikoError | None:
    answer = read.answer
    # Without a head, a text that is no JSON may be anything.
    is_json = _is_json(read.body) and (
        answer.status is None or "json" in answer.value("content-type")
    )
    return upstream.error_from_response(
        read.status,
        [pair for pair in answer.headers if pair[0].lower() != "content-encoding"],
        read.body,
        method=answer.method or "GET",
        expects="json" if is_json else "any",
    )


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _explain_silence(read: _Read) -> Explanation | None:
    """Explain why curl got no answer; None if it does not say so."""
    failed = _CURL.search(read.body)
    category = None if failed is None else category_of_curl(int(failed[1]))
    if read.answer.status is not None or category is None:
        return None
    retryable = category == "unavailable"
    facts: dict[str, str | list[str]] = {
        "meaning": "there was no answer, or not the whole of one",
        "fault": fault_of_category(category),
        "advice": retry_advice(retryable=retryable, wait=None, any_method=False),
        "todo": todo_of_category(category),
    }
    return Explanation(f"{_SILENCE}: {category}", retryable, facts)


def _explain_success(read: _Read) -> Explanation:
    status, answer = read.status, read.answer
    if answer.status is None:
        return Explanation("no error is recognized", None, {"meaning": _shape(read.body)})
    facts: dict[str, str | list[str]] = {"meaning": "this is no error answer"}
    found = answer.value("x-request-id")
    if found:
        facts["request_id"] = found
    return Explanation(_title(status), None, facts)


def _shape(body: bytes) -> str:
    if not body.strip():
        return "there is nothing to read"
    if body.lstrip()[:1] in {b"{", b"["}:
        return "JSON that is no error of the contract, and of no shape that is known"
    return "a text that is no answer"


def _title(status: int) -> str:
    known = status in set(HTTPStatus)
    return f"{status} {HTTPStatus(status).phrase}" if known else str(status)

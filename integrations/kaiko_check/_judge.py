"""One answer against the contract: which clauses does it break, whatever was asked?

The rules are those of `kaiko_middleware.conformance`; here each breach gets the id of its clause.
"""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.author_text import is_phrase
from kaiko_middleware.catalog import TOOLKIT_STATUSES
from kaiko_middleware.conformance import Violation, check_answer
from kaiko_middleware.content_coding import decode_body
from kaiko_middleware.json_values import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._exchange import Answer, Request

__all__ = ["Fault", "error_of", "judge_answer", "judge_codes"]

MEMBERS = ("type", "code", "message", "param", "request_id")
_DEBUG = re.compile(
    r"You’re seeing this error because you have <code>DEBUG = True|"
    r"Werkzeug Debugger|<title>Starlette Debugger|class=\"traceback-|"
    r"Traceback \(most recent call last\)|"
    r"(?:\n|\\n)\s+at [^\n]+?:\d+:\d+|\bat [\w$.]+\([\w$]+\.java:\d+\)"
)
_BREAK = re.compile("<br */?>", re.IGNORECASE)

# The clause of each rule of check_answer that is not split below.
_BY_RULE = {
    "content-type": "envelope.content-type",
    "content-length": "envelope.content-length",
    "should-retry": "retry.header",
    "sendable": "headers.legal",
    "key": "leak.key",
    "id-alphabet": "id.alphabet",
    "cache-control": "cache.control",
    "retry-after": "retry-after.seconds",
    "rate-limit": "rate-limit.number",
    "challenge": "auth.challenge",
    "exposed": "cors.exposed",
    "same-id": "id.same",
    "type": "type.closed",
    "type-of-status": "type.status",
    "code": "code.pattern",
    "request-id": "id.in-body",
    "head": "head.body",
    "readable": "headers.legal",
}
_HEADERS = {
    "content-type": "Content-Type",
    "content-length": "Content-Length",
    "should-retry": "X-Should-Retry",
}
_VALIDATORS = {"etag", "last-modified", "digest", "repr-digest", "content-md5"}


class Fault(NamedTuple):
    """A clause that is broken, and what was found."""

    clause: str
    message: str


def judge_answer(request: Request, answer: Answer, id_header: str) -> Iterator[Fault]:
    """Yield every clause that an answer breaks, whatever was asked.

    Arguments:
        request: what was sent.
        answer: what came back.
        id_header: the name of the id's header.

    """
    if not answer.status:
        late = "in time" in answer.note
        yield Fault("answer.in-time" if late else "answer.given", answer.note)
        return
    if answer.status < 400:
        yield from _of_rules(request, answer, answer.body, id_header)
        return
    if answer.end == "cut":
        yield Fault("answer.whole", f"it was cut after {len(answer.body)} bytes: {answer.note}")
        return
    if answer.end == "unread":
        yield Fault("envelope.endless", f"{len(answer.body)} bytes arrived, and there was more")
        return
    if _is_debug_page(answer.body):
        yield Fault("leak.debug", "the body is a debug page or has a traceback")
    plain, faults = _decoded(request, answer)
    yield from faults
    if plain is not None:
        yield from _of_rules(request, answer, plain, id_header)
        yield from _of_meaning(answer, plain)


def error_of(body: bytes) -> Mapping[str, object]:
    """Return the members of a body's error; none if it is not an envelope."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return members(members(value).get("error"))


def _is_debug_page(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    return _DEBUG.search(unescape(_BREAK.sub("\n", text))) is not None


def judge_codes(codes: dict[str, tuple[int, str]], probe: str, answer: Answer) -> Iterator[Fault]:
    """Yield a fault where a code of the service's own came with another status before.

    Arguments:
        codes: the status and the probe that each code came with first; this adds to them.
        probe: the name of the probe.
        answer: its answer.

    """
    code = error_of(answer.body).get("code")
    if answer.status < 400 or not isinstance(code, str) or code in TOOLKIT_STATUSES:
        return
    status, where = codes.setdefault(code, (answer.status, probe))
    if status != answer.status:
        yield Fault("code.one-status", f"{code} is {answer.status} here, and {status} at: {where}")


def _decoded(request: Request, answer: Answer) -> tuple[bytes | None, list[Fault]]:
    """Return the body without its content coding, and what is wrong with that."""
    coding = ",".join(answer.values("content-encoding")).strip()
    if not coding or coding.lower() == "identity" or request.method == "HEAD":
        return answer.body, []
    faults: list[Fault] = []
    asked = ",".join(request.values("accept-encoding")).lower()
    if coding.lower() not in asked:
        faults.append(Fault("stale.coding", f"Content-Encoding is {coding!a}, which nobody asked"))
    elif "accept-encoding" not in ",".join(answer.values("vary")).lower():
        faults.append(Fault("coding.vary", f"it is {coding} and has no Vary: Accept-Encoding"))
    plain = decode_body(answer.body, coding)
    if plain is None:
        faults.append(Fault("coding.readable", f"the body is no {coding}, as its header says"))
    return plain, faults


def _of_rules(request: Request, answer: Answer, plain: bytes, id_header: str) -> Iterator[Fault]:
    # A server sends in chunks what has no length, which is a breach of its own.
    headers = [pair for pair in answer.headers if pair[0].lower() != "transfer-encoding"]
    if plain is not answer.body:
        # Judge it as if it had come without the coding.
        length = str(len(plain))
        headers = [
            (name, length if name.lower() == "content-length" else value)
            for name, value in headers
            if name.lower() != "content-encoding"
        ]
    elif request.values("accept-encoding") != ["identity"]:
        headers = [pair for pair in headers if pair[0].lower() != "content-encoding"]
    violations = check_answer(
        answer.status,
        headers,
        plain,
        method=request.method,
        request_id_header=id_header,
        request_headers=request.headers,
    )
    for violation in violations:
        yield Fault(_clause(violation, answer, plain), _message(violation, plain, id_header))


def _message(violation: Violation, body: bytes, id_header: str) -> str:
    """Return what was found, in plainer words where something is simply not there."""
    rule, _, message = violation
    header = _HEADERS.get(rule)
    if header is not None and message.startswith("it is []"):
        return f"there is no {header}"
    if rule == "one-id" and message.startswith("there are 0"):
        return f"there is no {id_header}"
    if rule == "json" and _clause_of_json(body) == "envelope.json":
        return f"the body is no JSON, it begins {body.strip()[:40].decode('utf-8', 'replace')!a}"
    if rule == "stale-header":
        return f"the error has {message.partition(' ')[0].title()}"
    if rule == "json" and not body.strip():
        return "there is no body"
    return message


def _clause(violation: Violation, answer: Answer, body: bytes) -> str:
    """Return the clause of a violation; some rules are several clauses."""
    rule, _, message = violation
    known = _BY_RULE.get(rule)
    if known is not None:
        return known
    match rule:
        case "one-id":
            return _clause_of_id(answer, message)
        case "json":
            return _clause_of_json(body)
        case "envelope":
            return "envelope.beside" if error_of(body) else "envelope.shape"
        case "members":
            return _clause_of_members(body)
        case "stale-header":
            return _clause_of_stale(message.partition(" ")[0])
        case "message":
            return _clause_of_message(body)
        case _:
            return _clause_of_words(rule, message)


def _clause_of_words(rule: str, message: str) -> str:
    """Return the clause of a rule whose message tells it."""
    word, clause, other = {
        "status": ("becomes", "status.folded", "status.valid"),
        "param": ("control", "param.control", "param.length"),
        "inside": ("traceback", "leak.traceback", "leak.inside"),
    }[rule]
    return clause if word in message else other


def _clause_of_id(answer: Answer, message: str) -> str:
    if not message.startswith("there are 0"):
        return "id.once"
    if answer.status >= 400:
        return "id.header"
    return "id.on-redirect" if 300 <= answer.status != 304 else "id.on-success"


def _clause_of_stale(name: str) -> str:
    if name == "content-encoding":
        return "stale.coding"
    return "stale.validators" if name in _VALIDATORS else "stale.description"


def _clause_of_message(body: bytes) -> str:
    text = error_of(body).get("message")
    return "message.length" if isinstance(text, str) and text.strip() else "message.text"


def _clause_of_json(body: bytes) -> str:
    if not body.strip():
        return "envelope.empty"
    try:
        json.loads(body.decode("utf-8-sig", "surrogatepass"))
    except (ValueError, RecursionError):
        return "envelope.json"
    return "envelope.portable"


def _clause_of_members(body: bytes) -> str:
    found = list(error_of(body))
    if found == [name for name in MEMBERS if name != "param"]:
        return "envelope.param"
    if set(found) == set(MEMBERS):
        # The same names: in another order, or one of them twice.
        return "envelope.order" if found != list(MEMBERS) else "envelope.portable"
    return "envelope.more" if set(found) > set(MEMBERS) else "envelope.members"


def _of_meaning(answer: Answer, plain: bytes) -> Iterator[Fault]:
    """What the members say together, and what two headers say."""
    error = error_of(plain)
    code, message = error.get("code"), error.get("message")
    statuses = TOOLKIT_STATUSES.get(code) if isinstance(code, str) else None
    if statuses and answer.status not in statuses:
        documented = " or ".join(map(str, sorted(statuses)))
        yield Fault("code.meaning", f"{code} is documented for {documented}, not {answer.status}")
    if isinstance(message, str) and is_phrase(message, answer.status):
        yield Fault("message.phrase", f"the message is the phrase {message!a}")
    for value in answer.values("x-ratelimit-reset"):
        if value.isascii() and value.isdigit() and len(value) <= 20 and int(value) >= 10**9:
            yield Fault("rate-limit.delta", f"X-RateLimit-Reset is {value}, a point in time")
    yield from _of_origin(answer)


def _of_origin(answer: Answer) -> Iterator[Fault]:
    origins = answer.values("access-control-allow-origin")
    if len(origins) > 1 or any("," in origin for origin in origins):
        yield Fault("cors.once", f"Access-Control-Allow-Origin is {origins!a}")
    elif origins == ["*"] and answer.value("access-control-allow-credentials") == "true":
        yield Fault("cors.credentials", "any origin is allowed, with credentials")

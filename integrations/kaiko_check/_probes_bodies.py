"""The probes of request bodies. They use POST, so they are sent only with `--unsafe`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._judge import Fault, error_of
from ._probe import MARK, Probe, no_server_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._exchange import Answer, Request
    from ._probe import Judge, Options, Seen
    from ._probes import Places

__all__ = ["judge_echo", "probe_bodies"]

_JSON = "application/json"
# Each is no JSON, whatever a service expects.
_NO_JSON: dict[str, bytes] = {
    "malformed JSON": b'{"kaiko": [',
    "JSON in a bad encoding": b'{"kaiko": "\xff\xfe"}',
    "JSON that is nested too deep": b"[" * 20_000,
    "a text that is no JSON": MARK.encode(),
}
# Each is JSON, and hardly what a service expects.
_WRONG_TYPE: dict[str, bytes] = {
    "a body that is a list": b"[1]",
    "a body that is a string": f'"{MARK}"'.encode(),
    "a body that is null": b"null",
    "a body that is a huge number": b"9" * 5_000,
    "a body with a lone surrogate": b'{"kaiko": "\\ud800"}',
    "a body with NaN": b'{"kaiko": NaN}',
    "a body with an unknown member": f'{{"{MARK}": "{MARK}"}}'.encode(),
}


def probe_bodies(places: Places, options: Options) -> Iterator[Probe]:
    """Yield the probes of bodies; none if no path that takes POST is known."""
    target = places.posted
    if target is None:
        return

    def one(name: str, body: bytes, judge: Judge, content_type: str = _JSON) -> Probe:
        request = places.get(target, method="POST")
        sent = request.adding(*([("Content-Type", content_type)] if content_type else ()))
        whole = type(sent)(sent.method, sent.target, sent.headers, body)
        return Probe(name, "bodies", (whole,), judge)

    for name, body in _NO_JSON.items():
        yield one(name, body, _no_json)
    yield one("an empty body", b"", _no_body)
    for name, body in _WRONG_TYPE.items():
        yield one(name, body, no_server_error)
    yield one("a body of text/plain", b"kaiko", _media_type, "text/plain")
    yield one("a body of XML", b"<kaiko/>", _media_type, "application/xml")
    yield one("a body without a type", b"{}", no_server_error, "")
    yield one("a malformed type", b"{}", no_server_error, f"{MARK}; charset=kaiko; =")
    form = "multipart/form-data; boundary=kaiko"
    yield one("a malformed form", b"--kaiko\r\nkaiko", no_server_error, form)
    large = b'{"kaiko": "' + b"k" * options.body_size + b'"}'
    yield one("an oversized body", large, _too_large)


def judge_echo(request: Request, answer: Answer) -> Iterator[Fault]:
    """Yield a fault where a validation failure repeats what was rejected."""
    if answer.status in {400, 415, 422} and MARK.encode() in answer.body:
        sent = (request.body or b"").decode("latin-1") + request.target.partition("?")[2]
        if MARK in sent:
            yield Fault("leak.echo", "the answer repeats the value that was rejected")


def _expect(clause: str, statuses: set[int], codes: dict[int, tuple[str, ...]]) -> Judge:
    """Return a judge: of these statuses, only those in `codes` are right, with these codes."""

    def judge(
        seen: Seen, requests: tuple[Request, ...], answers: tuple[Answer, ...]
    ) -> Iterator[Fault]:
        for answer in answers:
            if answer.status not in statuses:
                continue
            code = error_of(answer.body).get("code")
            wanted = codes.get(answer.status)
            right = " or ".join(
                f"{status} {code}" for status, found in codes.items() for code in found
            )
            if wanted is None:
                yield Fault(clause, f"it is {answer.status}, not {right}")
            elif isinstance(code, str) and code not in wanted:
                yield Fault(clause, f"the code is {code}, not {right}")
        yield from no_server_error(seen, requests, answers)

    return judge


_no_json = _expect("body.json", {400, 422}, {400: ("invalid_json",)})
_no_body = _expect(
    "body.missing", {400, 422}, {400: ("missing_body", "missing_field", "invalid_json")}
)
_media_type = _expect("body.media-type", {406, 415}, {415: ("unsupported_media_type",)})
_too_large = _expect("body.too-large", {413, 414, 431}, {413: ("payload_too_large",)})

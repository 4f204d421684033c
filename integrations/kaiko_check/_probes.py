"""The probes of any service, without knowing it: paths, methods, headers and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.catalog import STATUSES

from ._exchange import Request
from ._judge import Fault, error_of
from ._probe import KNOWN, MARK, UNKNOWN, Probe, no_server_error, nothing_more

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._exchange import Answer, Headers
    from ._probe import Judge, Options, Seen

__all__ = ["Places", "probe_headers", "probe_keys", "probe_methods", "probe_paths"]

_JSON_ACCEPT = ("Accept", "application/json")
_PLAIN = ("Accept-Encoding", "identity")
_MAYBE_404 = frozenset({401, 403, 404, 410, 429, 503})
_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


class Places:
    """The paths that are probed, and the headers of every request.

    Arguments:
        options: what the user said.
        known: a path that takes GET.
        posted: a path that takes POST; None if none is known.

    """

    def __init__(self, options: Options, known: str = "/", posted: str | None = None) -> None:
        self.known = known
        self.posted = posted
        # Beside the known path, since only a prefix may be the API's.
        folder = known.partition("?")[0].rpartition("/")[0]
        self.unknown: str = f"{folder}/{MARK}/no-such-path"
        self.headers: Headers = (_JSON_ACCEPT, _PLAIN, *options.headers)

    def get(self, target: str, *headers: tuple[str, str], method: str = "GET") -> Request:
        """Return a request without a body; a header given here replaces the usual one."""
        given = {name.lower() for name, _ in headers}
        usual = tuple(pair for pair in self.headers if pair[0].lower() not in given)
        return Request(method, target, (*usual, *headers))


def probe_paths(places: Places) -> Iterator[Probe]:
    """Yield the probes of paths and queries. The first two are what others are compared with."""

    def one(name: str, target: str, judge: Judge) -> Probe:
        return Probe(name, "paths", (places.get(target),), judge)

    known, unknown = places.known, places.unknown
    slashed = known.removesuffix("/") if known.endswith("/") and known != "/" else f"{known}/"
    joined = "&" if "?" in known else "?"
    yield one(KNOWN, known, nothing_more)
    yield one(UNKNOWN, unknown, _unknown_path)
    yield one("another slash at the end", slashed, nothing_more)
    yield one("odd bytes in a path", f"{unknown}/%00%ff%0d%0a", no_server_error)
    yield one("a long path", f"{unknown}/{'a' * 3000}", no_server_error)
    yield one("odd query", f"{known}{joined}{MARK}=%ff%00&{MARK}[]=1&&=&a[b", no_server_error)


def probe_methods(places: Places, *, unsafe: bool) -> Iterator[Probe]:
    """Yield the probes of methods; those that could change data only with `unsafe`."""

    def one(name: str, method: str, target: str, judge: Judge) -> Probe:
        return Probe(name, "methods", (places.get(target, method=method),), judge)

    heads = (
        ("HEAD of the unknown path", places.unknown, _head_of_unknown),
        ("HEAD of the known path", places.known, nothing_more),
    )
    for name, target, judge in heads:
        request = places.get(target, method="HEAD")
        yield Probe(name, "methods", (request,), judge, "alone")
    yield one("OPTIONS of the known path", "OPTIONS", places.known, _wrong_method)
    yield one("OPTIONS of the unknown path", "OPTIONS", places.unknown, nothing_more)
    for method in ("TRACE", "PROPFIND"):
        yield one(f"{method} of the known path", method, places.known, _wrong_method)
    for method in _UNSAFE if unsafe else ():
        yield one(f"{method} of the known path", method, places.known, _perhaps_wrong_method)
    if unsafe and places.posted is not None:
        for method in _UNSAFE[1:]:
            name = f"{method} of the path with a body"
            yield one(name, method, places.posted, _perhaps_wrong_method)


def probe_headers(places: Places) -> Iterator[Probe]:
    """Yield the probes of request headers."""

    def one(name: str, target: str, header: tuple[str, str], judge: Judge) -> Probe:
        return Probe(name, "headers", (places.get(target, header),), judge)

    known, unknown = places.known, places.unknown
    for name, accept in (
        ("Accept: text/html", "text/html"),
        ("Accept: application/xml", "application/xml"),
        ("a malformed Accept", f";;q=,{MARK}"),
    ):
        yield one(name, unknown, ("Accept", accept), _whatever_accept)
    yield one("Accept that nothing satisfies", known, ("Accept", "image/x-kaiko"), nothing_more)
    yield one("a bad Host", unknown, ("Host", "kaiko-check.invalid"), _bad_host)
    for name, header in (
        ("a malformed Cookie", ("Cookie", f"=;;{MARK}\x80")),
        ("a malformed Authorization", ("Authorization", f"Basic {MARK}")),
        ("a malformed Range", ("Range", "kaiko=1-0")),
        ("a malformed If-Modified-Since", ("If-Modified-Since", "yesterday")),
        ("a malformed Accept-Language", ("Accept-Language", ";;q=kaiko,,*-*")),
        ("a malformed X-Forwarded-For", ("X-Forwarded-For", f"{MARK}, , ::1:::")),
    ):
        yield one(name, known, header, no_server_error)
    yield one("If-None-Match: *", known, ("If-None-Match", "*"), nothing_more)
    yield one("a Range past the end", known, ("Range", "bytes=999999999-"), nothing_more)


def probe_keys(places: Places, options: Options) -> Iterator[Probe]:
    """Yield the probes of keys. They replace the key that the user gave."""
    header = options.key_header
    for name, value in (
        ("no key", None),
        ("an empty key", ""),
        ("a malformed key", f"{MARK} !"),
        ("an unknown key", "kaiko_test_KaikoCheckUnknown0001"),
    ):
        request = places.get(places.known).without(header)
        if value is not None:
            request = request.adding((header, value))
        yield Probe(name, "keys", (request,), _bad_key)


def _unknown_path(
    _seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    for answer in answers:
        if answer.status >= 400 and answer.status not in _MAYBE_404:
            yield Fault("route.unknown", f"a path that cannot exist is {answer.status}, not 404")
        elif answer.status == 404:
            yield from _as_framework(answer)


def _as_framework(answer: Answer) -> Iterator[Fault]:
    """What the framework itself answers has the code and the retry of the table."""
    row, error = STATUSES[answer.status], error_of(answer.body)
    code = error.get("code")
    if isinstance(code, str) and code != row.code:
        yield Fault("status.code", f"the code is {code}, the framework's own is {row.code}")
    retry = answer.value("x-should-retry")
    if retry in {"true", "false"} and retry != str(row.retryable).lower():
        yield Fault("retry.row", f"X-Should-Retry is {retry} on a {answer.status}")


def _perhaps_wrong_method(
    seen: Seen, requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    """The path may take the method, and fail at what is sent."""
    yield from _refused(answers)
    yield from no_server_error(seen, requests, answers)


def _wrong_method(
    seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    yield from _refused(answers)
    for answer in answers:
        if answer.status in {500, 501} and seen.status(KNOWN) != 500:
            yield Fault("method.status", f"a method that is not taken is {answer.status}, not 405")


def _refused(answers: tuple[Answer, ...]) -> Iterator[Fault]:
    for answer in answers:
        if answer.status == 405:
            if not answer.values("allow"):
                yield Fault("method.allow", "a 405 has no Allow")
            yield from _as_framework(answer)


def _head_of_unknown(
    seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    got = seen.first(UNKNOWN)
    for head in answers:
        if got is None or not got.status or not head.status:
            continue
        if head.status != got.status:
            yield Fault("head.status", f"HEAD is {head.status}, GET is {got.status}")
            continue
        encoded = got.values("content-encoding")
        for name in ("content-type",) if encoded else ("content-type", "content-length"):
            # A server may leave out what it knows only with the content (RFC 9110, 9.3.2).
            if got.values(name) and head.values(name) not in ([], got.values(name)):
                said = f"{name} of HEAD is {head.values(name)!a}, of GET {got.values(name)!a}"
                yield Fault("head.headers", said)


def _is_envelope(answer: Answer | None) -> bool:
    return answer is not None and "code" in error_of(answer.body)


def _whatever_accept(
    seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    for answer in answers:
        if answer.status >= 400 and _is_envelope(seen.first(UNKNOWN)) and not _is_envelope(answer):
            kind = answer.value("content-type") or "nothing"
            yield Fault("accept.any", f"with this Accept the error is {kind}")
    yield from no_server_error(seen, _requests, answers)


def _bad_host(
    _seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    for answer in answers:
        if answer.status >= 500:
            yield Fault("host.bad", f"a bad Host is {answer.status}")


def _bad_key(
    seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    for answer in answers:
        if 200 <= seen.status(KNOWN) < 400 <= answer.status and answer.status not in {401, 429}:
            yield Fault("auth.status", f"it is {answer.status}, not 401")

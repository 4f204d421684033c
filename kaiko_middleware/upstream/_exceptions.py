"""Exceptions of HTTP clients and LLM SDKs, by the names of their modules and classes.

None of the libraries is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.safe_exception import root_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_middleware.errors import Category


class Failure(NamedTuple):
    """What an exception of a client means.

    `processed` is whether the upstream may have received and processed the request.
    """

    category: Category
    processed: bool


_NOT_SENT = Failure("unavailable", processed=False)
_LOST = Failure("unavailable", processed=True)
_OURS = Failure("broken", processed=False)
_THEIRS = Failure("broken", processed=True)

_HTTPX = {
    "ConnectError": _NOT_SENT,
    "ConnectTimeout": _NOT_SENT,
    "PoolTimeout": _NOT_SENT,
    "ConnectionNotAvailable": _NOT_SENT,
    "LocalProtocolError": _OURS,
    "ProxyError": _OURS,
    "UnsupportedProtocol": _OURS,
    "TooManyRedirects": _THEIRS,
    "DecodingError": _THEIRS,
    "SSEError": _THEIRS,
    "InvalidURL": _OURS,
    "StreamError": _OURS,
    "CookieConflict": _OURS,
    # The rest are failures of the connection after the request was sent.
    "TimeoutException": _LOST,
    "NetworkError": _LOST,
    "ProtocolError": _LOST,
    "TransportError": _LOST,
    "RequestError": _LOST,
}
_SDK = {"APIConnectionError": _LOST, "APIError": _THEIRS}

FAILURES: dict[str, dict[str, Failure]] = {
    "httpx": _HTTPX,
    "httpx2": _HTTPX,
    "httpcore": _HTTPX,
    "httpcore2": _HTTPX,
    "requests": {
        "ConnectTimeout": _NOT_SENT,
        "Timeout": _LOST,
        "SSLError": _OURS,
        "ProxyError": _OURS,
        "ChunkedEncodingError": _LOST,
        "RetryError": _LOST,
        "ConnectionError": _LOST,
        "TooManyRedirects": _THEIRS,
        "ContentDecodingError": _THEIRS,
        "InvalidJSONError": _THEIRS,
        "RequestException": _OURS,
    },
    "urllib3": {
        "ConnectTimeoutError": _NOT_SENT,  # refused and unresolved ones derive from it
        "EmptyPoolError": _NOT_SENT,
        "HostChangedError": _OURS,
        "ClosedPoolError": _OURS,
        "TimeoutError": _LOST,
        "ProtocolError": _LOST,
        "IncompleteRead": _LOST,
        "InvalidChunkLength": _LOST,
        "HeaderParsingError": _LOST,
        "ResponseError": _LOST,
        "PoolError": _LOST,
        "DecodeError": _THEIRS,
        "HTTPError": _OURS,
    },
    "aiohttp": {
        "ClientConnectorCertificateError": _OURS,
        "ServerFingerprintMismatch": _OURS,
        "ClientProxyConnectionError": _OURS,
        "ClientHttpProxyError": _OURS,
        "ClientConnectorError": _NOT_SENT,
        "ConnectionTimeoutError": _NOT_SENT,
        "TooManyRedirects": _THEIRS,
        "RedirectClientError": _THEIRS,
        "ContentTypeError": _THEIRS,
        "ClientResponseError": _LOST,  # without an answer: the bytes were not HTTP
        "ContentEncodingError": _THEIRS,
        "HttpProcessingError": _LOST,
        "ClientPayloadError": _LOST,
        "UploadAbortedError": _LOST,
        "ClientConnectionError": _LOST,
        "ClientError": _OURS,
    },
    "openai": _SDK,
    "anthropic": _SDK,
}
"""By the root of the class's module, then by its name; looked up along the MRO."""

_CHAIN = 16
# Their status is not the upstream's: it is a proxy's, or made up.
_NO_ANSWER = frozenset({"ClientHttpProxyError", "HttpProcessingError"})


def known_failure(exc: BaseException) -> Failure | None:
    """Return what `exc` means by its most specific known class; None if no class is known.

    Clients wrap each other's exceptions, so the innermost known one decides. But a refused
    certificate and our own faults are kept, and any other failed handshake is a failed connection.
    """
    failure = _by_class(exc)
    if failure is None:
        return None
    for cause in chain(exc):
        cls = type(cause)
        if any(base.__module__ == "ssl" for base in cls.__mro__):
            refused = any(base.__name__ == "SSLCertVerificationError" for base in cls.__mro__)
            return _OURS if refused else Failure("unavailable", failure is not _NOT_SENT)
        if failure.category != "broken":
            failure = _by_class(cause) or failure
    return failure


def _by_class(exc: BaseException) -> Failure | None:
    for cls in type(exc).__mro__:
        failure = FAILURES.get(root_of(cls), {}).get(cls.__name__)
        if failure is not None:
            return failure
    return None


def chain(exc: BaseException) -> Iterator[BaseException]:
    """Yield `exc` and the exceptions behind it: its cause, or what its client stores in it.

    The implicit context is left out: it may be an earlier failure of another call.
    """
    seen: list[BaseException] = []
    waiting: list[object] = [exc]
    while waiting and len(seen) < _CHAIN:
        current = waiting.pop()
        if not isinstance(current, BaseException) or any(current is done for done in seen):
            continue
        seen.append(current)
        yield current
        waiting += [*current.args[:4], current.__cause__, getattr(current, "reason", None)]


def has_answer(exc: BaseException) -> bool:
    """Whether a client's exception may contain an answer of the upstream."""
    names = {cls.__name__ for cause in chain(exc) for cls in type(cause).__mro__}
    return names.isdisjoint(_NO_ANSWER)

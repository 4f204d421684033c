"""Exceptions of HTTP clients and LLM SDKs, by the names of their modules and classes.

None of the libraries is imported: an exception that arrives here has loaded its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._tokens import Category


class Failure(NamedTuple):
    """What an exception of a client says.

    `processed` is whether the request may have reached the upstream and been acted on.
    """

    category: Category
    processed: bool


_NOT_SENT = Failure("unavailable", processed=False)
_LOST = Failure("unavailable", processed=True)
_OURS = Failure("broken", processed=False)
_THEIRS = Failure("broken", processed=True)

_HTTPX: dict[str, Failure] = {
    "ConnectError": _NOT_SENT,
    "ConnectTimeout": _NOT_SENT,
    "PoolTimeout": _NOT_SENT,
    "ReadTimeout": _LOST,
    "WriteTimeout": _LOST,
    "ReadError": _LOST,
    "WriteError": _LOST,
    "CloseError": _LOST,
    "RemoteProtocolError": _LOST,
    "TimeoutException": _LOST,
    "NetworkError": _LOST,
    "LocalProtocolError": _OURS,
    "ProxyError": _OURS,
    "UnsupportedProtocol": _OURS,
    "TooManyRedirects": _THEIRS,
    "DecodingError": _THEIRS,
    "InvalidURL": _OURS,
    "StreamError": _OURS,
    "CookieConflict": _OURS,
    "TransportError": _LOST,
    "RequestError": _LOST,
}
FAILURES: dict[str, dict[str, Failure]] = {
    "httpx": _HTTPX,
    "httpx2": _HTTPX,
    "httpcore": _HTTPX,
    "httpcore2": _HTTPX,
    "requests": {
        "ConnectTimeout": _NOT_SENT,
        "ReadTimeout": _LOST,
        "Timeout": _LOST,
        "SSLError": _OURS,
        "ProxyError": _OURS,
        "ChunkedEncodingError": _LOST,
        "ConnectionError": _LOST,
        "TooManyRedirects": _THEIRS,
        "ContentDecodingError": _THEIRS,
        "JSONDecodeError": _THEIRS,
        "RequestException": _OURS,
    },
    "urllib3": {
        "NewConnectionError": _NOT_SENT,
        "ConnectTimeoutError": _NOT_SENT,
        "EmptyPoolError": _NOT_SENT,
        "NameResolutionError": _NOT_SENT,
        "ReadTimeoutError": _LOST,
        "ProtocolError": _LOST,
        "TimeoutError": _LOST,
        "MaxRetryError": _LOST,
        "SSLError": _OURS,
        "ProxyError": _OURS,
        "LocationValueError": _OURS,
        "DecodeError": _THEIRS,
        "HTTPError": _OURS,
    },
    "aiohttp": {
        "ClientConnectorCertificateError": _OURS,
        "ClientSSLError": _OURS,
        "ClientProxyConnectionError": _OURS,
        "ClientHttpProxyError": _OURS,
        "ClientConnectorError": _NOT_SENT,
        "ConnectionTimeoutError": _NOT_SENT,
        "InvalidURL": _OURS,
        "TooManyRedirects": _THEIRS,
        "ContentTypeError": _THEIRS,
        "ServerTimeoutError": _LOST,
        "ServerConnectionError": _LOST,
        "ClientPayloadError": _LOST,
        "ClientOSError": _LOST,
        "ClientConnectionError": _LOST,
        "ClientError": _OURS,
    },
    "openai": {"APITimeoutError": _LOST, "APIConnectionError": _LOST, "APIError": _THEIRS},
    "anthropic": {"APITimeoutError": _LOST, "APIConnectionError": _LOST, "APIError": _THEIRS},
}
"""By the root of the class's module, then by its name; looked up along the MRO."""

_CHAIN = 8


def known_failure(exc: BaseException) -> Failure | None:
    """Return what `exc` says by its class, most specific first; None for a stranger's.

    Clients wrap each other: what says most is the innermost exception that is known, but a
    certificate that was refused, and a fault of ours, stay what they are.
    """
    failure = _by_class(exc)
    if failure is None:
        return None
    for cause in chain(exc):
        cls = type(cause)
        if cls.__module__ == "ssl" and cls.__name__ == "SSLCertVerificationError":
            return _OURS
        if failure.category != "broken":
            failure = _by_class(cause) or failure
    return failure


def _by_class(exc: BaseException) -> Failure | None:
    for cls in type(exc).__mro__:
        failure = FAILURES.get(cls.__module__.partition(".")[0], {}).get(cls.__name__)
        if failure is not None:
            return failure
    return None


def chain(exc: BaseException) -> Iterator[BaseException]:
    """Yield `exc` and what it was raised from: its cause, or what its client keeps in it."""
    seen: set[int] = set()
    current: object = exc
    while isinstance(current, BaseException) and id(current) not in seen and len(seen) < _CHAIN:
        seen.add(id(current))
        yield current
        reason: object = getattr(current, "reason", None)
        inner: object = current.args[0] if current.args else None
        current = reason if isinstance(reason, BaseException) else current.__cause__ or inner


def is_client_error(exc: BaseException) -> bool:
    """Whether `exc` is of a class that an HTTP client or an LLM SDK defines."""
    return any(cls.__module__.partition(".")[0] in FAILURES for cls in type(exc).__mro__)

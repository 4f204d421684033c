"""Exceptions of HTTP clients and LLM SDKs, by name: what they mean, and what is inside them."""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import asyncio
import importlib
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import anthropic
import httpcore
import httpcore2
import httpx
import httpx2
import openai
import pytest
import requests
import urllib3
from aiohttp.http_exceptions import BadStatusLine

from kaiko_middleware import (
    ConflictError,
    ExceptionMapping,
    KaikoError,
    NotFoundError,
    ServiceUnavailableError,
)
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_middleware.upstream import Category, UpstreamDetails

UP = Upstream("up")
LOOSE: Any = None
"""Stands for a pool or a request that an exception wants, and nobody looks at."""
REQUEST = httpx2.Request("POST", "http://up.test/v1")

Meaning = tuple["Category", bool]
NOT_SENT: Meaning = ("unavailable", False)
LOST: Meaning = ("unavailable", True)
OURS: Meaning = ("broken", False)
THEIRS: Meaning = ("broken", True)

HTTPX: dict[str, Meaning] = {
    "ConnectError": NOT_SENT, "ConnectTimeout": NOT_SENT, "PoolTimeout": NOT_SENT,
    "ConnectionNotAvailable": NOT_SENT,
    "ReadTimeout": LOST, "WriteTimeout": LOST, "TimeoutException": LOST, "ReadError": LOST,
    "WriteError": LOST, "CloseError": LOST, "NetworkError": LOST, "RemoteProtocolError": LOST,
    "ProtocolError": LOST, "TransportError": LOST, "RequestError": LOST,
    "LocalProtocolError": OURS, "ProxyError": OURS, "UnsupportedProtocol": OURS,
    "InvalidURL": OURS, "CookieConflict": OURS, "StreamError": OURS, "StreamConsumed": OURS,
    "StreamClosed": OURS, "ResponseNotRead": OURS, "RequestNotRead": OURS,
    "TooManyRedirects": THEIRS, "DecodingError": THEIRS, "SSEError": THEIRS,
}  # fmt: skip
MEANINGS: dict[str, dict[str, Meaning]] = {
    "httpx": HTTPX,
    "httpx2": HTTPX,
    "httpcore": HTTPX,
    "httpcore2": HTTPX,
    "requests.exceptions": {
        "ConnectTimeout": NOT_SENT,
        "ReadTimeout": LOST, "Timeout": LOST, "ConnectionError": LOST, "RetryError": LOST,
        "ChunkedEncodingError": LOST,
        "SSLError": OURS, "ProxyError": OURS, "RequestException": OURS, "URLRequired": OURS,
        "MissingSchema": OURS, "InvalidSchema": OURS, "InvalidURL": OURS, "InvalidHeader": OURS,
        "InvalidProxyURL": OURS, "StreamConsumedError": OURS, "UnrewindableBodyError": OURS,
        "HTTPError": OURS,
        "TooManyRedirects": THEIRS, "ContentDecodingError": THEIRS, "InvalidJSONError": THEIRS,
        "JSONDecodeError": THEIRS,
    },
    "urllib3.exceptions": {
        "ConnectTimeoutError": NOT_SENT, "NewConnectionError": NOT_SENT,
        "NameResolutionError": NOT_SENT, "EmptyPoolError": NOT_SENT,
        "ReadTimeoutError": LOST, "TimeoutError": LOST, "ProtocolError": LOST, "PoolError": LOST,
        "RequestError": LOST, "MaxRetryError": LOST, "ResponseError": LOST, "FullPoolError": LOST,
        "ResponseNotChunked": LOST, "IncompleteRead": LOST, "InvalidChunkLength": LOST,
        "HeaderParsingError": LOST,
        "SSLError": OURS, "ProxyError": OURS, "HTTPError": OURS, "HostChangedError": OURS,
        "TimeoutStateError": OURS, "ClosedPoolError": OURS, "LocationValueError": OURS,
        "LocationParseError": OURS, "URLSchemeUnknown": OURS, "BodyNotHttplibCompatible": OURS,
        "InvalidHeader": OURS, "ProxySchemeUnknown": OURS, "UnrewindableBodyError": OURS,
        "DecodeError": THEIRS,
    },
    "aiohttp.client_exceptions": {
        "ClientConnectorError": NOT_SENT, "ClientConnectorDNSError": NOT_SENT,
        "UnixClientConnectorError": NOT_SENT, "ClientSSLError": NOT_SENT,
        "ConnectionTimeoutError": NOT_SENT,
        "ClientConnectorSSLError": NOT_SENT,
        "ClientConnectionError": LOST, "ClientConnectionResetError": LOST, "ClientOSError": LOST,
        "ClientPayloadError": LOST, "ServerConnectionError": LOST, "ServerDisconnectedError": LOST,
        "ServerTimeoutError": LOST, "SocketTimeoutError": LOST, "ClientResponseError": LOST,
        "WSServerHandshakeError": LOST, "UploadAbortedError": LOST,
        "ClientConnectorCertificateError": OURS, "ServerFingerprintMismatch": OURS,
        "ClientProxyConnectionError": OURS, "ClientHttpProxyError": OURS, "ClientError": OURS,
        "InvalidURL": OURS, "InvalidUrlClientError": OURS, "NonHttpUrlClientError": OURS,
        "TooManyRedirects": THEIRS, "RedirectClientError": THEIRS, "ContentTypeError": THEIRS,
        "InvalidUrlRedirectClientError": THEIRS, "NonHttpUrlRedirectClientError": THEIRS,
    },
    "openai": {"APIConnectionError": LOST, "APITimeoutError": LOST, "APIError": THEIRS},
    "anthropic": {"APIConnectionError": LOST, "APITimeoutError": LOST, "APIError": THEIRS},
}  # fmt: skip
# No failures of a call: HTTP errors with an answer, bugs of the caller's own, warnings' kin.
ASIDE = {
    "HTTPError", "HTTPStatusError", "InvalidWebhookSignatureError", "ProxySchemeUnsupported",
    "WSMessageTypeError",
}  # fmt: skip


def bare(cls: type[BaseException]) -> BaseException:
    """Make an exception whatever its class wants, with nothing in it."""
    exc = cls.__new__(cls)
    exc.args = ()
    return exc


def classes(module: str) -> Iterator[type[BaseException]]:
    """List the exception classes of a library, without loading what it loads when asked for."""
    for name, value in sorted(vars(importlib.import_module(module)).items()):
        if (
            issubclass(type(value), type)  # `isinstance` would load what a proxy stands for
            and issubclass(value, Exception)
            and not issubclass(value, Warning)
            and name in value.__name__
        ):
            yield value


def details(error: KaikoError) -> UpstreamDetails:
    """Return what an error says of the upstream."""
    assert error.upstream is not None
    return error.upstream


KNOWN = [
    pytest.param(cls, MEANINGS[module].get(cls.__name__), id=f"{module}.{cls.__name__}")
    for module in MEANINGS
    for cls in classes(module)
    if cls.__module__.partition(".")[0] == module.partition(".")[0]
    and cls.__name__ not in ASIDE
    and not issubclass(cls, openai.OpenAIError | anthropic.AnthropicError)
]
KNOWN += [
    pytest.param(getattr(sdk, name), meaning, id=f"{sdk.__name__}.{name}")
    for sdk in (openai, anthropic)
    for name, meaning in MEANINGS[sdk.__name__].items()
]


@pytest.mark.parametrize(("cls", "meaning"), KNOWN)
def test_every_exception_of_every_client_has_a_meaning(
    cls: type[BaseException], meaning: Meaning | None
) -> None:
    """A release that brings a new one fails here, and somebody decides."""
    error = UP.error_from_exception(bare(cls))
    if issubclass(cls, ssl.SSLError) and cls.__name__ == "ClientConnectorSSLError":
        assert details(error).category == "unavailable"
        return
    assert (details(error).category, details(error).processed) == meaning
    retry = details(error).category == "unavailable"
    assert (error.status, error.retryable) == ((503, True) if retry else (500, False))


@pytest.mark.parametrize(("cls", "meaning"), KNOWN)
def test_exception_that_escapes_is_answered_alike(
    cls: type[BaseException], meaning: Meaning | None
) -> None:
    """A service that did not wrap its call gets the right answer, too."""
    error = ExceptionMapping().find(bare(cls))
    assert error is not None
    assert meaning is not None
    assert error.status == (503 if meaning[0] == "unavailable" else 500)


def test_subclass_of_a_service_counts_as_its_base() -> None:
    """By the MRO."""

    class OurTimeout(httpx2.ReadTimeout):
        pass

    assert UP.error_from_exception(OurTimeout("x")).status == 503


@pytest.mark.parametrize("exc", [ValueError("x"), KeyError("x"), OSError("x"), RuntimeError("x")])
def test_strangers_are_nobodys(exc: Exception) -> None:
    """A bug of the service is not an upstream's failure."""
    assert UP.find_exception(exc) is None
    assert (UP.error_from_exception(exc).status, UP.error_from_exception(exc).retryable) == (
        500,
        False,
    )
    with pytest.raises(type(exc)) as caught, UP.translate():
        raise exc
    assert caught.value is exc


@pytest.mark.parametrize(
    ("exc", "processed"),
    [
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (BrokenPipeError(), True),
        (ConnectionRefusedError(), False),
    ],
    ids=repr,
)
def test_bare_failures_of_the_network(exc: Exception, *, processed: bool) -> None:
    """Raised by sockets, and by asyncio's own timeout."""
    error = UP.error_from_exception(exc)
    assert (error.status, error.code, error.retryable) == (503, "service_unavailable", True)
    assert details(error).processed is processed


@pytest.mark.parametrize("exc", [asyncio.CancelledError(), KeyboardInterrupt(), GeneratorExit()])
def test_cancellation_is_no_failure(exc: BaseException) -> None:
    """It goes on untouched, whoever asks."""
    for provoke in (lambda: UP.error_from_exception(exc), lambda: _within(exc)):
        with pytest.raises(type(exc)) as caught:
            provoke()
        assert caught.value is exc


def _within(exc: BaseException) -> None:
    with UP.translate():
        raise exc


def test_typed_error_passes_untouched() -> None:
    """Nobody knows better than who raised it."""
    error = ConflictError("Twice")
    assert UP.error_from_exception(error) is error
    with pytest.raises(ConflictError) as caught, UP.translate():
        raise error
    assert caught.value is error
    assert caught.value.__cause__ is None


def test_translated_error_keeps_its_cause_and_names_the_upstream() -> None:
    """For whoever reads the log."""
    cause = httpx2.ReadTimeout("slow, key sk-0123456789abcdefghij\r\nX: y")
    with pytest.raises(ServiceUnavailableError) as caught, Upstream("billing").translate():
        raise cause
    assert caught.value.__cause__ is cause
    said = details(caught.value)
    assert (said.name, said.status, said.request_id) == ("billing", None, None)
    assert said.excerpt == "ReadTimeout: slow, key sk-***\\r\\nX: y"
    assert "slow" not in caught.value.message


def chained(outer: BaseException, *inner: BaseException) -> BaseException:
    """Chain exceptions as `raise outer from inner` does."""
    current = outer
    for cause in inner:
        current.__cause__ = cause
        current = cause
    return outer


CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed")
HANDSHAKE = ssl.SSLError(1, "wrong version number")

CHAINS: list[tuple[str, BaseException, Meaning]] = [
    ("sdk timeout", chained(openai.APITimeoutError(request=REQUEST), httpx2.ReadTimeout("x")), LOST),
    ("sdk refused", chained(anthropic.APIConnectionError(request=REQUEST), httpx2.ConnectError("x")), NOT_SENT),
    ("sdk bad url", chained(openai.APIConnectionError(request=REQUEST), httpx2.UnsupportedProtocol("x")), OURS),
    ("sdk stranger", chained(openai.APIConnectionError(request=REQUEST), ValueError("x")), LOST),
    ("sdk certificate", chained(openai.APIConnectionError(request=REQUEST), httpx2.ConnectError("x"), httpcore2.ConnectError("x"), CERTIFICATE), OURS),
    ("certificate", chained(httpx.ConnectError("x"), httpcore.ConnectError("x"), CERTIFICATE), OURS),
    ("handshake", chained(httpx.ConnectError("x"), httpcore.ConnectError("x"), HANDSHAKE), NOT_SENT),
    ("tls while reading", chained(httpx2.ReadError("x"), ssl.SSLEOFError(8, "EOF")), LOST),
    ("requests certificate", requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(LOOSE, "/", urllib3.exceptions.SSLError(CERTIFICATE))), OURS),
    ("requests handshake", requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(LOOSE, "/", urllib3.exceptions.SSLError(HANDSHAKE))), LOST),
    ("requests refused", requests.ConnectionError(urllib3.exceptions.MaxRetryError(LOOSE, "/", urllib3.exceptions.NewConnectionError(LOOSE, "x"))), NOT_SENT),
    ("requests proxy", requests.exceptions.ProxyError(urllib3.exceptions.MaxRetryError(LOOSE, "/", urllib3.exceptions.ProxyError("x", urllib3.exceptions.NewConnectionError(LOOSE, "x")))), OURS),
    ("requests reset", requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError())), LOST),
    ("requests cut", requests.exceptions.ChunkedEncodingError(chained(urllib3.exceptions.ProtocolError("x"), urllib3.exceptions.IncompleteRead(1, 2))), LOST),
    ("requests gave up", requests.exceptions.RetryError(urllib3.exceptions.MaxRetryError(LOOSE, "/", urllib3.exceptions.ResponseError("too many 503"))), LOST),
    ("aiohttp bad http", chained(aiohttp.ClientResponseError(LOOSE, (), status=400), BadStatusLine("x")), LOST),
]  # fmt: skip


@pytest.mark.parametrize(
    ("exc", "meaning"), [row[1:] for row in CHAINS], ids=[row[0] for row in CHAINS]
)
def test_innermost_cause_says_what_happened(exc: BaseException, meaning: Meaning) -> None:
    """Clients wrap each other; a certificate that was refused stays refused."""
    said = details(UP.error_from_exception(exc))
    assert (said.category, said.processed) == meaning


@pytest.mark.parametrize(
    "outer",
    [
        openai.APIConnectionError(request=REQUEST),
        anthropic.APIConnectionError(request=REQUEST),
        httpx2.ConnectError("x"),
        requests.ConnectionError("x"),
        openai.BadRequestError("x", response=httpx2.Response(400, request=REQUEST), body=None),
    ],
    ids=lambda exc: f"{type(exc).__module__}.{type(exc).__name__}",
)
def test_typed_error_inside_wins(outer: Exception) -> None:
    """A client of ours, given to an SDK, raised it; the SDK made a connection error of it."""
    typed = NotFoundError("No such context", code="context_not_found")
    exc = chained(outer, httpx2.HTTPError("x"), typed)
    assert UP.error_from_exception(exc) is typed
    assert ExceptionMapping().find(exc) is typed
    with pytest.raises(NotFoundError) as caught, UP.translate():
        raise exc
    assert caught.value is typed


def test_typed_error_in_an_argument_wins() -> None:
    """requests passes the cause as its first argument."""
    typed = ConflictError("Twice")
    assert UP.find_exception(requests.ConnectionError(typed)) is typed


def test_error_of_an_earlier_call_is_not_this_ones() -> None:
    """A fallback is called while the first failure is being handled."""
    second = httpx2.ConnectError("second")
    second.__context__ = NotFoundError("first")
    error = UP.error_from_exception(second)
    assert type(error) is ServiceUnavailableError


def test_cycles_end() -> None:
    """However exceptions are tied together."""
    one, two = httpx2.ReadTimeout("x"), httpcore2.ReadTimeout("x")
    one.__cause__, two.__cause__ = two, one
    one.args = (one, two)
    assert UP.error_from_exception(one).status == 503


def test_raising_again_what_was_inside_makes_no_cycle() -> None:
    """A traceback that goes round helps nobody."""
    with pytest.raises(ConflictError) as raised:
        raise ConflictError("Twice")
    wrapped = chained(openai.APIConnectionError(request=REQUEST), raised.value)
    with pytest.raises(ConflictError) as caught, UP.translate():
        raise wrapped
    assert caught.value is raised.value
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__

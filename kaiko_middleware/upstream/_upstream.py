"""`Upstream`: a named service that is called, and the policy for its failures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from kaiko_middleware._text import LOG_LIMIT, is_code, log_safe, safe_str
from kaiko_middleware.catalog import status_entry
from kaiko_middleware.errors import (
    InvalidValueError,
    KaikoError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
    error_from_wire,
)
from kaiko_middleware.ids import is_request_id

from ._body import Body, excerpt, read, tokens
from ._classify import by_status, inside_success
from ._details import UpstreamDetails
from ._exceptions import is_client_error, known_failure
from ._retry_after import retry_after
from ._stream import StreamWatch
from ._tokens import (
    CONTENT_POLICY_STARTS,
    CONTENT_POLICY_TOKENS,
    CONTEXT_LENGTH_STARTS,
    CONTEXT_LENGTH_TOKENS,
    MEMBERS,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ._tokens import Category

    Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]

__all__ = ["Credential", "Expects", "Trust", "Upstream"]

Trust = Literal["opaque", "llm", "peer"]
"""How much of what an upstream says is believed; see `Upstream`."""
Credential = Literal["own", "forwarded"]
"""Whose key the call was made with."""
Expects = Literal["json", "any"]
"""What a success's body must be; `any` is never looked into."""

_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "cf-ray")
_CREDENTIAL_STATUSES = frozenset({401, 402, 403})


class Upstream:
    """A service that is called, by name, and the policy for its failures.

    Arguments:
        name: what logs call it.
        trust: `opaque`, a third party whose words go nowhere; `llm`, an LLM provider whose
            context-length and content-policy refusals are the caller's business; `peer`,
            another V2 service whose errors pass through as they are.
        credential: `own`, the call is made with our key, so that a refused key is our
            problem; `forwarded`, with the caller's, so that a V2 401 or 403 is theirs.
        rate_limit_as: 429, or 503 where the limit is ours and the caller could not know.

    Raises:
        ValueError: an argument has no such value.

    """

    __slots__ = ("_credential", "_rate_limit_as", "_trust", "name")

    def __init__(
        self,
        name: str,
        *,
        trust: Trust = "opaque",
        credential: Credential = "own",
        rate_limit_as: Literal[429, 503] = 429,
    ) -> None:
        for key, value, allowed in (
            ("trust", trust, ("opaque", "llm", "peer")),
            ("credential", credential, ("own", "forwarded")),
            ("rate_limit_as", rate_limit_as, (429, 503)),
        ):
            if value not in allowed:
                msg = f"{key}: {value!a} is not allowed; it must be one of {allowed}"
                raise ValueError(msg)
        self.name = name
        self._trust = trust
        self._credential = credential
        self._rate_limit_as = rate_limit_as

    def error_from_response(
        self,
        status: int,
        headers: Headers,
        body: bytes | str | None,
        *,
        method: str = "GET",
        expects: Expects = "json",
    ) -> KaikoError | None:
        """Return the typed error that an answer stands for, or None where it is no error.

        Arguments:
            status: the answer's status.
            headers: its headers, as a mapping or as pairs.
            body: its body, with its Content-Encoding undone or not.
            method: the request's; an answer to `HEAD` has no body to look into.
            expects: `json`, or `any` where a success may be whatever it is.

        """
        said = lower(headers)
        if method == "HEAD":
            expects = "any"
        return self._judge(status, said, read(body, said), expects)

    def _judge(
        self, status: int, said: Mapping[str, str], content: Body, expects: Expects
    ) -> KaikoError | None:
        category = by_status(status, content.object)
        data: object = content.object
        if category is None:
            if expects == "any" or status in {204, 205, 304} or status < 200:
                return None
            stream = "text/event-stream" in said.get("content-type", "").lower()
            inside = inside_success(content, is_event_stream=stream)
            if inside is None:
                return None
            category, data = inside
        elif (passed := self._from_peer(status, said, content)) is not None:
            return passed
        return self._error(category, status, said, content, data)

    def error_from_exception(self, exc: BaseException) -> KaikoError:
        """Return the typed error for what a client library raised.

        One that no client is known to raise is a 500 that is not to be retried.
        """
        return self.find_exception(exc) or self._plain("broken", None, None, exc, processed=True)

    def find_exception(self, exc: BaseException) -> KaikoError | None:
        """Return the typed error for a client's exception; None for a stranger's."""
        if isinstance(exc, KaikoError):
            return exc
        answered = self._from_status_error(exc)
        if answered is not None:
            return answered
        failure = known_failure(exc)
        if failure is not None:
            return self._plain(failure.category, None, None, exc, processed=failure.processed)
        if isinstance(exc, TimeoutError | ConnectionError):
            refused = isinstance(exc, ConnectionRefusedError)
            return self._plain("unavailable", None, None, exc, processed=not refused)
        return None

    def raise_for_status(self, response: Any, *, expects: Expects | None = None) -> None:
        """Raise the typed error for a response of httpx2, httpx, requests, or the like.

        Arguments:
            response: anything with `status_code`, `headers` and `content`.
            expects: what a success must be; by default a success is looked into only with
                `trust="llm"`.

        Raises:
            KaikoError: the answer is an error.

        """
        if expects is None:
            expects = "json" if self._trust == "llm" else "any"
        content = _content(response)
        method: object = getattr(getattr(response, "request", None), "method", None)
        error = self.error_from_response(
            response.status_code,
            response.headers,
            content,
            expects="any" if content is None or method == "HEAD" else expects,
        )
        if error is not None:
            raise error

    @contextmanager
    def translate(self) -> Generator[None]:
        """Raise the typed error in place of what a client library raises.

        Typed errors and exceptions that no client is known to raise pass untouched.

        >>> with Upstream("billing").translate():
        ...     raise ConnectionRefusedError
        Traceback (most recent call last):
        kaiko_middleware.errors.ServiceUnavailableError: Service temporarily unavailable
        """
        try:
            yield
        except KaikoError:
            raise
        except Exception as exc:
            error = self.find_exception(exc)
            if error is None:
                raise
            raise error from exc

    def watch(self) -> StreamWatch:
        """Return a watch over one stream of server-sent events."""

        def make(category: Category, data: object) -> KaikoError:
            return self._error(
                category,
                200,
                {},
                Body(data, safe_str(data)[:1024], is_json=True, readable=True),
                data,
            )

        return StreamWatch(make)

    def _from_peer(self, status: int, said: Mapping[str, str], content: Body) -> KaikoError | None:
        """Return a V2 service's own error, where it may pass through."""
        forwarded = self._credential == "forwarded" and status in _CREDENTIAL_STATUSES
        if status in _CREDENTIAL_STATUSES:
            if not forwarded:
                return None
        elif self._trust != "peer":
            return None
        entry = status_entry(status)
        error: object = content.data.get("error") if isinstance(content.data, dict) else None
        if entry.status != status or not isinstance(error, dict):
            return None
        code, message, param = error.get("code"), error.get("message"), error.get("param")
        if (
            error.get("type") != entry.type
            or not isinstance(code, str)
            or not is_code(code)
            or not isinstance(message, str)
            or not 1 <= len(message) <= 1024
            or not (param is None or (isinstance(param, str) and len(param) <= 256))
            or not is_request_id(error.get("request_id"))
        ):
            return None
        retryable = {"true": True, "false": False}.get(said.get("x-should-retry", "").lower())
        wait = retry_after(said, None) if status in {429, 503} else None
        if status == 429 and self._rate_limit_as == 503:
            return self._error("throttled", status, said, content, content.data)
        passed = error_from_wire(
            status, code, message, param=param, retryable=retryable, retry_after=wait
        )
        passed.upstream = self._details("rejected", status, said, content, processed=True)
        return passed

    def _error(
        self,
        category: Category,
        status: int,
        said: Mapping[str, str],
        content: Body,
        data: object,
    ) -> KaikoError:
        veto = said.get("x-should-retry", said.get("stripe-should-retry", "")).strip().lower()
        if category == "rejected" and veto == "true":
            category = "unavailable"
        error = self._refusal(category, status, data) if self._trust == "llm" else None
        if error is None:
            wait = retry_after(said, data if isinstance(data, dict) else content.object)
            error = self._make(category, wait)
        if veto == "false":
            error.retryable = False
        error.upstream = self._details(category, status, said, content, processed=True)
        return error

    def _refusal(self, category: Category, status: int, data: object) -> KaikoError | None:
        """Return what an LLM provider refuses for the caller's own content, else None."""
        if category != "rejected":
            return None
        found = set(tokens(data, MEMBERS))
        messages = tuple(tokens(data, ("message", "error")))
        if (
            status == 413
            or found & CONTEXT_LENGTH_TOKENS
            or any(message.startswith(CONTEXT_LENGTH_STARTS) for message in messages)
        ):
            return PayloadTooLargeError()
        if found & CONTENT_POLICY_TOKENS or any(
            message.startswith(CONTENT_POLICY_STARTS) for message in messages
        ):
            return InvalidValueError(
                "The content was refused by a content policy", code="content_policy_violation"
            )
        return None

    def _make(self, category: Category, wait: int | None) -> KaikoError:
        if category == "throttled" and self._rate_limit_as == 429:
            return RateLimitError(retry_after=wait)
        if category in {"throttled", "unavailable"}:
            return ServiceUnavailableError(retry_after=wait)
        return ServerError(retryable=False)

    def _plain(
        self,
        category: Category,
        status: int | None,
        request_id: str | None,
        exc: BaseException,
        *,
        processed: bool,
    ) -> KaikoError:
        error = self._make(category, None)
        said = f"{type(exc).__name__}: {safe_str(exc)}"
        error.upstream = UpstreamDetails(
            self.name, category, status, request_id, log_safe(said), processed
        )
        return error

    def _details(
        self,
        category: Category,
        status: int,
        said: Mapping[str, str],
        content: Body,
        *,
        processed: bool,
    ) -> UpstreamDetails:
        request_id = next((said[name] for name in _IDS if said.get(name)), None)
        return UpstreamDetails(
            self.name,
            category,
            status,
            None if request_id is None else log_safe(request_id, LOG_LIMIT // 2),
            excerpt(content),
            processed,
        )

    def _from_status_error(self, exc: BaseException) -> KaikoError | None:
        """Read an exception that carries an answer (raise_for_status, or an SDK's)."""
        if not is_client_error(exc):
            return None
        response: object = getattr(exc, "response", None)
        status = _first_int(
            getattr(exc, "status_code", None),
            getattr(response, "status_code", None),
            getattr(exc, "status", None),
        )
        headers: Any = getattr(response, "headers", None)
        if headers is None:
            headers = getattr(exc, "headers", None) or {}
        said = lower(headers)
        body: object = getattr(exc, "body", None)
        if isinstance(body, dict):
            # An SDK has parsed it, and may have unwrapped it; inside a stream, its status
            # is the stream's 200, or there is none.
            data: dict[object, object] = body if "error" in body else {"error": body}
            content = Body(data, safe_str(body)[:1024], is_json=True, readable=True)
            return self._judge(200 if status is None else status, said, content, "json")
        if status is None:
            return None
        return self._judge(status, said, read(_content(response), said), "any")


def lower(headers: Headers) -> dict[str, str]:
    """Return headers by lower-case name; several of one name are one list (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    items: Iterable[tuple[object, object]]
    items = headers.items() if isinstance(headers, Mapping) else headers
    for raw_name, raw_value in items:
        name, value = _text(raw_name).lower(), _text(raw_value)
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("latin-1")
    return value if isinstance(value, str) else safe_str(value)


def _first_int(*values: object) -> int | None:
    return next(
        (value for value in values if isinstance(value, int) and not isinstance(value, bool)), None
    )


def _content(response: object) -> bytes | str | None:
    """Return a response's body, or None where it was not read (a stream) or cannot be."""
    try:
        content: object = getattr(response, "content", None)
    except Exception:  # noqa: BLE001 - what a client raises here is its own business
        return None
    return content if isinstance(content, bytes | str) else None

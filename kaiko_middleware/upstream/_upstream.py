"""`Upstream`: a service that we call, and the policy for its failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from kaiko_middleware.errors import KaikoError
from kaiko_middleware.json_values import members
from kaiko_middleware.safe_exception import text_of
from kaiko_middleware.settings_check import refuse

from ._answers import answer_of, content_of, lower, method_of
from ._body import Body, read
from ._classify import Found, by_status, error_inside
from ._exceptions import chain, is_known, known_failure, origins, refusal_token
from ._judge import Judge, Said
from ._members import holders, texts
from ._stream import StreamWatch
from ._translate import Translation

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kaiko_middleware.errors import Category

    from ._answers import Headers
    from ._tokens import Credential, Expects, Trust

__all__ = ["Upstream"]


_SHOWN = frozenset({"type", "code", "message"})


class Upstream:
    """A service that we call, and the policy for its failures.

    Arguments:
        name: its name in logs; not empty.
        trust: `opaque`, a third party: none of its texts pass; `llm`, an LLM provider: its
            refusals of a too long input or of the content pass; `peer`, another V2 service: its
            errors pass unchanged.
        credential: `own`, the call is made with our key, so a refused key is our problem;
            `forwarded`, with the caller's key, so a V2 401 or 403 is about the caller.
        rate_limit_as: 429, or 503 if the limit is ours and the caller cannot know about it.

    Raises:
        ConfigError: a value is not allowed.

    """

    __slots__ = ("__weakref__", "_judge", "name")

    def __init__(
        self,
        name: str,
        *,
        trust: Trust = "opaque",
        credential: Credential = "own",
        rate_limit_as: Literal[429, 503] = 429,
    ) -> None:
        given = cast("object", name)  # callers may give anything
        if not isinstance(given, str) or not given.strip():
            refuse("name", given, "a text that is not empty")
        for key, value, allowed in (
            ("trust", trust, ("opaque", "llm", "peer")),
            ("credential", credential, ("own", "forwarded")),
            ("rate_limit_as", rate_limit_as, (429, 503)),
        ):
            if value not in allowed:
                refuse(key, value, f"one of {allowed}")
        self.name: str = name
        self._judge = Judge(name, trust, credential, rate_limit_as)

    def __repr__(self) -> str:
        judge = self._judge
        return f"Upstream({self.name!r}, trust={judge.trust!r}, credential={judge.credential!r})"

    @property
    def trust(self) -> Trust:
        """How much of what it says is believed."""
        return self._judge.trust

    def error_from_response(
        self,
        status: int,
        headers: Headers,
        body: bytes | str | None,
        *,
        method: str = "GET",
        expects: Expects = "json",
    ) -> KaikoError | None:
        """Return the typed error for an answer, or None if it is not an error.

        Arguments:
            status: the answer's status.
            headers: its headers, as a mapping or as pairs.
            body: its body, decoded or still with its Content-Encoding.
            method: the request's method; an answer to `HEAD` has no body to check.
            expects: `json`, or `any` if a success may be anything.

        """
        fields = lower(headers)
        said = Said(status, fields, read(body, fields))
        return self._judge.answer(said, look_inside=expects == "json" and method.upper() != "HEAD")

    def error_from_exception(self, exc: BaseException) -> KaikoError:
        """Return the typed error for an exception of a client library.

        An exception that no known client raises is a 500 without a retry.

        Raises:
            BaseException: `exc` itself if it is not an `Exception`: a cancellation is not a
                failure.

        """
        if not isinstance(exc, Exception):
            raise exc
        return self.find_exception(exc) or self._failed("broken", exc)

    def find_exception(self, exc: BaseException) -> KaikoError | None:
        """Return the typed error for a client's exception; None for any other."""
        if isinstance(exc, KaikoError):
            return exc
        if is_known(exc):
            # An SDK wraps its client's exception, which may be a typed error.
            for cause in chain(exc):
                if isinstance(cause, KaikoError):
                    return cause
            answered = [*map(self._from_answer, origins(exc))]
            found = next((error for error in answered if error is not None), None)
            if found is not None:
                return found
        failure = known_failure(exc)
        if failure is not None:
            return self._failed(failure.category, exc, processed=failure.processed)
        if isinstance(exc, TimeoutError | ConnectionError):
            refused = isinstance(exc, ConnectionRefusedError)
            return self._failed("unavailable", exc, processed=not refused)
        return None

    def _failed(
        self, category: Category, exc: BaseException, *, processed: bool = True
    ) -> KaikoError:
        return self._judge.failure(
            category, f"{type(exc).__name__}: {text_of(exc)}", processed=processed
        )

    def raise_for_status(self, response: Any, *, expects: Expects | None = None) -> None:
        """Raise the typed error for a response of httpx2, httpx, requests, or the like.

        Arguments:
            response: any object with `status_code`, `headers` and `content`.
            expects: what a success must be; by default a success is checked only with
                `trust="llm"`. A stream whose body was not read is never checked.

        Raises:
            KaikoError: the answer is an error.

        """
        status: int = response.status_code
        if expects is None:
            expects = "json" if self._judge.trust == "llm" else "any"
        if by_status(status) is None and expects == "any":
            return
        content = content_of(response)
        error = self.error_from_response(
            status,
            response.headers,
            content,
            method=method_of(response),
            expects="any" if content is None else expects,
        )
        if error is not None:
            raise error

    def translate(self) -> AbstractContextManager[None]:
        """Raise the typed error instead of a client library's exception.

        Typed errors and other exceptions pass unchanged.

        >>> with Upstream("billing").translate():
        ...     raise ConnectionRefusedError
        Traceback (most recent call last):
        kaiko_middleware.errors.ServiceUnavailableError: The service is temporarily unavailable
        """
        return Translation(self.find_exception)

    def watch(self, headers: Headers = ()) -> StreamWatch:
        """Return a watch over one stream of server-sent events.

        Arguments:
            headers: the answer's headers; the error gets their id and retry wishes.

        """
        fields = lower(headers)

        def make(found: Found) -> KaikoError:
            said = Said(200, fields, Body(found.data, found.text, is_json=True))
            return self._judge.inside(found.category, said, found.data)

        return StreamWatch(make, llm=self._judge.trust == "llm")

    def _from_answer(self, exc: BaseException) -> KaikoError | None:
        """Read an exception that carries an answer (raise_for_status, or an SDK's)."""
        answer = answer_of(exc)
        status = 200 if answer.status is None else answer.status
        if answer.content is None:
            # SDKs keep the content of `error`.
            data = answer.data if "error" in answer.data else {"error": answer.data}
            text = " ".join(texts(holders(data), _SHOWN))
            body = Body(data, text, is_json=bool(answer.data))
        else:
            body = read(answer.content, answer.headers)
        refused = refusal_token(exc)
        if refused is not None:
            body = body._replace(data={"code": refused, **members(body.data)})
        said = Said(status, answer.headers, body)
        if by_status(status) is not None:
            return self._judge.answer(said, look_inside=False)
        # Inside a stream: the status is the stream's 200, or there is none.
        found = error_inside(body.data, llm=True)
        if found is None and refused is not None:
            found = Found("broken", body.data)
        return None if found is None else self._judge.inside(found.category, said, found.data)

"""API keys: what a key looks like, and what becomes of one that is missing, unknown or revoked.

A key that does not look like one is refused before anything is looked up, so that junk costs no
look-up, and so is a key of another environment. Nobody is told which of these it was.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, cast

from kaiko_guards._paths import ByPath, within
from kaiko_guards._verdicts import ValidKey
from kaiko_middleware import AuthenticationError, ForbiddenError, ServiceUnavailableError
from kaiko_middleware.safe_exception import class_name
from kaiko_middleware.settings_check import path_prefixes, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kaiko_guards._request import GuardedRequest
    from kaiko_guards._verdicts import AsyncKeyVerifier, KeyAnswer, KeyVerifier
    from kaiko_middleware import KaikoError

__all__ = ["ApiKeys", "is_prefix"]

_log = logging.getLogger("kaiko.guards")
_PREFIX = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*_")
_HEADER = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, section 3.3


def is_prefix(text: str) -> bool:
    """Whether keys may begin with `text`."""
    return _PREFIX.fullmatch(text) is not None


class ApiKeys:
    """Lets requests through that carry a valid key.

    A verifier that fails is 503, never an open door. One warning on `kaiko.guards` names what it
    raised, and another says when it is back.

    Arguments:
        verifier: knows the keys.
        prefixes: what the keys of this environment begin with, each ending with `_`; a key of
            another environment is no key here.
        public: path prefixes, by whole segments, that need no key.
        scopes: which scope a key must have, by path prefix; the longest prefix counts.
        header: the request header that carries the key, lower-case.

    Raises:
        ConfigError: a value is not allowed.

    """

    def __init__(
        self,
        verifier: KeyVerifier | AsyncKeyVerifier,
        *,
        prefixes: Iterable[str] = ("kaiko_live_",),
        public: Iterable[str] = (),
        scopes: Mapping[str, str] | None = None,
        header: str = "x-api-key",
    ) -> None:
        if not callable(getattr(cast("object", verifier), "verify", None)):
            refuse("verifier", verifier, "an object with a method verify(key)")
        self.verifier: KeyVerifier | AsyncKeyVerifier = verifier
        self.plain_verifier: KeyVerifier = cast("KeyVerifier", verifier)
        """The same, for who has made sure that it is synchronous."""
        given = () if isinstance(prefixes, str) else tuple(cast("Iterable[object]", prefixes))
        self.prefixes: tuple[str, ...] = tuple(
            each for each in given if isinstance(each, str) and is_prefix(each)
        )
        if not given or self.prefixes != given:
            refuse("prefixes", prefixes, "a sequence of prefixes such as 'kaiko_live_'")
        self.public: tuple[str, ...] = path_prefixes("public", public)
        self._is_public = within(self.public)
        if not _HEADER.fullmatch(header):
            refuse("header", header, "a lower-case header name such as 'x-api-key'")
        self.header: str = header
        named: dict[str, str | None] = dict(scopes or {})
        for scope in named.values():
            if not scope or not _SCOPE.fullmatch(scope):
                refuse("scopes", scope, "a scope without white space, such as 'contexts:read'")
        self._scopes = ByPath("scopes", named)
        starts = "|".join(self.prefixes)
        self._has_form = re.compile(rf"(?:{starts})[A-Za-z0-9]{{16,96}}").fullmatch
        self._failing = False

    def needs_key(self, request: GuardedRequest) -> bool:
        """Whether a request must carry a key: not to a public path, and no CORS preflight."""
        if self._is_public(request.path):
            return False
        return request.method != "OPTIONS" or not request.is_preflight

    def key_in(self, value: str | None) -> str:
        """Return the key that a header's value is.

        Raises:
            AuthenticationError: there is none, it does not look like a key, or it is a key of
                another environment.

        """
        if value is None or self._has_form(value) is None:
            raise AuthenticationError
        return value

    def accept(self, answer: KeyAnswer) -> ValidKey:
        """Return a valid key's answer, or raise what the request is answered with.

        Raises:
            AuthenticationError: nobody knows the key, or it has expired: 401 `invalid_api_key`.
            ForbiddenError: it was revoked: 403 `key_revoked`.
            ServiceUnavailableError: it is no answer, such as what an asynchronous verifier returns.

        """
        if isinstance(answer, ValidKey):
            if self._failing:
                self._works_again()
            return answer
        refusal = _refusal(answer)
        if refusal is None:
            raise self.failed(f"it returned {class_name(type(cast('object', answer)))}")
        if self._failing:
            self._works_again()
        raise refusal

    def failed(self, why: str) -> ServiceUnavailableError:
        """Return the error for a key that nobody can look up now; the first of a row is logged.

        Arguments:
            why: what the verifier did, without the key and without what its message says.

        """
        if not self._failing:
            self._failing = True
            _log.warning("the key verifier fails, and requests are refused: %s", why)
        return ServiceUnavailableError("API keys cannot be checked at the moment")

    def _works_again(self) -> None:
        self._failing = False
        _log.warning("the key verifier works again")

    def admit(self, request: GuardedRequest, key: str, valid: ValidKey) -> None:
        """Let a request through with its key.

        Raises:
            ForbiddenError: the path needs a scope that the key lacks: 403 `permission_denied`.

        """
        if self._scopes.pairs:
            scope = self._scopes.get(request.path, None)
            if scope is not None and scope not in valid.scopes:
                raise ForbiddenError
        request.key, request.valid_key = key, valid


def _refusal(answer: object) -> KaikoError | None:
    if answer == "revoked":
        return ForbiddenError("The API key was revoked", code="key_revoked")
    if answer == "expired":
        return AuthenticationError("The API key has expired")
    return AuthenticationError() if answer == "unknown" else None

"""API keys as django-ninja's authentication, which the OpenAPI document shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.extras import require

require("kaiko_guards.ninja", "ninja", install="kaiko-middleware[ninja]")

from ninja.security import APIKeyHeader

from kaiko_guards._chain import ask_plain_verifier, ask_verifier, needs_loop_verifier
from kaiko_middleware import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from kaiko_guards._keys import ApiKeys
    from kaiko_guards._verdicts import ValidKey

__all__ = ["ApiKeyAuth", "AsyncApiKeyAuth"]


class _Header(APIKeyHeader):
    def __init__(self, keys: ApiKeys, *, scopes: Iterable[str] = ()) -> None:
        self.param_name: str = keys.header
        super().__init__()
        self._keys = keys
        self._scopes = frozenset((scopes,) if isinstance(scopes, str) else scopes)

    def _admitted(self, request: HttpRequest, valid: ValidKey) -> ValidKey:
        if not valid.scopes.issuperset(self._scopes):
            raise ForbiddenError
        setattr(request, "kaiko_principal", valid.principal)  # noqa: B010 - stubs do not know it
        return valid


class ApiKeyAuth(_Header):
    """Wants a valid key: `auth=ApiKeyAuth(keys)`; `request.auth` is the `ValidKey`.

    Arguments:
        keys: says what a key looks like, and who knows it; its verifier is a synchronous one.
        scopes: the scopes that the key must have, all of them.

    """

    def authenticate(self, request: HttpRequest, key: str | None) -> ValidKey:
        """Check the request's key.

        Raises:
            KaikoError: what the request is answered with.

        """
        _, valid = ask_plain_verifier(self._keys, key)
        return self._admitted(request, valid)


class AsyncApiKeyAuth(_Header):
    """The same for asynchronous operations, with a verifier of either kind.

    Arguments:
        keys: says what a key looks like, and who knows it.
        scopes: the scopes that the key must have, all of them.

    Raises:
        ConfigError: the verifier cannot run on an event loop.

    """

    def __init__(self, keys: ApiKeys, *, scopes: Iterable[str] = ()) -> None:
        needs_loop_verifier("keys: verifier", keys)
        super().__init__(keys, scopes=scopes)

    async def authenticate(self, request: HttpRequest, key: str | None) -> ValidKey:
        """Check the request's key.

        Raises:
            KaikoError: what the request is answered with.

        """
        _, valid = await ask_verifier(self._keys, key)
        return self._admitted(request, valid)

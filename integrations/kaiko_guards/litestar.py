"""API keys as a Litestar guard, and the guards as Litestar's middleware."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kaiko_middleware.extras import require

require("kaiko_guards.litestar", "litestar", install="kaiko-middleware[litestar]")

from litestar.middleware import DefineMiddleware

from kaiko_guards._chain import Guards, ask_verifier, needs_loop_verifier
from kaiko_guards._request import is_preflight
from kaiko_guards.asgi import PRINCIPAL
from kaiko_guards.asgi import GuardMiddleware as ASGIMiddleware
from kaiko_middleware import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

    from kaiko_guards._chain import Guard
    from kaiko_guards._keys import ApiKeys

__all__ = ["ApiKeyGuard", "guard_middleware"]


class ApiKeyGuard:
    """A guard that wants a valid key: `guards=[ApiKeyGuard(keys)]` at any layer.

    `connection.state.principal` says whose key it is. What is refused is raised, and answered by
    `KaikoPlugin`. A CORS preflight needs no key.

    Arguments:
        keys: says what a key looks like, and who knows it.
        scopes: the scopes that the key must have, all of them.

    Raises:
        ConfigError: the verifier cannot run on an event loop.

    """

    def __init__(self, keys: ApiKeys, *, scopes: Iterable[str] = ()) -> None:
        needs_loop_verifier("keys: verifier", keys)
        self._keys = keys
        self._scopes = frozenset((scopes,) if isinstance(scopes, str) else scopes)

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
    ) -> None:
        """Check the request's key.

        Raises:
            KaikoError: what the request is answered with.

        """
        scope: Any = connection.scope
        if is_preflight(scope.get("method"), connection.headers.get):
            return
        value = ",".join(connection.headers.getall(self._keys.header, [])) or None
        _, valid = await ask_verifier(self._keys, value)
        if not valid.scopes.issuperset(self._scopes):
            raise ForbiddenError
        connection.state[PRINCIPAL] = valid.principal


def guard_middleware(*guards: Guard, trusted_proxies: Iterable[str] = ()) -> DefineMiddleware:
    """Return the guards as an entry of Litestar's `middleware`.

    Arguments:
        *guards: the guards, in any order.
        trusted_proxies: addresses and networks of proxies whose `X-Forwarded-For` is believed;
            `unix:` for the server's Unix socket.

    Raises:
        ConfigError: a value is not allowed.

    """
    made: Any = ASGIMiddleware  # its scope is any scope; Litestar has types of its own
    if isinstance(trusted_proxies, Iterator):
        trusted_proxies = tuple(trusted_proxies)  # it is read here, and by each application
    needs_loop_verifier("guards: verifier", Guards(guards, trusted_proxies).keys)  # at once
    return DefineMiddleware(made, guards=guards, trusted_proxies=trusted_proxies)

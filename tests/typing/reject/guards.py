"""Guards that are misused: found by a checker, and refused at run time."""

from __future__ import annotations

from litestar import Litestar
from starlette.types import Receive, Scope, Send

from kaiko_guards import ApiKeys, BodyLimit, Deadline, GuardedRequest, HashedKeys, RateLimit
from kaiko_guards.asgi import GuardMiddleware
from kaiko_guards.django import Settings
from kaiko_guards.drf import ApiKeyAuthentication
from kaiko_guards.fastapi import ApiKeySecurity
from kaiko_guards.litestar import ApiKeyGuard, guard_middleware
from kaiko_guards.ninja import ApiKeyAuth
from kaiko_guards.wsgi import GuardMiddleware as WSGIGuardMiddleware


class SaysYes:
    """Answers with no answer."""

    def verify(self, key: str, /) -> bool:
        """Say yes."""
        return bool(key)


class SaysValid:
    """Answers with a word that is none."""

    def verify(self, key: str, /) -> str:
        """Say a word."""
        return "valid" if key else "unknown"


async def tenant(request: GuardedRequest) -> str | None:
    """Count by what would have to be awaited."""
    return request.read_header("x-tenant")


def no_cost(request: GuardedRequest) -> str:
    """Count by a text."""
    return request.path


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing."""


def wsgi(environ: dict[str, object], start_response: object) -> list[bytes]:
    """Answer nothing, the other way."""
    print(environ, start_response)
    return []


keys = ApiKeys(HashedKeys([]))

ApiKeys(SaysYes())  # error
ApiKeys(SaysValid())  # error
ApiKeys("keys.json")  # error
ApiKeys(HashedKeys([]), scopes=["read"])  # error
HashedKeys({"lookup": "kaiko_live_a"})  # error
BodyLimit("1 MB")  # error
BodyLimit(1.5)  # error
BodyLimit()  # error
Deadline("30 s")  # error
Deadline(30, paths=["/export"])  # error
RateLimit(100)  # error
RateLimit()  # error
RateLimit("100/minute", "key")  # error
RateLimit("100/minute", by="user")  # error
RateLimit("100/minute", by=tenant)  # error
RateLimit("100/minute", cost=no_cost)  # error
RateLimit("100/minute", on_storage_error="ignore")  # error
GuardMiddleware(bare, keys)  # error
GuardMiddleware(bare, ["100/minute"])  # error
GuardMiddleware(bare, "shop.guards.GUARDS")  # error
GuardMiddleware(wsgi, [keys])  # error
GuardMiddleware(bare, [keys], [])  # error
WSGIGuardMiddleware(bare, [keys])  # error
guard_middleware([keys])  # error
ApiKeySecurity(HashedKeys([]))  # error
ApiKeyAuth(HashedKeys([]))  # error
Litestar(guards=[ApiKeyGuard("keys.json")])  # error
WRONG_KEY: Settings = {"guard": [keys]}  # error
WRONG_VALUE: Settings = {"guards": [1]}  # error


class ShopKeys(ApiKeyAuthentication):
    """Knows keys of a wrong kind."""

    keys = HashedKeys([])  # error

"""The guards in front of every kind of application, with verifiers and functions of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Security
from litestar import Litestar
from ninja import NinjaAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware

from kaiko_guards import (
    ApiKeys,
    AsyncCachedKeys,
    BodyLimit,
    CachedKeys,
    Deadline,
    FileKeys,
    Guard,
    GuardedRequest,
    HashedKeys,
    KeyAnswer,
    RateLimit,
    ValidKey,
    deadline,
    new_key,
)
from kaiko_guards import asgi as for_asgi
from kaiko_guards import wsgi as for_wsgi
from kaiko_guards.django import Settings
from kaiko_guards.drf import ApiKeyAuthentication
from kaiko_guards.fastapi import ApiKeySecurity
from kaiko_guards.litestar import ApiKeyGuard, guard_middleware
from kaiko_guards.ninja import ApiKeyAuth, AsyncApiKeyAuth

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from starlette.types import ASGIApp, Receive, Scope, Send


class Customers:
    """Looks keys up in the service's own way."""

    def verify(self, key: str, /) -> KeyAnswer:
        """Know one key."""
        return ValidKey(object(), "Ada", frozenset({"read"})) if key else "unknown"


class AsyncCustomers:
    """Does so without blocking."""

    async def verify(self, key: str, /) -> KeyAnswer:
        """Know no key."""
        return "revoked" if key else "expired"


def tenant(request: GuardedRequest) -> str | None:
    """Count by tenant."""
    return request.read_header("x-tenant")


def cost(request: GuardedRequest) -> int:
    """Count a batch as twenty."""
    return 20 if request.path.endswith("/batch") else 1


def late(request: GuardedRequest) -> None:
    """Count what goes on."""
    print(request.method, request.path, request.address, request.principal)


made = new_key("kaiko_test_")
hashed = HashedKeys([{"lookup": made.lookup, "sha256": made.digest, "name": "Ada"}])
keys = ApiKeys(CachedKeys(hashed, hits=10), prefixes=["kaiko_test_"], public=("/health",))
own_keys = ApiKeys(Customers(), scopes={"/v2": "read"}, header="x-shop-key")
async_keys = ApiKeys(AsyncCachedKeys(AsyncCustomers(), misses=0))
file_keys = ApiKeys(FileKeys("keys.json", every=2.5))
guards: list[Guard] = [
    Deadline(30, paths={"/export": None, "/quick": 0.5}, on_overrun=late),
    BodyLimit(1_000_000, paths={"/files": 10_000_000}),
    keys,
    RateLimit("100/minute;5/second", by="key", cost=cost, storage="redis://127.0.0.1:6379"),
    RateLimit("10/second", by=tenant, cost=2, paths=["/v2"], methods=("POST",)),
    RateLimit("10/second", by="address", on_storage_error="closed", clock=lambda: 0.0),
]
left: float | None = deadline()


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing."""


def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer nothing."""
    start_response("204 No Content", [])
    return [str(environ.get(for_wsgi.ENVIRON_PRINCIPAL)).encode()]


around: ASGIApp = for_asgi.GuardMiddleware(bare, guards, trusted_proxies=["10.0.0.0/8"])
around_wsgi: WSGIApplication = for_wsgi.GuardMiddleware(wsgi, (keys, BodyLimit(0)))
starlette = Starlette(middleware=[Middleware(for_asgi.GuardMiddleware, guards=guards)])
starlette.add_middleware(for_asgi.GuardMiddleware, guards=[async_keys])

fastapi = FastAPI()
fastapi.add_middleware(for_asgi.GuardMiddleware, guards=guards)
security = ApiKeySecurity(own_keys, scheme_name="Shop")


@fastapi.get("/whose")
async def whose(key: Annotated[ValidKey, Security(security, scopes=["read"])]) -> str:
    """Answer with whose key it is."""
    return key.name


litestar = Litestar(
    guards=[ApiKeyGuard(async_keys, scopes=["read"])], middleware=[guard_middleware(*guards)]
)
ninja = NinjaAPI(auth=[ApiKeyAuth(keys, scopes="read"), AsyncApiKeyAuth(async_keys)])
KAIKO_GUARDS: Settings = {"guards": guards, "trusted_proxies": ("10.0.0.1",)}
BY_PATH: Settings = {"guards": "shop.guards.GUARDS"}


class ShopKeys(ApiKeyAuthentication):
    """Knows the service's own keys."""

    keys = own_keys

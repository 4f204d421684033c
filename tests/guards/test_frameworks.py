"""API keys in each framework's own idiom: refused alike, and shown in the OpenAPI document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from fastapi import FastAPI, Security
from fastapi import Request as FastAPIRequest
from fastapi.testclient import TestClient
from litestar import Litestar, get
from litestar import Request as LitestarRequest
from litestar.testing import TestClient as LitestarClient
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from adapters.django.stacks import STACKS, Project
from adapters.ninja.apis import new_api
from adapters.ninja.apis import project as ninja_project
from guards.test_asgi import BROKEN, KEY, REVOKED, UNKNOWN, AsyncKeys, Keys
from kaiko_fastapi import install
from kaiko_guards import ApiKeys, RateLimit, ValidKey
from kaiko_guards.drf import ApiKeyAuthentication
from kaiko_guards.fastapi import ApiKeySecurity
from kaiko_guards.litestar import ApiKeyGuard, guard_middleware
from kaiko_guards.ninja import ApiKeyAuth, AsyncApiKeyAuth
from kaiko_litestar import KaikoPlugin
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from adapters.asgi.server import Answer

KEYS = ApiKeys(Keys())
ASYNC_KEYS = ApiKeys(AsyncKeys())
SCOPED = "kaiko_live_" + "e5" * 20


class _Scoped:
    def verify(self, _key: str, /) -> ValidKey:
        return ValidKey("billing", "billing", frozenset({"read"}))


SCOPED_KEYS = ApiKeys(_Scoped())
_REFUSED: list[tuple[str | None, int, str]] = [
    (None, 401, "invalid_api_key"),
    (UNKNOWN, 401, "invalid_api_key"),
    (REVOKED, 403, "key_revoked"),
    (BROKEN, 503, "service_unavailable"),
]
refused = pytest.mark.parametrize(("key", "status", "code"), _REFUSED)
either = pytest.mark.parametrize("keys", [KEYS, ASYNC_KEYS], ids=["sync", "async"])


def _headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"x-api-key": key}


# --- FastAPI --------------------------------------------------------------------------


def _fastapi(keys: ApiKeys, *scopes: str) -> TestClient:
    app = FastAPI()
    install(app)
    security = ApiKeySecurity(keys)

    @app.get("/whose")
    async def whose(
        request: FastAPIRequest,
        key: ValidKey = Security(security, scopes=scopes),  # noqa: B008, FAST002 - of this function
    ) -> list[str]:
        return [key.name, request.state.principal]

    return TestClient(app, raise_server_exceptions=False)


@refused
@either
def test_fastapi_refuses(keys: ApiKeys, key: str | None, status: int, code: str) -> None:
    """As the middleware does."""
    answer = _fastapi(keys).get("/whose", headers=_headers(key))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@either
def test_fastapi_knows_whose_key_it_is(keys: ApiKeys) -> None:
    """As the dependency's value and in the state."""
    assert _fastapi(keys).get("/whose", headers=_headers(KEY)).json() == ["billing", "billing"]


def test_fastapi_asks_for_scopes() -> None:
    """Those that `Security` names."""
    headers = _headers(SCOPED)
    assert _fastapi(SCOPED_KEYS, "read").get("/whose", headers=headers).status_code == 200
    answer = _fastapi(SCOPED_KEYS, "read", "write").get("/whose", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")


def test_fastapis_document_shows_the_scheme() -> None:
    """As an API key in a header."""
    document = _fastapi(KEYS).get("/openapi.json").json()
    scheme = {"type": "apiKey", "in": "header", "name": "x-api-key"}
    assert document["components"]["securitySchemes"] == {"ApiKey": scheme}
    assert document["paths"]["/whose"]["get"]["security"] == [{"ApiKey": []}]


# --- Litestar -------------------------------------------------------------------------


def _litestar(keys: ApiKeys, *scopes: str, middleware: Any = ()) -> LitestarClient[Litestar]:
    @get("/whose", guards=[ApiKeyGuard(keys, scopes=scopes)])
    async def whose(request: LitestarRequest[Any, Any, Any]) -> str:
        return str(request.state.principal)

    return LitestarClient(
        Litestar([whose], plugins=[KaikoPlugin()], middleware=middleware, logging_config=None),
        raise_server_exceptions=False,
    )


@refused
@either
def test_litestar_refuses(keys: ApiKeys, key: str | None, status: int, code: str) -> None:
    """As the middleware does."""
    answer = _litestar(keys).get("/whose", headers=_headers(key))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@either
def test_litestar_knows_whose_key_it_is(keys: ApiKeys) -> None:
    """In the connection's state."""
    assert _litestar(keys).get("/whose", headers=_headers(KEY)).text == "billing"


def test_litestar_asks_for_scopes() -> None:
    """Those that the guard names."""
    headers = _headers(SCOPED)
    assert _litestar(SCOPED_KEYS, "read").get("/whose", headers=headers).status_code == 200
    assert _litestar(SCOPED_KEYS, "write").get("/whose", headers=headers).status_code == 403


def test_litestar_asks_no_preflight_for_a_key() -> None:
    """Where the guard is the whole application's, Litestar asks it of its own OPTIONS, too."""
    headers = {"origin": "https://a.example", "access-control-request-method": "GET"}

    @get("/whose")
    async def whose() -> None:
        """Answer nothing."""

    app = Litestar(
        [whose], guards=[ApiKeyGuard(KEYS)], plugins=[KaikoPlugin()], logging_config=None
    )
    client = LitestarClient(app, raise_server_exceptions=False)
    assert client.options("/whose", headers=headers).status_code == 204
    assert client.options("/whose").status_code == 401


def test_litestar_takes_the_guards_as_middleware() -> None:
    """An entry of its list, checked when it is made."""
    middleware = [guard_middleware(RateLimit("1/minute", by="address"))]
    client = _litestar(KEYS, middleware=middleware)
    told = [client.get("/whose", headers=_headers(KEY)).status_code for _ in range(2)]
    assert told == [200, 429]
    wrong: Any = "100/minute"
    with pytest.raises(ConfigError, match=r"^guards: "):
        guard_middleware(wrong)


def test_litestar_trusts_proxies_of_any_iterable() -> None:
    """A generator can be read only once."""

    @get("/")
    async def here() -> str:
        return "here"

    limit = RateLimit("1/day", by="address")
    middleware = guard_middleware(limit, trusted_proxies=(each for each in ["10.0.0.1"]))
    app: Any = Litestar([here], middleware=[middleware], logging_config=None)

    async def from_proxy(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": ("10.0.0.1", 1)}, receive, send)

    client = TestClient(from_proxy)
    told = [
        client.get("/", headers={"x-forwarded-for": f"198.51.100.{number}"}).status_code
        for number in (1, 2, 2)
    ]
    assert told == [200, 200, 429]


# --- Ninja ----------------------------------------------------------------------------


def _whose(request: Any) -> list[str]:
    return [request.auth.name, request.kaiko_principal]


async def _whose_async(request: Any) -> list[str]:
    return [request.auth.name, request.kaiko_principal]


_NINJA: dict[str, tuple[Any, Any, ApiKeys]] = {
    "sync": (_whose, ApiKeyAuth, KEYS),
    "mixed": (_whose_async, AsyncApiKeyAuth, KEYS),
    "async": (_whose_async, AsyncApiKeyAuth, ASYNC_KEYS),
}
each_ninja = pytest.mark.parametrize("way", sorted(_NINJA))


def _ask_ninja(way: str, key: str | None) -> list[Answer]:
    operation, auth, keys = _NINJA[way]
    served = ninja_project(operation, auth=auth(keys), response=list[str])
    return [stack.ask(served, headers=list(_headers(key).items())) for stack in STACKS]


@refused
@each_ninja
def test_ninja_refuses(way: str, key: str | None, status: int, code: str) -> None:
    """As the middleware does."""
    for answer in _ask_ninja(way, key):
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (status, code)


@each_ninja
def test_ninja_knows_whose_key_it_is(way: str) -> None:
    """As `request.auth` and as `request.kaiko_principal`."""
    for answer in _ask_ninja(way, KEY):
        assert json.loads(answer.body) == ["billing", "billing"]


@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("write", 403)])
def test_ninja_asks_for_scopes(scope: str, status: int) -> None:
    """Those that the authentication names."""
    auth = ApiKeyAuth(SCOPED_KEYS, scopes=scope)
    served = ninja_project(_whose, auth=auth, response=list[str])
    answer = STACKS[0].ask(served, headers=list(_headers(SCOPED).items()))
    assert answer.status == status


def test_ninjas_document_shows_the_scheme() -> None:
    """As an API key in a header."""
    api = new_api()
    api.get("/whose", auth=ApiKeyAuth(KEYS))(_whose)
    schemes = api.get_openapi_schema(path_prefix="")["components"]["securitySchemes"]
    assert list(schemes.values()) == [{"type": "apiKey", "in": "header", "name": "x-api-key"}]


# --- DRF ------------------------------------------------------------------------------


class _User:
    is_authenticated = True

    def __str__(self) -> str:
        return "a user of the service's own"


class _Users:
    def verify(self, _key: str, /) -> ValidKey:
        return ValidKey(_User(), "somebody")


class OwnKeys(ApiKeyAuthentication):
    """Knows other keys than the setting's."""

    keys = ApiKeys(_Users())


class Whose(APIView):
    """Says whose key it is."""

    authentication_classes: Any = (ApiKeyAuthentication,)
    permission_classes: Any = (IsAuthenticated,)

    def get(self, request: Any) -> Response:
        """Answer."""
        return Response([str(request.user), getattr(request.auth, "name", None)])


class WhoseOwn(Whose):
    """Has keys of its own."""

    authentication_classes: Any = (OwnKeys,)


def _ask_drf(view: Any, key: str | None, **settings: Any) -> list[Answer]:
    handler = {"EXCEPTION_HANDLER": "kaiko_drf.exception_handler"}
    served = Project(view.as_view(), settings={"REST_FRAMEWORK": handler, **settings})
    return [stack.ask(served, headers=list(_headers(key).items())) for stack in STACKS]


@pytest.mark.parametrize(("key", "status", "code"), [*_REFUSED])
def test_drf_refuses(key: str | None, status: int, code: str) -> None:
    """As the middleware does, and where there is no key, as its permissions do."""
    for answer in _ask_drf(Whose, key, KAIKO_GUARDS={"guards": [KEYS]}):
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["code"]) == (status, code)
        assert (answer.all("www-authenticate") == ["ApiKey"]) == (status == 401)


def test_drf_knows_whose_key_it_is() -> None:
    """As a user that is authenticated."""
    for answer in _ask_drf(Whose, KEY, KAIKO_GUARDS={"guards": [KEYS]}):
        assert json.loads(answer.body) == ["billing", "billing"]


def test_drf_takes_a_user_of_the_services_own() -> None:
    """From keys of the view's own."""
    for answer in _ask_drf(WhoseOwn, KEY):
        assert json.loads(answer.body) == ["a user of the service's own", "somebody"]


def test_drf_without_keys_says_so() -> None:
    """A view that wants a key and knows none is a mistake of the project."""
    with (
        override_settings(KAIKO_GUARDS={}),
        pytest.raises(ImproperlyConfigured, match="no ApiKeys"),
    ):
        ApiKeyAuthentication().authenticate(Request(APIRequestFactory().get("/")))

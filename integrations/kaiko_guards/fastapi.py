"""API keys as a FastAPI dependency, which the OpenAPI document shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.extras import require

require("kaiko_guards.fastapi", "fastapi", install="kaiko-middleware[fastapi]")

from fastapi.openapi.models import APIKey
from fastapi.openapi.models import SecurityBase as SecurityBaseModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from kaiko_guards._chain import ask_verifier, needs_loop_verifier
from kaiko_guards._verdicts import ValidKey
from kaiko_middleware import ForbiddenError

if TYPE_CHECKING:
    from kaiko_guards._keys import ApiKeys

__all__ = ["ApiKeySecurity"]


class ApiKeySecurity(SecurityBase):
    """A dependency that wants a valid key: `Annotated[ValidKey, Security(api_key)]`.

    The scopes that `Security` names must all be the key's. `request.state.principal` says whose
    key it is. A WebSocket's route takes it too. What is refused is raised, and answered by
    `kaiko_fastapi`.

    Arguments:
        keys: says what a key looks like, and who knows it.
        scheme_name: the name of the scheme in the OpenAPI document.

    Raises:
        ConfigError: the verifier cannot run on an event loop.

    """

    def __init__(self, keys: ApiKeys, *, scheme_name: str = "ApiKey") -> None:
        needs_loop_verifier("keys: verifier", keys)
        self.model: SecurityBaseModel = APIKey.model_validate({"in": "header", "name": keys.header})
        self.scheme_name = scheme_name
        self._keys = keys

    async def __call__(self, request: HTTPConnection, security_scopes: SecurityScopes) -> ValidKey:
        """Check the request's key.

        Raises:
            KaikoError: what the request is answered with.

        """
        value = ",".join(request.headers.getlist(self._keys.header)) or None
        _, valid = await ask_verifier(self._keys, value)
        if not valid.scopes.issuperset(security_scopes.scopes):
            raise ForbiddenError
        request.state.principal = valid.principal
        return valid

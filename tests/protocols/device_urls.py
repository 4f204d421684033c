"""Authlib's authorization server in a Django project: the device flow of RFC 8628."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from authlib.integrations.django_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc8628 import DeviceCodeGrant, DeviceCredentialDict
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.http import HttpRequest, HttpResponse


class Television(ClientMixin):
    """The one client: it has no secret."""

    client_id = user_id = "television"

    def get_client_id(self) -> str:
        return self.client_id

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == ""

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("none", "token")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == DeviceCodeGrant.GRANT_TYPE

    def get_allowed_scope(self, scope: Collection[str] | str) -> str:
        return str(scope)


class Server(AuthorizationServer):
    """Keeps nothing."""

    def __init__(self) -> None:
        super().__init__(None, None)

    def query_client(self, client_id: str) -> ClientMixin:
        found = Television() if client_id == Television.client_id else None
        return cast("ClientMixin", found)  # whose stubs forget that it may be None

    def save_token(self, token: object, request: object) -> None:
        """Do nothing."""


class Devices(DeviceCodeGrant):
    """A device's code says what has become of it."""

    def query_device_credential(self, device_code: str) -> DeviceCredentialDict:
        return DeviceCredentialDict(
            client_id=Television.client_id,
            scope="",
            user_code=device_code,
            expires_at=0 if device_code == "expired" else 1 << 40,
        )

    def query_user_grant(self, user_code: str) -> tuple[Television, bool] | None:
        return (
            (Television(), user_code == "granted") if user_code in {"granted", "denied"} else None
        )

    def should_slow_down(self, credential: DeviceCredentialDict) -> bool:
        return bool(credential["user_code"] == "hasty")


server = Server()
server.register_grant(Devices)


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Be the token endpoint."""
    return cast("HttpResponse", server.create_token_response(request))  # Authlib types nothing


urlpatterns = [path("token", token)]

"""Authlib: a device asks for its token until its user has decided, and reads OAuth's errors."""

from __future__ import annotations

import httpx2
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from support_django import setup_django

setup_django()

from django.test import override_settings

from kaiko_django import get_wsgi_application

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def ask(device_code: str, client_id: str = "television") -> str:
    """Return the error that a device meets, empty where it gets a token."""
    transport = httpx2.WSGITransport(get_wsgi_application())
    client = OAuth2Client(client_id, transport=transport, token_endpoint_auth_method="none")
    with override_settings(ROOT_URLCONF="protocols.device_urls"), client:
        try:
            client.fetch_token(
                "https://testserver/token", grant_type=DEVICE, device_code=device_code
            )
        except OAuthError as error:
            return str(error.error)
    return ""


@pytest.mark.parametrize(
    ("device_code", "error"),
    [
        ("pending", "authorization_pending"),
        ("hasty", "slow_down"),
        ("denied", "access_denied"),
        ("expired", "expired_token"),
        ("granted", ""),
    ],
)
def test_a_device_that_waits_for_its_user(device_code: str, error: str) -> None:
    """It goes on asking, slows down or gives up by the code that the server says."""
    assert ask(device_code) == error


def test_a_client_that_is_not_known() -> None:
    """A lost registration is told as one: the client can register again."""
    assert ask("pending", "radio") == "invalid_client"

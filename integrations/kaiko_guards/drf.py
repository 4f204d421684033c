"""API keys as an authentication of Django REST framework.

    REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["kaiko_guards.drf.ApiKeyAuthentication"]}

The keys are those of the setting `KAIKO_GUARDS`, or of a subclass that names others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from kaiko_middleware.extras import require

require("kaiko_guards.drf", "rest_framework", install="kaiko-middleware[drf]")

from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BaseAuthentication

from kaiko_guards._chain import ask_plain_verifier
from kaiko_guards.django import SETTING, current_guards

if TYPE_CHECKING:
    from rest_framework.request import Request

    from kaiko_guards._keys import ApiKeys
    from kaiko_guards._verdicts import ValidKey

__all__ = ["ApiKeyAuthentication", "KeyUser"]


class KeyUser:
    """Who called, where the principal is no user of Django's: `request.user`.

    Arguments:
        valid: what is known of the key.

    """

    is_authenticated = True
    is_anonymous = False
    is_active = True

    def __init__(self, valid: ValidKey) -> None:
        self.principal: object = valid.principal
        self.username: str = valid.name

    def __str__(self) -> str:
        """Return the principal's name."""
        return self.username


class ApiKeyAuthentication(BaseAuthentication):
    """Knows who called by the request's key; `request.auth` is the `ValidKey`.

    A request without a key is left to other authentications, and to the permissions. What is
    refused is raised, and answered by `kaiko_drf`.
    """

    keys: ClassVar[ApiKeys | None] = None
    """The keys, in place of those of the setting."""

    def _found(self) -> ApiKeys:
        found = current_guards().guards.keys if self.keys is None else self.keys
        if found is None:
            msg = f"{SETTING} has no ApiKeys among its guards, and {type(self).__name__} no keys"
            raise ImproperlyConfigured(msg)
        return found

    def authenticate(self, request: Request) -> tuple[object, ValidKey] | None:
        """Return the user and what is known of the key; None where there is no key.

        Raises:
            KaikoError: what the request is answered with.

        """
        keys = self._found()
        value: str | None = request.headers.get(keys.header)
        if value is None:
            return None
        _, valid = ask_plain_verifier(keys, value)
        principal = valid.principal
        user = principal if hasattr(principal, "is_authenticated") else KeyUser(valid)
        return user, valid

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - as the base has it
        """Return the challenge of a 401, without which the framework answers 403."""
        return "ApiKey"

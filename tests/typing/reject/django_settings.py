"""A wrong key or value in the settings is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_django import Settings, error_response
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from django.http import HttpRequest


def wants_text(report: str) -> None:
    """A hook of the wrong type."""
    print(report)


WRONG_KEY: Settings = {"request_id_headers": "X-Request-ID"}  # error
WRONG_NUMBER: Settings = {"request_id_digits": "10"}  # error
WRONG_FLAG: Settings = {"trust_request_id": "yes"}  # error
WRONG_PATHS: Settings = {"paths": (1,)}  # error
WRONG_HOOK: Settings = {"on_error": (wants_text,)}  # error


def view(request: HttpRequest) -> None:
    """The request comes first, and the error is a typed one."""
    error_response(request)  # error
    error_response(NotFoundError(), request)  # error
    error_response(request, ValueError("no"))  # error

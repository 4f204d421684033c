"""Django settings with a type, the application wrappers, and a view that cannot raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_django import Settings, error_response, get_asgi_application, get_wsgi_application
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

KAIKO_MIDDLEWARE: Settings = {
    "request_id_header": "X-Request-ID",
    "request_id_digits": 16,
    "trust_request_id": True,
    "paths": ("/v2",),
    "exclude_paths": ("/v2/health",),
    "rewrite_answers": True,
    "keep_protocol_errors": True,
    "hold_event_streams": False,
    "challenge": "ApiKey",
    "mapping": "shop.errors.mapping",
    "on_error": ("shop.errors.count",),
    "reraise": True,
}
EMPTY: Settings = {}


def process_view(request: HttpRequest) -> HttpResponseBase:
    """Return an error where raising comes too late."""
    return error_response(request, NotFoundError("Context 'ctx_1' has expired"))


wsgi = get_wsgi_application()
asgi = get_asgi_application()

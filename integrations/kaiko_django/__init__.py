"""kaiko-middleware for Django: every error answer of a project is an envelope.

Two lines of the settings adopt the V2 contract, on WSGI and ASGI stacks alike:

    INSTALLED_APPS = ["kaiko_django", ...]
    MIDDLEWARE = ["kaiko_django.KaikoMiddleware", ...]  # first

`KAIKO_MIDDLEWARE = {...}` configures it, with the keys of `Settings`. What no middleware can
reach (a URLconf that does not import, a failing `handler500`) is reached by
`get_wsgi_application` and `get_asgi_application`, in place of Django's in `wsgi.py` and
`asgi.py`.
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_django", "django")

from kaiko_django.application import get_asgi_application, get_wsgi_application
from kaiko_django.conf import Settings
from kaiko_django.middleware import KaikoMiddleware
from kaiko_django.responses import error_response

__all__ = [
    "KaikoMiddleware",
    "Settings",
    "error_response",
    "get_asgi_application",
    "get_wsgi_application",
]

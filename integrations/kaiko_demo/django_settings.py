"""The least that Django needs to serve the demo, and the two lines that adopt the contract.

No database, no sessions, no templates. `"kaiko_django"` in `INSTALLED_APPS` and the
middleware first in `MIDDLEWARE` are the two lines.
"""

from __future__ import annotations

import secrets

# Nothing here is signed across restarts, so each process makes its own.
SECRET_KEY = secrets.token_urlsafe(48)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "kaiko_demo.django_urls"
TIME_ZONE = "UTC"
USE_TZ = True
APPEND_SLASH = False

INSTALLED_APPS = ["kaiko_django"]
MIDDLEWARE = ["kaiko_django.KaikoMiddleware"]

"""The minimal Django settings for the demo, and the two lines that adopt the contract.

No database, no sessions, no templates. `"kaiko_django"` in `INSTALLED_APPS` and the
middleware first in `MIDDLEWARE` are the two lines.
"""

from __future__ import annotations

import secrets

# No signature has to survive a restart, so each process makes a new key.
SECRET_KEY = secrets.token_urlsafe(48)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "kaiko_demo.django_urls"
TIME_ZONE = "UTC"
USE_TZ = True
APPEND_SLASH = False

INSTALLED_APPS = ["kaiko_django"]
MIDDLEWARE = ["kaiko_django.KaikoMiddleware"]

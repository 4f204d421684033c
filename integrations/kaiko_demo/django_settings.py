"""The minimal Django settings for the demo, and the lines that adopt the contract.

No database, no sessions, no templates. `"kaiko_django"` in `INSTALLED_APPS` and its middleware
first in `MIDDLEWARE` make every error an envelope. The second middleware runs the guards of the
last setting.
"""

from __future__ import annotations

import secrets

from kaiko_demo.guards import guards_from_environment

# No signature has to survive a restart, so each process makes a new key.
SECRET_KEY = secrets.token_urlsafe(48)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "kaiko_demo.django_urls"
TIME_ZONE = "UTC"
USE_TZ = True
APPEND_SLASH = False

INSTALLED_APPS = ["kaiko_django", "kaiko_guards"]  # for their system checks
MIDDLEWARE = ["kaiko_django.KaikoMiddleware", "kaiko_guards.django.GuardMiddleware"]
KAIKO_GUARDS = {"guards": guards_from_environment()}

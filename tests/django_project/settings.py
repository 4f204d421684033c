"""Settings that suit every suite; what one test needs otherwise stands in `override_settings`."""

from __future__ import annotations

SECRET_KEY = "django_project"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
ROOT_URLCONF = "django_project.urls"
USE_TZ = True

INSTALLED_APPS = [
    "kaiko_django",
    "kaiko_drf",
    "kaiko_guards",
    "rest_framework",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "kaiko_guards.django_keys",
]
MIDDLEWARE = ["kaiko_django.KaikoMiddleware"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "down": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/at/all.sqlite3"},
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.locmem.Loader",
                    {"broken.html": "{% if %}", "fine.html": "fine"},
                ),
                "django.template.loaders.app_directories.Loader",
            ]
        },
    }
]
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "kaiko_drf.exception_handler",
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,  # what DRF 3.18 warns about otherwise
}
# pytest's own handlers see every record; Django's would print each of them.
LOGGING_CONFIG = None

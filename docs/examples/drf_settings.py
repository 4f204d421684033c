from __future__ import annotations

SECRET_KEY = "made up for this example"  # noqa: S105 - nothing is signed with it
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "drf_service"

INSTALLED_APPS = [
    "kaiko_django",
    "kaiko_drf",
    "rest_framework",
]
MIDDLEWARE = [
    "kaiko_django.KaikoMiddleware",  # first
    "django.middleware.common.CommonMiddleware",
]
KAIKO_MIDDLEWARE = {
    "paths": ["/v2"],
}
REST_FRAMEWORK: dict[str, object] = {
    "EXCEPTION_HANDLER": "kaiko_drf.exception_handler",
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # this example has no users
    "UNAUTHENTICATED_USER": None,
}

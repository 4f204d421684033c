from __future__ import annotations

SECRET_KEY = "made up for this example"  # noqa: S105 - nothing is signed with it
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "ninja_service"

INSTALLED_APPS = [
    "kaiko_django",
]
MIDDLEWARE = [
    "kaiko_django.KaikoMiddleware",  # first
    "django.middleware.common.CommonMiddleware",
]
KAIKO_MIDDLEWARE = {
    "paths": ["/v2"],
}

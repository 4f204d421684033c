"""Rows of what views raise, and of who is let in."""

from __future__ import annotations

from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError
from django.http import Http404
from rest_framework import exceptions, permissions
from rest_framework.authentication import BasicAuthentication

from adapters.django.row import Alone, Ask, Envelope, Row
from adapters.django.stacks import Project
from adapters.drf.parts import (
    INTERNAL,
    INVALID,
    NO_KEY,
    NOT_FOUND,
    Conflict,
    Endless,
    Failing,
    Missing,
    Refusing,
    Teapot,
    Throttling,
    bug,
    nothing,
    ok,
    post,
)
from adapters.drf.views import BOTH, project, raising

RAISED = (
    Row("raised/parse", raising(exceptions.ParseError), Envelope(400, "bad_request")),
    *(
        Row(f"raised/validation-{name}-{sent.method}", raising(make), becomes, sent)
        for name, make in (
            ("str", lambda: exceptions.ValidationError("secret")),
            ("list", lambda: exceptions.ValidationError(["secret", "b"])),
            ("code", lambda: exceptions.ValidationError("secret", code="my_code")),
            ("empty", lambda: exceptions.ValidationError({})),
        )
        # Without a body it is a parameter that was refused.
        for becomes, sent in ((Envelope(400, "invalid_value"), Ask()), (INVALID, post(b"{}")))
    ),
    Row("raised/api", raising(lambda: exceptions.APIException("secret")), INTERNAL),
    Row("raised/http404", raising(lambda: Http404("secret")), NOT_FOUND),
    Row(
        "raised/not-authenticated",
        raising(exceptions.NotAuthenticated, authentication_classes=BOTH),
        NO_KEY,
    ),
    Row(
        "raised/throttled",
        raising(lambda: exceptions.Throttled(wait=12.2)),
        Envelope(429, "too_many_requests", (("Retry-After", "13"),)),
    ),
    Row(
        "raised/throttled-0",
        raising(lambda: exceptions.Throttled(wait=0)),
        Envelope(429, "too_many_requests", (("Retry-After", "0"),)),
    ),
    Row(
        "raised/unsupported",
        raising(lambda: exceptions.UnsupportedMediaType("secret")),
        Envelope(415, "unsupported_media_type"),
    ),
    Row("raised/integrity", raising(lambda: IntegrityError("secret")), INTERNAL),
    Row("raised/conflict", raising(Conflict), Envelope(409, "conflict")),
    Row("raised/teapot", raising(Teapot), Envelope(418, "teapot")),
    Row(
        "raised/group",
        raising(lambda: ExceptionGroup("secret", [exceptions.NotFound("Nothing there")])),
        NOT_FOUND,
    ),
    Row(
        "raised/group-unmapped",
        raising(lambda: ExceptionGroup("secret", [exceptions.NotFound(), ValueError("secret")])),
        INTERNAL,
    ),
    Row("raised/function", Project(bug), INTERNAL),
    Row("raised/function-NotFound", Project(nothing), NOT_FOUND),
    Row("raised/timeout", raising(TimeoutError), Envelope(503, "timeout")),
    Row(
        "raised/suspicious",
        raising(lambda: SuspiciousOperation("secret")),
        Envelope(400, "bad_request"),
    ),
    Row("raised/recursion", raising(lambda: RecursionError("secret")), INTERNAL),
)

ACCESS = (
    Row(
        "auth/401-with-header",
        raising(exceptions.NotAuthenticated, authentication_classes=[BasicAuthentication]),
        Envelope(401, "invalid_api_key", (("WWW-Authenticate", 'Basic realm="api"'),)),
    ),
    Row(
        "auth/not-authenticated",
        project(ok, authentication_classes=BOTH, permission_classes=[permissions.IsAuthenticated]),
        NO_KEY,
    ),
    Row(
        "auth/basic-wrong",
        Project(
            project(ok, authentication_classes=[BasicAuthentication]).view,
            settings={"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.BaseBackend"]},
        ),
        Envelope(401, "invalid_api_key"),
        Ask(headers=(("Authorization", "Basic YTpzZWNyZXQ="),)),
    ),
    Row(
        "permission/custom",
        project(ok, authentication_classes=BOTH, permission_classes=[Refusing]),
        NO_KEY,
    ),
    Row(
        "permission/custom-anonymous",
        project(ok, permission_classes=[Refusing]),
        Envelope(403, "closed"),
    ),
    Row("permission/raises", project(ok, permission_classes=[Failing]), INTERNAL),
    Row("auth/raises", project(ok, authentication_classes=[Failing]), INTERNAL),
    Row("auth/AttributeError", project(ok, authentication_classes=[Missing]), INTERNAL),
    Row(
        "throttle/wait",
        project(ok, throttle_classes=[Throttling]),
        Envelope(429, "too_many_requests", (("Retry-After", "7"),)),
    ),
    Row(
        "throttle/no-wait",
        project(ok, throttle_classes=[Endless]),
        Envelope(429, "too_many_requests", absent=("Retry-After",)),
    ),
    Row("csrf/anonymous", project(ok, authentication_classes=BOTH), Alone(200), post(b"{}")),
    Row(
        "host/400",
        Project(project(ok).view, ("django.middleware.common.CommonMiddleware",)),
        Envelope(400, "invalid_host"),
        Ask(headers=(("Host", "elsewhere"),)),
    ),
)

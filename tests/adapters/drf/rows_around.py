"""Rows around views: debug mode, error handlers, routing, negotiation, what is returned."""

from __future__ import annotations

import math

from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from rest_framework import exceptions, versioning
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from adapters.django.row import BROWSER, Alone, Ask, Envelope, Row
from adapters.django.row import JSON as ACCEPTS_JSON
from adapters.django.stacks import Project
from adapters.drf.parts import (
    BROWSABLE,
    DEBUG,
    INTERNAL,
    NOT_FOUND,
    Cursors,
    Failing,
    FailingRenderer,
    Pages,
    Things,
    Users,
    bug,
    ok,
    post,
    returned_errors,
)
from adapters.drf.views import project, raising

AROUND = (
    Row(
        "debug/uncaught",
        Project(raising(lambda: ValueError("secret")).view, settings=DEBUG),
        INTERNAL,
        Ask(headers=ACCEPTS_JSON),
    ),
    Row(
        "debug/uncaught-html",
        Project(raising(lambda: ValueError("secret"), **BROWSABLE).view, settings=DEBUG),
        Alone(500, reported=True),
        Ask(headers=BROWSER),
    ),
    Row(
        "debug/typed-html",
        Project(raising(exceptions.NotFound, **BROWSABLE).view, settings=DEBUG),
        NOT_FOUND,
        Ask(headers=BROWSER),
    ),
    Row(
        "handler/rest_framework.server_error",
        Project(
            raising(lambda: ValueError("secret")).view,
            handlers={"handler500": exceptions.server_error},
        ),
        INTERNAL,
    ),
    Row(
        "handler/rest_framework.bad_request",
        Project(
            raising(lambda: SuspiciousOperation("secret")).view,
            handlers={"handler400": exceptions.bad_request},
        ),
        Envelope(400, "bad_request"),
    ),
    Row(
        "routing/append-slash",
        Project(
            project(ok).view,
            ("django.middleware.common.CommonMiddleware",),
            {"PREPEND_WWW": True},
        ),
        Alone(301),
    ),
    Row("routing/viewset", Project(Things.as_view({"get": "list"})), INTERNAL),
    Row(
        "method/405",
        Project(bug),
        Envelope(405, "method_not_allowed"),
        Ask(method="DELETE"),
    ),
    Row(
        "method/405-viewset",
        Project(Things.as_view({"get": "list"})),
        Envelope(405, "method_not_allowed", (("Allow", "GET, HEAD, OPTIONS"),)),
        post(b""),
    ),
    Row("method/HEAD", Project(Things.as_view({"get": "list"})), INTERNAL, Ask(method="HEAD")),
    Row(
        "method/HEAD-mapped",
        Project(project(lambda _: Response({}), head=lambda *_, **__: 1 / 0).view),
        INTERNAL,
        Ask(method="HEAD"),
    ),
    Row(
        "negotiation/406-json-only",
        project(ok, renderer_classes=[JSONRenderer]),
        Envelope(406, "not_acceptable"),
        Ask(headers=(("Accept", "text/html"),)),
    ),
    Row("negotiation/format-404", project(ok), NOT_FOUND, Ask("/x?format=secret")),
    Row(
        "negotiation/browsable",
        raising(exceptions.NotFound, **BROWSABLE),
        NOT_FOUND,
        Ask(headers=BROWSER),
    ),
    Row("negotiation/raises", project(ok, content_negotiation_class=Failing), INTERNAL),
    Row(
        "renderer/raises-on-error",
        raising(exceptions.NotFound, renderer_classes=[FailingRenderer]),
        NOT_FOUND,
    ),
    Row(
        "versioning/url",
        project(
            ok,
            versioning_class=type(
                "V", (versioning.QueryParameterVersioning,), {"allowed_versions": ["1"]}
            ),
        ),
        NOT_FOUND,
        Ask("/x?version=secret"),
    ),
    Row(
        "pagination/page",
        Project(Users.as_view(pagination_class=Pages)),
        NOT_FOUND,
        Ask("/x?page=9"),
    ),
    Row(
        "pagination/cursor",
        Project(Users.as_view(pagination_class=Cursors)),
        NOT_FOUND,
        Ask("/x?cursor=secret"),
    ),
    Row("generic/404", Project(Users.as_view()), NOT_FOUND, Ask("/x/1")),
    Row("generic/bad-pk", Project(Users.as_view()), NOT_FOUND, Ask("/x/secret")),
    Row("returned/none", project(lambda _: None), INTERNAL),
    Row("returned/dict", project(lambda _: {"secret": 1}), INTERNAL),
    Row("returned/nan", project(lambda _: Response(math.nan)), INTERNAL),
    Row("returned/errors", project(returned_errors), Envelope(400, "missing_field"), post(b"{}")),
    Row(
        "returned/detail",
        project(lambda _: Response({"detail": "Taken"}, status=409)),
        Envelope(409, "conflict"),
    ),
    Row(
        "returned/plain",
        project(lambda _: HttpResponse("Taken", status=409)),
        Envelope(409, "conflict"),
    ),
)

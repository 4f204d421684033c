"""Rows of bodies that cannot be read, or are refused."""

from __future__ import annotations

from rest_framework import VERSION

from adapters.django.row import Envelope, Row
from adapters.django.stacks import Project
from adapters.drf.parts import INVALID, post
from adapters.drf.views import validating

# Before 3.18, DRF read the stream of JSON whatever Django's limit.
TOO_LARGE = (
    Row(
        "body/too-large",
        Project(validating().view, settings={"DATA_UPLOAD_MAX_MEMORY_SIZE": 5}),
        Envelope(413, "payload_too_large"),
        post(b'{"name": "secret"}'),
    ),
)[: tuple(map(int, VERSION.split("."))) >= (3, 18)]
MULTIPART = "multipart/form-data; boundary=b"

BODIES = (
    Row("body/json-malformed", validating(), Envelope(400, "invalid_json"), post(b"{secret")),
    Row("body/json-NaN", validating(), Envelope(400, "invalid_json"), post(b'{"age": NaN}')),
    Row(
        "body/json-bad-charset",
        validating(),
        Envelope(400, "missing_field"),
        post(b'{"secret": 1}', "application/json; charset=nonsense"),
    ),
    Row("body/json-not-utf8", validating(), Envelope(400, "invalid_json"), post(b"\xff\xfe")),
    Row("body/json-deep", validating(), Envelope(400, "invalid_json"), post(b"[" * 100_000)),
    Row("body/empty", validating(), Envelope(400, "missing_body"), post(b"")),
    Row("body/null", validating(), INVALID, post(b"null")),
    Row("body/list", validating(), INVALID, post(b"[1]")),
    Row(
        "body/long-content-type",
        validating(),
        Envelope(415, "unsupported_media_type"),
        post(b"{}", f"application/{'x' * 300}"),
    ),
    Row(
        "body/multipart-malformed",
        validating(),
        Envelope(400, "invalid_form"),
        post(b"secret", "multipart/form-data"),
    ),
    Row(
        "body/multipart",
        validating(),
        Envelope(422, "invalid_name"),
        post(
            b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n', MULTIPART
        ),
    ),
    *TOO_LARGE,
    Row(
        "body/too-many-fields",
        Project(validating().view, settings={"DATA_UPLOAD_MAX_NUMBER_FIELDS": 1}),
        Envelope(400, "too_many_fields"),
        post(b"a=1&b=2&secret=3", "application/x-www-form-urlencoded"),
    ),
    Row("validation/fields", validating(), Envelope(422, "invalid_name"), post(b'{"name": "x"}')),
    Row(
        "validation/nested-many",
        validating(),
        Envelope(422, "invalid_n"),
        post(b'{"name": "xy", "age": 1, "children": [{"n": 1}, {"n": "secret"}]}'),
    ),
    Row(
        "validation/list-field",
        validating(),
        Envelope(422, "invalid_tags"),
        post(b'{"name": "xy", "age": 1, "tags": [1, "secret"]}'),
    ),
    Row(
        "validation/lone-surrogate",
        validating(),
        Envelope(422, "invalid_age"),
        post(rb'{"name": "xy", "age": "\ud800"}'),
    ),
)

"""The probes of declared parameters and fields, by the OpenAPI document."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from kaiko_middleware.error_values import invalid_code

from ._judge import Fault, error_of
from ._probe import MARK, Probe, no_server_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._exchange import Answer, Request
    from ._openapi import Document, Field
    from ._probe import Judge, Seen
    from ._probes import Places

__all__ = ["probe_fields"]

MOST = 20  # fields that are spoiled; a large document has thousands


def probe_fields(
    places: Places, document: Document, prefix: str, *, unsafe: bool
) -> Iterator[Probe]:
    """Yield probes that leave out or spoil a field that the document declares, at most 20."""
    for field in islice(document.fields(unsafe=unsafe), MOST):
        where, path = f"{field.method} {field.path}", prefix + field.path
        if field.place == "body":
            empty, bad = _posted(places, path, {}), _posted(places, path, field.spoiled(MARK))
            yield Probe(f"{where} without its fields", "fields", (empty,), _missing(field))
            yield Probe(f"{where} with a bad '{field.name}'", "fields", (bad,), _value(field))
            continue
        name = f"{where} with a bad '{field.name}'"
        target = (
            path.replace(f"{{{field.name}}}", MARK)
            if field.place == "path"
            else f"{path}?{quote(field.name)}={MARK}"
        )
        yield Probe(name, "fields", (places.get(target),), _parameter(field))


def _posted(places: Places, path: str, value: object) -> Request:
    request = places.get(path, ("Content-Type", "application/json"), method="POST")
    return replace(request, body=json.dumps(value).encode())


def _missing(field: Field) -> Judge:
    def judge(
        seen: Seen, requests: tuple[Request, ...], answers: tuple[Answer, ...]
    ) -> Iterator[Fault]:
        for answer in answers:
            if answer.status not in {400, 422}:
                continue
            error = error_of(answer.body)
            code, param = error.get("code"), error.get("param")
            if answer.status == 422 or (isinstance(code, str) and code != "missing_field"):
                said = f"{answer.status} {code if isinstance(code, str) else ''}".strip()
                yield Fault("field.missing", f"it is {said}, not 400 missing_field")
            elif isinstance(code, str) and param not in field.required:
                yield Fault("field.missing", f"param is {param!a}, none of the missing fields")
        yield from no_server_error(seen, requests, answers)

    return judge


def _value(field: Field) -> Judge:
    def judge(
        seen: Seen, requests: tuple[Request, ...], answers: tuple[Answer, ...]
    ) -> Iterator[Fault]:
        for answer in answers:
            code = error_of(answer.body).get("code")
            if answer.status not in {400, 422} or code == "missing_field":
                continue  # another field, or one inside of it
            said = f"{answer.status} {code if isinstance(code, str) else ''}".strip()
            if answer.status == 400 or (isinstance(code, str) and not code.startswith("invalid_")):
                yield Fault("field.value", f"it is {said}, not 422 {invalid_code(field.name)}")
        yield from no_server_error(seen, requests, answers)

    return judge


def _parameter(field: Field) -> Judge:
    wanted = invalid_code(field.name)

    def judge(
        seen: Seen, requests: tuple[Request, ...], answers: tuple[Answer, ...]
    ) -> Iterator[Fault]:
        for answer in answers:
            if answer.status not in {400, 422}:
                continue
            error = error_of(answer.body)
            code, param = error.get("code"), error.get("param")
            if answer.status == 422:
                yield Fault("field.parameter", f"it is 422, not 400 {wanted}")
            elif isinstance(code, str) and (code, param) != (wanted, field.name):
                said = f"it is {code} with param {param!a}"
                yield Fault("field.parameter", f"{said}, not {wanted} with {field.name!a}")
        yield from no_server_error(seen, requests, answers)

    return judge

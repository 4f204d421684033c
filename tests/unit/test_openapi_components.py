"""The components that describe codes without operations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from openapi_spec_validator import validate

from kaiko_middleware import ConflictError, ErrorEnvelope, ExceptionMapping, NotFoundError
from kaiko_middleware.catalog import CodeEntry, known_codes
from kaiko_middleware.openapi import error_components

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_every_code_is_an_example_of_its_status(version: str) -> None:
    """In a valid document; each example is an envelope."""
    components = error_components(known_codes(), id_header="X-Trace", version=version)
    validate(
        {
            "openapi": version,
            "info": {"title": "codes", "version": "1"},
            "paths": {},
            "components": components,
        }
    )
    for entry in known_codes():
        answer = components["responses"][f"Error{entry.status}"]
        shown = answer["content"]["application/json"]["examples"][entry.code]
        assert ErrorEnvelope.parse(json.dumps(shown["value"]))
        assert "X-Trace" in answer["headers"]


def test_a_code_that_no_class_defines_says_its_message() -> None:
    """The process does not know it."""
    entry = CodeEntry(
        "unit_elsewhere",
        404,
        "not_found_error",
        "It is elsewhere",
        "Look",
        retryable=False,
        param="a",
    )
    components = error_components([entry])
    media = components["responses"]["Error404"]["content"]["application/json"]
    shown = media["examples"]["unit_elsewhere"]
    assert shown["summary"] == shown["value"]["error"]["message"] == "It is elsewhere"
    assert shown["value"]["error"]["param"] == "a"


def test_a_class_says_where_it_is_and_whom_it_blames() -> None:
    """In the list of known codes."""

    class Placed(NotFoundError, code="unit_placed", param="place"):
        pass

    (entry,) = (entry for entry in known_codes() if entry.code == "unit_placed")
    assert entry.defined == f"{__name__}:{Placed.__qualname__}"
    assert entry.param == "place"


def test_a_mapping_says_what_was_registered() -> None:
    """The function or the class itself; nobody can change it there."""

    def handler(_exc: KeyError) -> KaikoError:
        return ConflictError()

    mapping = ExceptionMapping()
    mapping.register(KeyError, handler)
    mapping.register(LookupError, NotFoundError)
    assert mapping.handlers == {KeyError: handler, LookupError: NotFoundError}
    with pytest.raises(TypeError):
        cast("Any", mapping.handlers)[KeyError] = handler  # it is read-only

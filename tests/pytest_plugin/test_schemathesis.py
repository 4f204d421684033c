"""The check for schemathesis, on cases that are made by hand."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis

from kaiko_pytest.schemathesis import kaiko_contract
from pytest_plugin.service import app

SCHEMA: Any = schemathesis.openapi.from_asgi("/openapi.json", app)


def ask(how: str, **options: Any) -> None:
    """Send a request and run the check alone."""
    case = SCHEMA["/lamps/{lamp}"]["GET"].Case(path_parameters={"lamp": how})
    case.call_and_validate(checks=[kaiko_contract], **options)


@pytest.mark.parametrize("how", ["fine", "declared", "ghost"])
def test_what_is_right_passes(how: str) -> None:
    """So does a code that this process does not know: the service may be another's."""
    ask(how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("undeclared", "The OpenAPI document does not declare 409 'lamp_is_wet' for GET /lamps/"),
        ("path", "Its message shows a file's path"),
    ],
)
def test_what_is_wrong_fails(how: str, said: str) -> None:
    """With the words of `--kaiko=strict`."""
    with pytest.raises(BaseException, match=r"failure") as caught:
        ask(how)
    assert said in "".join(map(str, getattr(caught.value, "exceptions", [caught.value])))


def test_an_answer_without_an_envelope_fails() -> None:
    """Made by a middleware outside of ours."""
    case = SCHEMA["/lamps/{lamp}"]["GET"].Case(path_parameters={"lamp": "fine"})
    response = case.call()
    response.status_code, response.content = 403, b'{"detail": "no"}'
    context: Any = None
    with pytest.raises(AssertionError, match="it breaks the error contract"):
        kaiko_contract(context, response, case)

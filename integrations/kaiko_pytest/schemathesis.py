"""A check for schemathesis: each error answer keeps the contract.

Name this module as a hook, and the check `kaiko_contract` is one of `--checks all`:

    SCHEMATHESIS_HOOKS=kaiko_pytest.schemathesis schemathesis run https://example.test/openapi.json

In a test, import it and schemathesis runs it with its own checks:

    import kaiko_pytest.schemathesis
    import schemathesis

    schema = schemathesis.openapi.from_asgi("/openapi.json", app)

    @schema.parametrize()
    def test_the_service(case):
        case.call_and_validate()

An answer that breaks a rule, leaks, or has a code of the service's that the operation does not
declare fails, with the words of `--kaiko=strict`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.extras import require

require("kaiko_pytest.schemathesis", "schemathesis", install="schemathesis>=4")

import schemathesis

from ._answers import read_answer
from ._documents import Document
from ._explain import words
from ._judge import judge

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["kaiko_contract"]


@schemathesis.check
def kaiko_contract(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Check an error answer against the contract, and its code against the operation's.

    Codes that this process does not define are not looked up: the service may be another's.

    Arguments:
        ctx: schemathesis's context.
        response: the answer; one below 400 passes.
        case: the request.

    Raises:
        AssertionError: the answer breaks the contract.

    """
    del ctx
    if response.status_code < 400:
        return
    answer = read_answer(response)
    raw: Mapping[str, Any] = case.operation.schema.raw_schema
    operation = Document(raw).find(case.method.upper(), case.path)
    found = [each for each in judge(answer, operation) if each.kind != "catalogue"]
    if found:
        raise AssertionError(words(answer, found))

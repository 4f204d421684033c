"""A check for suites of schemathesis: every answer keeps the contract.

Importing this module registers `kaiko_contract` with schemathesis. Name the module in
`SCHEMATHESIS_HOOKS`, or import it in the tests; the check then runs with the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.extras import require

require("kaiko_check.schemathesis", "schemathesis", install="kaiko-middleware[check]")

import schemathesis

from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, Response

__all__ = ["kaiko_contract"]


@schemathesis.check
def kaiko_contract(ctx: CheckContext, response: Response, case: Case) -> None:
    """Check an answer with `check_answer`, by sections 1 to 6 of the contract.

    Arguments:
        ctx: schemathesis's context; not used.
        response: the answer.
        case: the request.

    Raises:
        AssertionError: the answer breaks a rule; the message names each.

    """
    del ctx
    headers = [(name, value) for name, values in response.headers.items() for value in values]
    asked = [(str(name), str(value)) for name, value in response.request.headers.items()]
    violations = check_answer(
        response.status_code,
        # What a client has decoded had a coding, and another length.
        _of_decoded(headers, response.content),
        response.content,
        method=case.method,
        request_headers=asked,
    )
    if violations:
        raise AssertionError("\n".join(map(str, violations)))


def _of_decoded(headers: list[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
    if not any(name.lower() == "content-encoding" for name, _ in headers):
        return headers
    length = str(len(body))
    return [
        (name, length if name.lower() == "content-length" else value)
        for name, value in headers
        if name.lower() != "content-encoding"
    ]

"""An answer is checked against the contract by whoever has it."""

from __future__ import annotations

from typing import assert_type

from kaiko_middleware.catalog import known_codes
from kaiko_middleware.conformance import Violation, check_answer

violations = check_answer(404, {"content-type": "application/json"}, b"{}")
assert_type(violations, list[Violation])
pairs = [("content-type", "application/json")]
assert_type(check_answer(404, pairs, b"{}", request_headers=pairs), list[Violation])
for entry in known_codes():
    assert_type(entry.code, str)
    assert_type(entry.status, int)
    assert_type(entry.param, str | None)
    assert_type(entry.defined, str)

"""A check takes an answer, and says what is wrong as a list of violations."""

from __future__ import annotations

from kaiko_middleware.conformance import check_answer

check_answer("404", {}, b"{}")  # error
check_answer(404, {})  # error
check_answer(404, {}, None)  # error
problems: list[str] = check_answer(404, {}, b"{}")  # error

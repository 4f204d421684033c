"""Checking an answer against the contract, from outside.

`check_answer` checks an answer's status, headers and body, and whether they agree. It shares only
the catalogue's tables with the code that renders errors, so it finds faults of that code. The demo,
the pytest plugin and the tests of every adapter use it. It also works for a service in another
language, since it needs only what was sent over the wire. Implements sections 1 to 6 of the V2
contract.
"""

from __future__ import annotations

from .answers import check_answer, check_event_stream, check_json_lines
from .envelope import Violation

__all__ = ["Violation", "check_answer", "check_event_stream", "check_json_lines"]

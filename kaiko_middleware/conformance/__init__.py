"""Checking an answer against the contract, from outside and with no trust in who made it.

`check_answer` says everything that an answer gives away by itself: its status, its headers,
its body, and whether these agree. Nothing here uses the code that renders errors, and only
the catalogue's tables are shared, so that a fault there shows here. The demo, the pytest
plugin and the tests of every adapter use it; so can a service in another language, since
all it takes is what came over the wire. Implements sections 1 to 6 of the V2 contract.
"""

from __future__ import annotations

from .answers import check_answer, check_event_stream, check_json_lines
from .envelope import Violation

__all__ = ["Violation", "check_answer", "check_event_stream", "check_json_lines"]

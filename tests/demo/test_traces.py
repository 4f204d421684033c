"""How the demo sees that ids have travelled: by the logs, and what it says where they have not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_cli.compare import Shown, Verdict
from kaiko_cli.traces import read_traces
from kaiko_demo import Behind, Cause, Expected, Request

if TYPE_CHECKING:
    from pathlib import Path

ID = "req-0000000001"
RECORD = f"2026-11-22 10:00:00,000 WARNING kaiko [{ID}] GET / -> 503 x: Down [{ID}]\n"
ASKED = f"2026-11-22 10:00:00,000 INFO kaiko_demo.asked [{ID}] for gpt-4\n"


def verdict(code: str = "service_unavailable", *, attempts: int = 1) -> Verdict:
    """An answer of one stack, that the provider has a part in."""
    behind = Behind("llm", attempts)
    cause = Cause("LLM overloaded", Request("GET", "/"), Expected(503), behind=behind)
    return Verdict(cause, {}, {"one": Shown("503", "server_error", code, "", ID)}, [], {})


def write(logs: Path, *, one: str = RECORD, llm: str = ASKED) -> None:
    (logs / "one.log").write_text(one)
    (logs / "llm.log").write_text(llm)


def test_an_id_that_is_in_both_logs_has_travelled(tmp_path: Path) -> None:
    """One error, and nothing lost."""
    write(tmp_path)
    assert read_traces([verdict()], tmp_path) == (1, [])


def test_an_id_that_the_stack_did_not_log_is_lost(tmp_path: Path) -> None:
    """A line that some library logged under it is no record of the error."""
    write(tmp_path, one=f"2026-11-22 10:00:00,000 INFO httpx2 [{ID}] HTTP Request: POST\n")
    assert read_traces([verdict()], tmp_path).lost == [
        f"LLM overloaded: {ID} is not in the log of one"
    ]


def test_an_id_that_was_not_sent_along_is_lost(tmp_path: Path) -> None:
    """The service behind has been asked, and does not know by whom."""
    write(tmp_path, llm=ASKED.replace(ID, "-"))
    assert read_traces([verdict()], tmp_path).lost == [
        f"LLM overloaded: {ID} is 0 times in the log of llm for one, not 1 times"
    ]


def test_a_call_that_was_not_made_again_is_found_out(tmp_path: Path) -> None:
    """Each attempt is a line in the log of the service behind."""
    write(tmp_path)
    assert len(read_traces([verdict(attempts=3)], tmp_path).lost) == 1
    write(tmp_path, llm=ASKED * 3)
    assert read_traces([verdict(attempts=3)], tmp_path).lost == []


def test_a_success_is_looked_up_behind_alone(tmp_path: Path) -> None:
    """A stack has no reason to log it."""
    write(tmp_path, one="")
    assert read_traces([verdict("")], tmp_path) == (0, [])


def test_a_log_that_is_not_there_holds_no_id(tmp_path: Path) -> None:
    """It is no traceback."""
    assert len(read_traces([verdict()], tmp_path).lost) == 2


def test_a_cause_of_the_service_itself_leaves_no_trace_behind(tmp_path: Path) -> None:
    """So none is looked for."""
    own = Cause("a bug", Request("GET", "/"), Expected(500))
    shown = {"one": Shown("500", "server_error", "internal", "", ID)}
    assert read_traces([Verdict(own, {}, shown, [], {})], tmp_path) == (0, [])

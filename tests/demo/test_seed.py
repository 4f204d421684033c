"""The service that the stacks serve: the same everywhere when time stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kaiko_demo.guards import guards_from_environment
from kaiko_demo.llm import DownLlm
from kaiko_demo.schemas import AnalysisRequest, ChatRequest, Message, NewContext
from kaiko_demo.seed import (
    AT,
    CLOCK,
    DOWN_MODEL,
    LIVE_CONTEXT,
    LLM,
    PACE,
    service_from_environment,
)
from kaiko_middleware import ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOMENT = {AT: "2026-11-22T10:00:00+01:00"}
HELLO = [Message(role="user", content="Hello")]


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and its causes."""
    while error is not None:
        yield error
        error = error.__cause__


def test_services_of_one_moment_give_the_same_answers() -> None:
    """To the byte: that is what lets stacks in three processes be compared."""
    first, second = service_from_environment(MOMENT), service_from_environment(MOMENT)
    one, two = first.create_context(NewContext()), second.create_context(NewContext())
    assert one.model_dump_json() == two.model_dump_json()
    assert one.created_at.isoformat() == "2026-11-22T09:00:00+00:00"


def test_services_that_share_a_clock_give_the_same_answers(tmp_path: Path) -> None:
    """At each moment, and whatever one of them was asked before."""
    file = tmp_path / "clock"
    file.write_text("2026-11-22T10:00:00+01:00")
    first, second = (service_from_environment({CLOCK: str(file)}) for _ in range(2))
    first.create_context(NewContext())
    file.write_text("2026-11-22T10:00:01+01:00")
    one, two = first.create_context(NewContext()), second.create_context(NewContext())
    assert one.model_dump_json() == two.model_dump_json()
    assert one.created_at.isoformat() == "2026-11-22T09:00:01+00:00"
    assert first.create_context(NewContext()).context_id != one.context_id


def test_guards_that_share_a_clock_count_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A used-up limit is whole again after a minute of that clock."""
    found: list[Callable[[], float]] = []
    monkeypatch.setattr("kaiko_demo.guards.demo_guards", lambda *, clock: found.append(clock))
    file = tmp_path / "clock"
    file.write_text("2026-11-22T10:00:00+00:00")
    guards_from_environment({CLOCK: str(file)})
    (clock,) = found
    before = clock()
    file.write_text("2026-11-22T10:01:00+00:00")
    assert clock() == before + 60


def test_the_pace_of_streams_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds; without it there is no pause."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    request = AnalysisRequest(model="emotion-v2", text="Glad. Sad.", stream=True)
    environments: list[dict[str, str]] = [{}, {PACE: "0.5"}]
    for environment in environments:
        list(service_from_environment(environment).stream(request).pieces)
    assert slept == [0.5, 0.5]


def test_contexts_of_the_present_have_names_that_nobody_can_guess() -> None:
    """A context's name is all it takes to read it."""
    service = service_from_environment({})
    names = {service.create_context(NewContext()).context_id for _ in range(10)}
    assert len(names) == 10
    assert all(len(name) == len("ctx_") + 16 for name in names)
    assert service.context(LIVE_CONTEXT).messages == []


def test_a_language_model_that_is_down_is_a_503_that_says_when_to_come_back() -> None:
    """The cause is a connection that was refused, and stays in the chain for the log."""
    with pytest.raises(ServiceUnavailableError) as caught:
        DownLlm().reply("gpt-4", HELLO)
    assert (caught.value.status, caught.value.retry_after) == (503, 5)
    causes = [str(cause) for cause in chain_of(caught.value)]
    assert any("refused" in cause for cause in causes)
    assert "refused" not in caught.value.message


def test_an_archive_that_is_down_is_a_503() -> None:
    """Nobody has told this service where the archive is."""
    service = service_from_environment({})
    with pytest.raises(ServiceUnavailableError):
        service.archived_context(LIVE_CONTEXT)


def test_one_model_is_down_although_the_provider_is_up() -> None:
    """Its own provider is another one, which nobody can reach."""
    service = service_from_environment({LLM: "http://127.0.0.1:1"})
    with pytest.raises(ServiceUnavailableError, match="is not reachable"):
        service.chat(ChatRequest(model=DOWN_MODEL, messages=HELLO))

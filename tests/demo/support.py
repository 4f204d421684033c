"""What the demo's tests hold in their hands: time, and a language model that is up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kaiko_demo.schemas import Message


class HandClock:
    """Says what it was last set to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


class Parrot:
    """A language model that repeats the last message."""

    def reply(self, model: str, messages: Sequence[Message], /) -> str:
        return f"{model}: {messages[-1].content}"

    def stream(self, model: str, messages: Sequence[Message], /) -> Iterator[str]:
        yield ""
        yield from self.reply(model, messages).split(maxsplit=1)

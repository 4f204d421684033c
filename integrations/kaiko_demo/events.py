"""Server-sent events: those of our `stream: true` answers, and those of providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import BaseModel

__all__ = ["EVENT_STREAM", "data_of", "event", "split"]

EVENT_STREAM = "text/event-stream; charset=utf-8"


def event(name: str, data: BaseModel) -> bytes:
    """Return one event. pydantic's JSON has no line breaks, so one `data:` line is enough."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n".encode()


def split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the events of a stream, however it was cut into chunks.

    The text after the last blank line is an incomplete event, and comes last.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n\n")
        for block in whole:
            yield block + b"\n\n"
    yield rest


def data_of(event: bytes) -> str:
    """Return the data of an event; empty if it has none, or is incomplete."""
    if not event.endswith(b"\n\n"):
        return ""
    lines = (
        line.removeprefix("data:") for line in event.decode().split("\n") if line[:5] == "data:"
    )
    return "\n".join(line.removeprefix(" ") for line in lines)

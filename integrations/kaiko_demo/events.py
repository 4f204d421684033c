"""Streams: those of our `stream: true` answers, and the server-sent events of providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import BaseModel

    from kaiko_demo.schemas import StreamForm

__all__ = ["CONTENT_TYPES", "Stream", "data_of", "event", "line", "split"]

CONTENT_TYPES: Mapping[StreamForm, str] = {
    "events": "text/event-stream; charset=utf-8",
    "lines": "application/x-ndjson",
    "text": "text/plain; charset=utf-8",
}


class Stream(NamedTuple):
    """An answer that comes in pieces.

    Arguments:
        content_type: Its content type.
        pieces: Its body.
    """

    content_type: str
    pieces: Iterator[bytes]


def event(name: str, data: BaseModel) -> bytes:
    """Return one event. pydantic's JSON has no line breaks, so one `data:` line is enough."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n".encode()


def line(data: BaseModel) -> bytes:
    """Return one line of JSON."""
    return f"{data.model_dump_json()}\n".encode()


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

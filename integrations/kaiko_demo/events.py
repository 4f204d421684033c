"""Server-sent events, as `stream: true` answers with them: a name and a JSON object each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["EVENT_STREAM", "event"]

EVENT_STREAM = "text/event-stream; charset=utf-8"


def event(name: str, data: BaseModel) -> bytes:
    """One event. JSON of pydantic's has no line breaks, so one `data:` line is enough."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n".encode()

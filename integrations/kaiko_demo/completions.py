"""What a provider of language models sends: the shape of OpenAI's chat completions.

An `Answer` is all of it, down to how the connection ends, so that an answer that goes wrong
is written down like one that goes well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONTENT_END", "Answer", "Ending", "chunk", "completion", "json_answer", "streamed"]

Ending = Literal["length", "close", "short", "reset", "never"]
"""How an answer ends: after its announced length; by closing the connection, where none was
announced; by closing it too soon, where one was; by a reset, with nothing sent; not at all."""

CONTENT_END = "[DONE]"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider sends.

    Arguments:
        status: Its status.
        headers: Its headers, but for those that say how it ends.
        body: Its body.
        ends: How it ends.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    ends: Ending = "length"


def json_answer(status: int, data: object, ends: Ending = "length", /, **headers: str) -> Answer:
    """An answer that is JSON.

    Arguments:
        status: Its status.
        data: What it says.
        ends: How it ends.
        **headers: More of its headers, an underscore for each hyphen.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps(data).encode()
    return Answer(status, {"Content-Type": "application/json", **named}, body, ends)


def streamed(*events: object) -> Answer:
    """An answer that is a stream of events, each JSON but for the text of the last one."""
    texts = (event if isinstance(event, str) else json.dumps(event) for event in events)
    body = "".join(f"data: {text}\n\n" for text in texts)
    return Answer(200, {"Content-Type": "text/event-stream"}, body.encode(), "close")


def completion(model: str, content: str) -> object:
    """What a model says, whole."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**_head(model, "chat.completion"), "choices": [choice]}


def chunk(model: str, content: str | None = None) -> object:
    """A piece of what a model says; None where it has said everything."""
    delta = {} if content is None else {"content": content}
    reason = "stop" if content is None else None
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {**_head(model, "chat.completion.chunk"), "choices": [choice]}


def _head(model: str, kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": model}

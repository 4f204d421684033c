"""What a provider of language models sends, in the form of OpenAI's chat completions.

An `Answer` includes how the connection ends, so good and bad answers are described alike.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONTENT_END", "Answer", "Ending", "chunk", "completion", "json_answer", "streamed"]

Ending = Literal["length", "close", "short", "reset", "never"]
"""How an answer ends: after its `Content-Length`; by closing the connection, without a length; by
closing it too soon, with a length; by a reset, with nothing sent; never."""

CONTENT_END = "[DONE]"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider sends.

    Arguments:
        status: Its status.
        headers: Its headers, except those that say how it ends.
        body: Its body.
        ends: How it ends.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    ends: Ending = "length"


def json_answer(status: int, data: object, ends: Ending = "length", /, **headers: str) -> Answer:
    """Return a JSON answer.

    Arguments:
        status: Its status.
        data: Its content.
        ends: How it ends.
        **headers: More headers, with an underscore for each hyphen.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps(data).encode()
    return Answer(status, {"Content-Type": "application/json", **named}, body, ends)


def streamed(*events: object) -> Answer:
    """Return an answer that is a stream of events, each JSON except the text of the last one."""
    texts = (event if isinstance(event, str) else json.dumps(event) for event in events)
    body = "".join(f"data: {text}\n\n" for text in texts)
    return Answer(200, {"Content-Type": "text/event-stream"}, body.encode(), "close")


def completion(model: str, content: str) -> object:
    """Return a whole completion."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**_head(model, "chat.completion"), "choices": [choice]}


def chunk(model: str, content: str | None = None) -> object:
    """Return a piece of a completion; with None for the content, the last one."""
    delta = {} if content is None else {"content": content}
    reason = "stop" if content is None else None
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {**_head(model, "chat.completion.chunk"), "choices": [choice]}


def _head(model: str, kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": model}

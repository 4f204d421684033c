"""What is special about LLM providers' streams: they need a terminator.

A stream of an LLM's answer ends with a terminator; a stream that just stops was cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.json_values import items, members

from ._members import word
from ._tokens import PRELUDE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_middleware.json_values import Members

_CHUNK_OBJECTS = frozenset({"chat.completion.chunk", "text_completion"})
_CHUNK_TYPES = frozenset(
    {
        "message_start",  # Anthropic
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message-start",  # Cohere
        "content-delta",
        "messageStart",  # Bedrock's Converse
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
    }
)
_TERMINATORS = frozenset(
    {
        "message_stop",  # Anthropic
        "message-end",  # Cohere
        "messageStop",  # Bedrock's Converse
        "response.completed",  # OpenAI's responses
        "response.incomplete",
        "response.cancelled",
    }
)


def is_chunk(name: str, data: object) -> bool:
    """Whether an event is part of an LLM's answer, which must end with a terminator."""
    said = members(data)
    if _is_part(name) or _is_part(word(said.get("type"))):
        return True
    if word(said.get("object")) in _CHUNK_OBJECTS:
        return True
    if isinstance(said.get("done"), bool):  # Ollama
        return "message" in said or "response" in said
    first = next(parts(said), None) or ()
    return "delta" in first or "content" in first


def _is_part(kind: str) -> bool:
    return kind in _CHUNK_TYPES or kind.startswith("response.")


def ends_stream(name: str, data: object) -> bool:
    """Whether an event is an LLM stream's terminator."""
    said = members(data)
    return (
        data == "[DONE]"
        or name in _TERMINATORS
        or word(said.get("type")) in _TERMINATORS
        or said.get("done") is True
        or any(part.get("finish_reason") or part.get("finishReason") for part in parts(said))
    )


def parts(said: Members) -> Iterator[Members]:
    """Yield the alternatives of an answer: `choices`, or Google's `candidates`."""
    for name in ("choices", "candidates"):
        yield from map(members, items(said.get(name)))


def is_prelude(name: str, data: object) -> bool:
    """Whether an event comes before the first content of an answer."""
    return name in PRELUDE_EVENTS or word(members(data).get("type")) in PRELUDE_EVENTS

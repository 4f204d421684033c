"""What is special about LLM providers: streams that need a terminator, and refusals.

A stream of an LLM's answer ends with a terminator; a stream that just stops was cut. If a provider
refuses the caller's content, the caller must know. Such refusals are recognized by exact codes,
or, if a provider has none, by the start of the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.errors import InvalidValueError, PayloadTooLargeError

from ._members import items, members, texts, word
from ._tokens import (
    CONTENT_POLICY_START,
    CONTENT_POLICY_TOKENS,
    CONTEXT_LENGTH_START,
    CONTEXT_LENGTH_TOKENS,
    MEMBERS,
    PRELUDE_EVENTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_middleware.errors import KaikoError

    from ._members import Members

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
    }
)
_TERMINATORS = frozenset(
    {
        "message_stop",  # Anthropic
        "message-end",  # Cohere
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
    first = next(_parts(said), None) or ()
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
        or any(part.get("finish_reason") or part.get("finishReason") for part in _parts(said))
    )


def _parts(said: Members) -> Iterator[Members]:
    """Yield the alternatives of an answer: `choices`, or Google's `candidates`."""
    for name in ("choices", "candidates"):
        yield from map(members, items(said.get(name)))


def is_prelude(data: object) -> bool:
    """Whether an event comes before the first content of an answer."""
    return word(members(data).get("type")) in PRELUDE_EVENTS


def refusal(status: int, data: object) -> KaikoError | None:
    """Return the error if a provider refuses the caller's content, else None.

    Arguments:
        status: the answer's status.
        data: its parsed body.

    """
    found = set(texts(data, MEMBERS))
    said = texts(data, ("message", "error"))
    if (
        status == 413
        or found & CONTEXT_LENGTH_TOKENS
        or any(CONTEXT_LENGTH_START.match(text) for text in said)
    ):
        return PayloadTooLargeError("The input is too long for the model")
    if found & CONTENT_POLICY_TOKENS or any(CONTENT_POLICY_START.match(text) for text in said):
        return InvalidValueError(
            "The content was refused by a content policy", code="content_policy_violation"
        )
    return None

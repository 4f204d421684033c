"""What the service takes and gives, as pydantic models.

The adapters hand a raw body to `parse_body` with one of these, and write an answer with
`model_dump_json`: both frameworks then send the same bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

__all__ = [
    "Analysis",
    "AnalysisRequest",
    "BatchAnalysis",
    "BatchRequest",
    "ChatEnd",
    "ChatPiece",
    "ChatReply",
    "ChatRequest",
    "ContextView",
    "Language",
    "Message",
    "Model",
    "ModelList",
    "NewContext",
    "NewMessages",
    "StreamEnd",
]

Language = Literal["de", "en"]
Text = Annotated[str, Field(min_length=1)]


class _Taken(BaseModel, extra="forbid"):
    """A body: what is not declared is refused, so that a misspelt field is noticed."""


class Message(_Taken):
    """One thing that was said."""

    role: Literal["user", "assistant", "system"]
    content: Text
    external_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class NewContext(_Taken):
    """Body of `POST /v2/contexts`: the messages it starts with, if any."""

    messages: list[Message] = []


class NewMessages(_Taken):
    """Body of `POST /v2/contexts/{context_id}/messages`."""

    messages: Annotated[list[Message], Field(min_length=1)]


class AnalysisRequest(_Taken):
    """Body of `POST /v2/analyses`."""

    model: str
    text: Text
    language: Language = "en"
    stream: bool = False


class BatchRequest(_Taken):
    """Body of `POST /v2/analyses/batch`."""

    model: str
    texts: Annotated[list[Text], Field(min_length=1, max_length=100)]
    language: Language = "en"


class ChatRequest(_Taken):
    """Body of `POST /v2/chat`."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool = False


class ContextView(BaseModel):
    """A context, as its owner sees it."""

    context_id: str
    created_at: datetime
    expires_at: datetime
    messages: list[Message]


class Analysis(BaseModel):
    """What a text sounds like: the strongest emotion, and the share of each."""

    model: str
    emotion: str
    scores: dict[str, float]


class BatchAnalysis(BaseModel):
    """One analysis a text, in the order of the texts."""

    model: str
    results: list[Analysis]


class StreamEnd(BaseModel):
    """The last event of a stream that went well."""

    sentences: int


class ChatPiece(BaseModel):
    """A piece of what the language model says."""

    content: str


class ChatEnd(BaseModel):
    """The last event of a chat that went well."""

    model: str


class ChatReply(BaseModel):
    """What the language model said."""

    model: str
    message: Message


class Model(BaseModel):
    """A model that can be asked for."""

    id: str
    kind: Literal["emotion", "llm"]


class ModelList(BaseModel):
    """Every model that can be asked for."""

    models: list[Model]

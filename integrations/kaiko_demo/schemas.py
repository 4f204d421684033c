"""The bodies of the service's requests and answers, as pydantic models.

The adapters parse a raw body with `parse_body` and one of these models, and write an answer with
`model_dump_json`, so all frameworks send the same bytes.
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
    "StreamForm",
]

Language = Literal["de", "en"]
StreamForm = Literal["events", "lines", "text"]
"""Server-sent events, JSON lines or plain text."""
Text = Annotated[str, Field(min_length=1)]


class _Taken(BaseModel, extra="forbid"):
    """A body that refuses undeclared fields, so a misspelt field is noticed."""


class Message(_Taken):
    """A message of a conversation."""

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
    stream_as: StreamForm = "events"


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
    """A context and its messages."""

    context_id: str
    created_at: datetime
    expires_at: datetime
    messages: list[Message]


class Analysis(BaseModel):
    """The strongest emotion of a text, and the share of each."""

    model: str
    emotion: str
    scores: dict[str, float]


class BatchAnalysis(BaseModel):
    """One analysis for each text, in the order of the texts."""

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
    """A model that the service offers."""

    id: str
    kind: Literal["emotion", "llm"]


class ModelList(BaseModel):
    """Every model that the service offers."""

    models: list[Model]

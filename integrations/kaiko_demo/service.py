"""The V2 service itself, which knows no framework.

An adapter reads a body, passes it to one of these methods and writes the result. All failures are
raised, and the middleware answers them. Who may call, how often and with how much is decided
before: see `guards`.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from kaiko_demo import emotions
from kaiko_demo.errors import InvalidModel, ModelNotFound
from kaiko_demo.events import CONTENT_TYPES, Stream, event, line
from kaiko_demo.schemas import (
    BatchAnalysis,
    ChatEnd,
    ChatPiece,
    ChatReply,
    ContextView,
    Message,
    Model,
    ModelList,
    StreamEnd,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kaiko_demo.archive import Archive
    from kaiko_demo.contexts import Context, ContextStore
    from kaiko_demo.llm import Llm
    from kaiko_demo.schemas import (
        Analysis,
        AnalysisRequest,
        BatchRequest,
        ChatRequest,
        NewContext,
        NewMessages,
    )

__all__ = ["LLM_MODELS", "DemoService"]

# A name that ends in an asterisk is a family: every name with that prefix is served. The provider
# fails on request for the models of the last family.
LLM_MODELS = ("gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "claude-3-*", "xai-grok", "faulty-*")

_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}", re.ASCII)


class DemoService:
    """Contexts, emotion analysis and chat.

    Arguments:
        contexts: The conversations.
        llm: The language models, a dependency.
        archive: The expired contexts: another service.
        pause: Called before each piece of a stream but the first.
    """

    def __init__(
        self,
        *,
        contexts: ContextStore,
        llm: Llm,
        archive: Archive,
        pause: Callable[[], object] = lambda: None,
    ) -> None:
        self._contexts = contexts
        self._llm = llm
        self._archive = archive
        self._pause = pause

    def models(self) -> ModelList:
        """Return every model that the service offers."""
        emotion = Model(id=emotions.EMOTION_MODEL, kind="emotion")
        return ModelList(models=[emotion, *(Model(id=name, kind="llm") for name in LLM_MODELS)])

    def create_context(self, body: NewContext) -> ContextView:
        """Start a conversation.

        Raises:
            DuplicateId: 409 if an `external_id` comes twice.
        """
        context = self._contexts.create()
        return _view(self._contexts.add(context.context_id, body.messages))

    def context(self, context_id: str) -> ContextView:
        """Return a conversation and its messages.

        Raises:
            ContextNotFound: 404 if there is none, or it has expired.
        """
        return _view(self._contexts.get(context_id))

    def add_messages(self, context_id: str, body: NewMessages) -> ContextView:
        """Add messages to a conversation.

        Raises:
            ContextNotFound: 404 if there is none, or it has expired.
            DuplicateId: 409 if an `external_id` is in it already.
        """
        return _view(self._contexts.add(context_id, body.messages))

    def archived_context(self, context_id: str) -> ContextView:
        """Return a conversation from the archive.

        Raises:
            KaikoError: What the archive raised, which is a service like this one.
        """
        return self._archive.context(context_id)

    def analyse(self, body: AnalysisRequest) -> Analysis:
        """Return the emotions in a text.

        Raises:
            InvalidModel: 400 if the model's name is malformed.
            ModelNotFound: 404 if it is not the emotion model's.
        """
        _expect_emotion_model(body.model)
        return emotions.analyse(body.text, body.language)

    def analyse_batch(self, body: BatchRequest) -> BatchAnalysis:
        """Return the emotions in each of several texts.

        Raises:
            InvalidModel: 400 if the model's name is malformed.
            ModelNotFound: 404 if it is not the emotion model's.
        """
        _expect_emotion_model(body.model)
        results = [emotions.analyse(text, body.language) for text in body.texts]
        return BatchAnalysis(model=body.model, results=results)

    def stream(self, body: AnalysisRequest) -> Stream:
        """Return the emotions in each sentence of a text, in pieces.

        The model is checked now and not with the first event, so a wrong one is refused with a
        status.

        Raises:
            InvalidModel: 400 if the model's name is malformed.
            ModelNotFound: 404 if it is not the emotion model's.
        """
        _expect_emotion_model(body.model)
        return Stream(CONTENT_TYPES[body.stream_as], self._paced(_analyses(body)))

    def chat(self, body: ChatRequest) -> ChatReply:
        """Let a language model continue a conversation.

        Raises:
            InvalidModel: 400 if the model's name is malformed.
            ModelNotFound: 404 if no language model has it.
            KaikoError: What the provider's failure means for the caller.
        """
        _expect_language_model(body.model)
        said = self._llm.reply(body.model, body.messages)
        return ChatReply(model=body.model, message=Message(role="assistant", content=said))

    def stream_chat(self, body: ChatRequest) -> Stream:
        """Let a language model continue a conversation, as server-sent events.

        This waits for the first piece, so a model that fails before it is answered with a status.

        Raises:
            InvalidModel: 400 if the model's name is malformed.
            ModelNotFound: 404 if no language model has it.
            KaikoError: What the provider's failure means for the caller.
        """
        _expect_language_model(body.model)
        pieces = (said for said in self._llm.stream(body.model, body.messages) if said)
        first = next(pieces, None)
        events = _chat_events(body.model, pieces if first is None else chain([first], pieces))
        return Stream(CONTENT_TYPES["events"], self._paced(events))

    def _paced(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for number, piece in enumerate(pieces):
            if number:
                self._pause()
            yield piece


def _view(context: Context) -> ContextView:
    return ContextView(
        context_id=context.context_id,
        created_at=context.created_at,
        expires_at=context.expires_at,
        messages=context.messages,
    )


def _analyses(body: AnalysisRequest) -> Iterator[bytes]:
    sentences = emotions.sentences(body.text)
    for sentence in sentences:
        found = emotions.analyse(sentence, body.language)
        if body.stream_as == "events":
            yield event("analysis", found)
        elif body.stream_as == "lines":
            yield line(found)
        else:
            yield f"{found.emotion}: {sentence}\n".encode()
    end = StreamEnd(sentences=len(sentences))
    if body.stream_as == "events":
        yield event("end", end)
    elif body.stream_as == "lines":
        yield line(end)


def _chat_events(model: str, pieces: Iterable[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield event("piece", ChatPiece(content=piece))
    yield event("end", ChatEnd(model=model))


def _expect_well_formed(model: str) -> None:
    if _MODEL_NAME.fullmatch(model) is None:
        raise InvalidModel("A model's name has lower-case letters, digits, dots and hyphens only")


def _expect_emotion_model(model: str) -> None:
    _expect_well_formed(model)
    if model != emotions.EMOTION_MODEL:
        raise ModelNotFound(f"There is no emotion model '{model}'")


def _expect_language_model(model: str) -> None:
    _expect_well_formed(model)
    if not any(_names(name, model) for name in LLM_MODELS):
        raise ModelNotFound(f"There is no language model '{model}'")


def _names(name: str, model: str) -> bool:
    if name.endswith("*"):
        return model.startswith(name[:-1]) and len(model) >= len(name)
    return model == name

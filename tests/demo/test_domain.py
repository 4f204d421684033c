"""The demo's domain, without any framework: what it promises and what it raises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from demo.support import Parrot
from kaiko_demo import demo_service, emotions, events
from kaiko_demo.errors import (
    ContextNotFound,
    DuplicateId,
    InvalidModel,
    ModelNotFound,
)
from kaiko_demo.schemas import (
    AnalysisRequest,
    BatchRequest,
    ChatRequest,
    Message,
    NewContext,
    NewMessages,
)
from kaiko_demo.seed import EXPIRED_CONTEXT, LIVE_CONTEXT
from kaiko_middleware import MissingFieldError, parse_body

if TYPE_CHECKING:
    from demo.support import HandClock
    from kaiko_demo import DemoService
    from kaiko_demo.schemas import StreamForm


def message(external_id: str | None = None) -> Message:
    return Message(role="user", content="Hello", external_id=external_id)


def messages(*external_ids: str | None) -> NewMessages:
    return NewMessages(messages=[message(external_id) for external_id in external_ids])


# --- contexts ------------------------------------------------------------------------


def test_a_context_lives_for_24_hours(service: DemoService, clock: HandClock) -> None:
    """Until the very last moment it is there."""
    made = service.create_context(NewContext())
    clock.pass_by(hours=24, microseconds=-1)
    assert service.context(made.context_id).expires_at == made.expires_at
    clock.pass_by(microseconds=1)
    with pytest.raises(ContextNotFound, match="has expired"):
        service.context(made.context_id)


def test_an_expired_context_takes_no_messages(service: DemoService) -> None:
    """Writing to it is the same 404 as reading it."""
    with pytest.raises(ContextNotFound) as caught:
        service.add_messages(EXPIRED_CONTEXT, messages("msg-1"))
    error = caught.value
    assert (error.status, error.code, error.param) == (404, "context_not_found", "context_id")


def test_a_context_is_forgotten_a_day_after_it_expired(
    service: DemoService, clock: HandClock
) -> None:
    """Memory is bounded by what is in use; the code is the same as before."""
    made = service.create_context(NewContext())
    clock.pass_by(hours=48)
    service.create_context(NewContext())
    with pytest.raises(ContextNotFound, match="does not exist"):
        service.context(made.context_id)


def test_a_repeated_external_id_is_a_409_that_names_the_message(service: DemoService) -> None:
    """A client that repeats a request learns that the first one arrived."""
    service.add_messages(LIVE_CONTEXT, messages("msg-1"))
    with pytest.raises(DuplicateId) as caught:
        service.add_messages(LIVE_CONTEXT, messages("msg-2", "msg-1"))
    assert caught.value.param == "messages[1].external_id"


def test_messages_are_added_all_or_none(service: DemoService) -> None:
    """What was refused can be sent again without the part that was to blame."""
    with pytest.raises(DuplicateId):
        service.add_messages(LIVE_CONTEXT, messages("msg-1", "msg-1"))
    assert service.context(LIVE_CONTEXT).messages == []


def test_messages_without_an_external_id_never_collide(service: DemoService) -> None:
    """An id is the client's to give or to leave out."""
    view = service.add_messages(LIVE_CONTEXT, messages(None, None))
    assert len(view.messages) == 2


def test_the_same_external_id_may_be_in_two_contexts(service: DemoService) -> None:
    """It names a message within its context."""
    service.add_messages(LIVE_CONTEXT, messages("msg-1"))
    made = service.create_context(NewContext(messages=[message("msg-1")]))
    assert made.messages[0].external_id == "msg-1"


# --- models --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "Emotion v2!", "-gpt", "é", "x" * 65, "gpt-4\n"])
def test_a_malformed_model_is_a_400(service: DemoService, name: str) -> None:
    """It cannot be anybody's model, so it is the request that is wrong."""
    with pytest.raises(InvalidModel) as caught:
        service.analyse(AnalysisRequest(model=name, text="Hello"))
    assert (caught.value.status, caught.value.param) == (400, "model")


def test_an_unknown_model_is_a_404(service: DemoService) -> None:
    """It could be a model, and is not here."""
    with pytest.raises(ModelNotFound) as caught:
        service.analyse(AnalysisRequest(model="emotion-v9", text="Hello"))
    assert (caught.value.status, caught.value.param) == (404, "model")


@pytest.mark.parametrize(
    "name", ["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "claude-3-opus", "xai-grok"]
)
def test_the_language_models_can_chat(service: DemoService, name: str) -> None:
    """A family takes every name that begins like it."""
    reply = service.chat(ChatRequest(model=name, messages=[message()]))
    assert (reply.message.role, reply.message.content) == ("assistant", f"{name}: Hello")


@pytest.mark.parametrize("name", ["emotion-v2", "gpt-5", "claude-3-", "claude-3"])
def test_other_models_cannot_chat(service: DemoService, name: str) -> None:
    """The emotion model is one, and no language model."""
    with pytest.raises(ModelNotFound):
        service.chat(ChatRequest(model=name, messages=[message()]))


def test_the_list_of_models_holds_both_kinds(service: DemoService) -> None:
    """One model for emotions, and the language models."""
    listed = service.models().models
    assert [model.id for model in listed if model.kind == "emotion"] == ["emotion-v2"]
    assert "gpt-4" in [model.id for model in listed if model.kind == "llm"]


# --- analyses ------------------------------------------------------------------------


def test_an_analysis_names_the_strongest_emotion(service: DemoService) -> None:
    """The shares of all emotions add up to one."""
    found = service.analyse(AnalysisRequest(model="emotion-v2", text="So happy, so glad, no fear"))
    assert (found.emotion, found.scores["joy"]) == ("joy", 0.3333)
    assert sum(found.scores.values()) == pytest.approx(1, abs=0.001)


def test_a_text_without_emotion_is_neutral(service: DemoService) -> None:
    """Neutral is what is left, and never wins over an emotion."""
    assert service.analyse(AnalysisRequest(model="emotion-v2", text="A chair")).emotion == "neutral"


def test_a_batch_keeps_the_order_of_its_texts(service: DemoService) -> None:
    """The n-th result is the n-th text's."""
    batch = BatchRequest(model="emotion-v2", texts=["I hate it", "I love it"])
    assert [found.emotion for found in service.analyse_batch(batch).results] == ["anger", "joy"]


def test_the_first_bug_is_a_key_error_that_holds_a_password(service: DemoService) -> None:
    """The exhibit: what an exception's text may hold."""
    with pytest.raises(KeyError, match="correct-horse-battery"):
        service.analyse(AnalysisRequest(model="emotion-v2", text="Hallo", language="de"))


def test_the_second_bug_is_a_text_without_words() -> None:
    """The exhibit: what a stream breaks at."""
    with pytest.raises(ZeroDivisionError):
        emotions.analyse("...", "en")


# --- streams -------------------------------------------------------------------------


def test_a_stream_has_an_event_a_sentence_and_one_at_the_end(service: DemoService) -> None:
    """The last event tells a whole stream from one that was cut off."""
    request = AnalysisRequest(model="emotion-v2", text="I am happy. I am sad.", stream=True)
    sent = [event.decode().splitlines() for event in service.stream(request).pieces]
    assert [lines[0] for lines in sent] == ["event: analysis", "event: analysis", "event: end"]
    assert json.loads(sent[2][1].removeprefix("data: ")) == {"sentences": 2}


@pytest.mark.parametrize(
    ("form", "content_type", "sent"),
    [
        ("events", "text/event-stream; charset=utf-8", [b"event: analysis", b"event: end"]),
        ("lines", "application/x-ndjson", [b'{"model":"emotion-v2"', b'{"sentences":1}']),
        ("text", "text/plain; charset=utf-8", [b"joy: Glad."]),
    ],
)
def test_a_stream_has_one_of_three_forms(
    service: DemoService, form: StreamForm, content_type: str, sent: list[bytes]
) -> None:
    """Only the first two have a place for an error at their end."""
    request = AnalysisRequest(model="emotion-v2", text="Glad.", stream=True, stream_as=form)
    stream = service.stream(request)
    assert stream.content_type == content_type
    pieces = list(stream.pieces)
    assert [piece[: len(start)] for piece, start in zip(pieces, sent, strict=True)] == sent


def test_a_stream_pauses_between_its_pieces(clock: HandClock) -> None:
    """So a person can see it arrive; never before the first piece or after the last."""
    told: list[str] = []
    service = demo_service(
        clock=clock, new_id=str, llm=Parrot(), pause=lambda: told.append("pause")
    )
    request = AnalysisRequest(model="emotion-v2", text="Glad. Sad.", stream=True, stream_as="text")
    for piece in service.stream(request).pieces:
        told.append(piece.decode())  # noqa: PERF401 - in the order of the pauses
    assert told == ["joy: Glad.\n", "pause", "sadness: Sad.\n"]


def test_a_stream_is_refused_before_it_starts(service: DemoService) -> None:
    """An unknown model is a 404 with a status, not an event."""
    with pytest.raises(ModelNotFound):
        service.stream(AnalysisRequest(model="emotion-v9", text="Hello", stream=True))


def test_a_stream_that_meets_the_bug_has_sent_what_came_before(service: DemoService) -> None:
    """Two sentences are analysed; the third has no word in it."""
    stream = service.stream(
        AnalysisRequest(model="emotion-v2", text="Glad. Sad. ... Oh.", stream=True)
    ).pieces
    assert len([next(stream), next(stream)]) == 2
    with pytest.raises(ZeroDivisionError):
        next(stream)


def test_a_chat_is_streamed_in_pieces_that_hold_something(service: DemoService) -> None:
    """A model may begin with nothing; and the last event tells a whole stream."""
    request = ChatRequest(model="gpt-4", messages=[message()], stream=True)
    assert list(service.stream_chat(request).pieces) == [
        b'event: piece\ndata: {"content":"gpt-4:"}\n\n',
        b'event: piece\ndata: {"content":"Hello"}\n\n',
        b'event: end\ndata: {"model":"gpt-4"}\n\n',
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_found_however_they_are_cut_into_chunks(size: int) -> None:
    """And what is left of a stream that was cut off comes last."""
    sent = b"data: 1\n\nevent: x\ndata: 2\ndata:3\n\n: hush\n\ndata: 4"
    chunks = [sent[start : start + size] for start in range(0, len(sent), size)]
    found = list(events.split(chunks))
    assert b"".join(found) == sent
    assert [events.data_of(event) for event in found] == ["1", "2\n3", "", ""]


# --- bodies --------------------------------------------------------------------------


def test_a_missing_field_is_named_by_the_schema() -> None:
    """The path is the field's, whatever the model is called."""
    with pytest.raises(MissingFieldError) as caught:
        parse_body(ChatRequest, b'{"model": "gpt-4"}')
    assert caught.value.param == "messages"

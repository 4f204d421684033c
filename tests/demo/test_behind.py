"""What stands behind the demo, each in a process of its own: a provider and an archive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kaiko_cli.processes import BEHIND, STACKS, Service, running, running_demo
from kaiko_cli.wire import Received, send
from kaiko_demo import CAUSES, Request
from kaiko_demo.archive import HttpArchive
from kaiko_demo.errors import ContextNotFound
from kaiko_demo.faults import FAULTS, FLAKY, PROVIDER_KEY, SECRETS
from kaiko_demo.llm import HttpLlm
from kaiko_demo.schemas import Message
from kaiko_demo.seed import (
    ARCHIVE_KEY,
    COLD_CONTEXT,
    DAMAGED_CONTEXT,
    EXPIRED_CONTEXT,
    REVOKED_KEY,
    SEALED_CONTEXT,
    UNKNOWN_KEY,
)
from kaiko_middleware import (
    ForbiddenError,
    KaikoError,
    NotFoundError,
    RateLimitError,
    ServerError,
)
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELLO = [Message(role="user", content="I lost my keys")]
STREAMS = {"faulty-start", "faulty-middle", "faulty-end"}
# Category, status, code, whether to retry.
MEANS: dict[str, tuple[str, int, str, bool]] = {
    "faulty-throttled": ("throttled", 429, "too_many_requests", True),
    "faulty-quota": ("account", 500, "internal", False),
    "faulty-key": ("account", 500, "internal", False),
    "faulty-overloaded": ("unavailable", 503, "service_unavailable", True),
    "faulty-inside": ("unavailable", 503, "service_unavailable", True),
    "faulty-empty": ("broken", 500, "internal", False),
    "faulty-length": ("rejected", 413, "payload_too_large", False),
    "faulty-policy": ("rejected", 422, "content_policy_violation", False),
    "faulty-reset": ("unavailable", 503, "service_unavailable", True),
    "faulty-cut": ("unavailable", 503, "service_unavailable", True),
    "faulty-slow": ("unavailable", 503, "service_unavailable", True),
    "faulty-start": ("unavailable", 503, "service_unavailable", True),
    "faulty-middle": ("unavailable", 503, "service_unavailable", True),
    "faulty-end": ("unavailable", 503, "service_unavailable", True),
}
SECRET_ROW = "robot"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Service]]:
    """Both of them, by name."""
    with running(tuple(BEHIND.values()), tmp_path_factory.mktemp("logs")) as services:
        yield {service.stack.name: service for service in services}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A stack that both of them are behind."""
    with running_demo(STACKS[:1], tmp_path_factory.mktemp("logs")) as demo:
        yield demo.stacks[0]


@pytest.fixture(scope="module")
def llm(behind: dict[str, Service]) -> HttpLlm:
    return HttpLlm(behind["llm"].url)


@pytest.fixture(scope="module")
def archive(behind: dict[str, Service]) -> HttpArchive:
    return HttpArchive(behind["archive"].url, key=ARCHIVE_KEY)


def whole(llm: HttpLlm, model: str) -> str:
    return llm.reply(model, HELLO)


def in_pieces(llm: HttpLlm, model: str) -> str:
    return "".join(llm.stream(model, HELLO))


each_manner = pytest.mark.parametrize("ask", [whole, in_pieces])


# --- the provider --------------------------------------------------------------------


@each_manner
def test_an_ordinary_model_answers(llm: HttpLlm, ask: Callable[[HttpLlm, str], str]) -> None:
    """Whole or in pieces, it says the same."""
    assert ask(llm, "gpt-4").strip() == "You said: I lost my keys"


def test_an_answer_is_streamed_piece_by_piece(llm: HttpLlm) -> None:
    """Of which the first is empty, as with the real ones."""
    assert list(llm.stream("gpt-4", HELLO))[:3] == ["", "You ", "said: "]


def test_every_fault_is_given_a_meaning() -> None:
    """By this file's table, and by the causes of the demo."""
    assert MEANS.keys() | {FLAKY} == FAULTS.keys()


@each_manner
@pytest.mark.parametrize("model", [model for model in MEANS if model not in STREAMS])
def test_a_fault_raises_what_it_means_to_our_caller(
    llm: HttpLlm, model: str, ask: Callable[[HttpLlm, str], str]
) -> None:
    """It is the same whether a stream was asked for or not; and nothing of its words is told."""
    with pytest.raises(KaikoError) as caught:
        ask(llm, model)
    expect_meaning(caught.value, model)


@pytest.mark.parametrize(
    ("model", "before"), [("faulty-start", 0), ("faulty-middle", 1), ("faulty-end", 1)]
)
def test_a_stream_that_fails_raises_where_it_fails(llm: HttpLlm, model: str, before: int) -> None:
    """After the content that came before; and one that just stops has failed, too."""
    pieces: list[str] = []
    with pytest.raises(KaikoError) as caught:
        pieces.extend(piece for piece in llm.stream(model, HELLO) if piece)
    expect_meaning(caught.value, model)
    assert len(pieces) == before


def expect_meaning(error: KaikoError, model: str) -> None:
    assert error.upstream is not None
    said = (error.upstream.category, error.status, error.code, error.retryable)
    assert said == MEANS[model]
    assert [secret for secret in SECRETS if secret in error.message] == []


def test_a_wait_that_the_provider_asks_for_is_told(llm: HttpLlm) -> None:
    """And not waited: it is longer than the demo has patience."""
    with pytest.raises(RateLimitError) as caught:
        llm.reply("faulty-throttled", HELLO)
    assert caught.value.retry_after == 20


@pytest.mark.parametrize("model", ["faulty-reset", "faulty-cut", "faulty-slow"])
def test_no_answer_is_told_in_our_own_words(llm: HttpLlm, model: str) -> None:
    """And the log learns what the connection said."""
    with pytest.raises(ServerError, match="is not reachable at the moment") as caught:
        llm.reply(model, HELLO)
    assert caught.value.retry_after == 5
    assert caught.value.upstream is not None
    assert caught.value.upstream.excerpt


@each_manner
def test_a_failure_that_passes_is_not_noticed(
    llm: HttpLlm, ask: Callable[[HttpLlm, str], str], caplog: pytest.LogCaptureFixture
) -> None:
    """The call is made again; the log has a line for the attempt that failed."""
    caplog.set_level("INFO", "kaiko_demo.calling")
    assert "I lost my keys" in ask(llm, FLAKY)
    (record,) = [each for each in caplog.records if each.name == "kaiko_demo.calling"]
    assert record.getMessage().startswith("attempt 1 at llm failed: 503, again in 0.")


def test_the_provider_wants_a_key(behind: dict[str, Service]) -> None:
    """Like every provider."""
    assert complete(behind, key="sk-wrong").status == 401
    assert complete(behind).status == 200
    assert complete(behind, path="/v2/chat/completions").status == 404


def complete(
    behind: dict[str, Service], *, key: str = PROVIDER_KEY, path: str = "/v1/chat/completions"
) -> Received:
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {key}"}
    return send(behind["llm"].port, Request("POST", path, headers, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("LLM key refused", "(llm said 401: {"),
        ("LLM hangs up", "(llm said nothing: ReadError: "),
        ("LLM stream fails", "(llm said 200: data: {"),
        ("archive: sealed", "(archive said 403: {"),
    ],
)
def test_the_log_says_what_the_answer_does_not(stack: Service, name: str, said: str) -> None:
    """Under the id of the answer, and with the key masked."""
    (cause,) = [cause for cause in CAUSES if cause.name == name]
    (request_id,) = send(stack.port, cause.request).values("X-Request-ID")
    lines = stack.log.read_text().splitlines()
    (record,) = [line for line in lines if f" kaiko [{request_id}] " in line]
    assert said in record
    assert PROVIDER_KEY not in record


# --- the archive ---------------------------------------------------------------------


def test_what_has_expired_is_in_the_archive(archive: HttpArchive) -> None:
    """It is read as it was kept."""
    found = archive.context(EXPIRED_CONTEXT)
    assert (found.context_id, [each.content for each in found.messages]) == (
        EXPIRED_CONTEXT,
        ["Hello"],
    )


def test_the_archives_own_error_is_raised_as_it_was(archive: HttpArchive) -> None:
    """With its class, code, param and message: it was written for our caller's eyes."""
    with pytest.raises(NotFoundError) as caught:
        archive.context("ctx_nowhere")
    error = caught.value
    assert (error.code, error.param, error.message) == (
        "context_not_found",
        "context_id",
        "Context 'ctx_nowhere' is not in the archive",
    )


def test_a_refusal_of_our_key_is_ours(archive: HttpArchive) -> None:
    """Our caller's key is another one, and fine."""
    with pytest.raises(ServerError) as caught:
        archive.context(SEALED_CONTEXT)
    assert (caught.value.status, caught.value.retryable) == (500, False)
    assert caught.value.upstream is not None
    assert caught.value.upstream.status == 403


def test_a_limit_of_the_archive_is_told_with_its_wait(archive: HttpArchive) -> None:
    """Whoever asked is to come back then."""
    with pytest.raises(RateLimitError, match="cold storage") as caught:
        archive.context(COLD_CONTEXT)
    assert caught.value.retry_after == 60


def test_a_bug_of_the_archive_says_nothing(archive: HttpArchive) -> None:
    """Neither in the archive's own answer, nor in ours; it may pass, so it is asked again."""
    with pytest.raises(ServerError) as caught:
        archive.context(DAMAGED_CONTEXT)
    error = caught.value
    assert (error.status, error.code, error.retryable) == (500, "internal", True)
    assert error.upstream is not None
    assert SECRET_ROW not in error.upstream.excerpt


@pytest.mark.parametrize("name", ["..", "../contexts", "ctx_1/messages", "ctx_1?x", "", "ctx_é"])
def test_what_is_no_name_is_not_asked_for(archive: HttpArchive, name: str) -> None:
    """What a caller writes must not choose another path of the archive."""
    with pytest.raises(ContextNotFound, match="is written like"):
        archive.context(name)


@pytest.mark.parametrize(
    ("key", "status"), [(ARCHIVE_KEY, 200), (UNKNOWN_KEY, 401), (REVOKED_KEY, 401), (None, 401)]
)
def test_the_archive_is_a_service_with_the_contract(
    behind: dict[str, Service], key: str | None, status: int
) -> None:
    """Which knows our key and no other, and answers under the id that it was sent."""
    headers = {"X-Request-ID": "req-0123456789", **({} if key is None else {"x-api-key": key})}
    request = Request("GET", f"/v2/contexts/{EXPIRED_CONTEXT}", headers)
    answer = send(behind["archive"].port, request)
    assert answer.status == status
    assert answer.values("X-Request-ID") == ["req-0123456789"]
    assert check_answer(answer.status, answer.headers, answer.body) == []


def test_the_archives_refusal_is_a_403(behind: dict[str, Service]) -> None:
    """It says so to the service that asked, whose operator can do something about it."""
    request = Request("GET", f"/v2/contexts/{SEALED_CONTEXT}", {"x-api-key": ARCHIVE_KEY})
    answer = send(behind["archive"].port, request)
    assert answer.status == ForbiddenError.status
    assert b"may not read sealed contexts" in answer.body

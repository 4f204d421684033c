"""The language models: a dependency that the service does not run itself, and that fails.

`HttpLlm` calls a provider with OpenAI's API. The provider's errors are about our account, so
`trust="llm"` passes only two of them to the caller: the input is too long, or it breaks a
policy.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from kaiko_demo.calling import Nobody, client
from kaiko_demo.completions import CONTENT_END
from kaiko_demo.events import data_of, split
from kaiko_demo.faults import PROVIDER_KEY
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from kaiko_demo.schemas import Message

__all__ = ["DownLlm", "HttpLlm", "Llm", "Llms"]

_UPSTREAM = Upstream("llm", trust="llm")
_PATH = "/v1/chat/completions"


class Llm(Protocol):
    """A service that can continue a conversation."""

    def reply(self, model: str, messages: Sequence[Message], /) -> str:
        """Return what the model says next."""
        ...

    def stream(self, model: str, messages: Sequence[Message], /) -> Iterator[str]:
        """Yield it in pieces, as they arrive."""
        ...


class _Text(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Text = _Text()
    delta: _Text = _Text()


class _Said(BaseModel):
    """A completion, or a piece of one."""

    choices: list[_Choice]

    def text(self) -> str:
        return "".join(
            said.content or "" for choice in self.choices for said in (choice.message, choice.delta)
        )


class HttpLlm:
    """A provider of language models, called over HTTP.

    Arguments:
        url: Its address.
        retry_after: Seconds that a caller should wait if the provider gave no answer.
    """

    def __init__(self, url: str, *, retry_after: int = 5) -> None:
        self._client = client(_UPSTREAM, url, {"Authorization": f"Bearer {PROVIDER_KEY}"})
        self._retry_after = retry_after
        weakref.finalize(self, self._client.close)

    def reply(self, model: str, messages: Sequence[Message], /) -> str:
        """Return what the model says next.

        Raises:
            KaikoError: What the provider's failure means for our own caller.
        """
        with self._reachable():
            answer = self._client.post(_PATH, json=_question(model, messages))
        return _Said.model_validate_json(answer.content).text()

    def stream(self, model: str, messages: Sequence[Message], /) -> Iterator[str]:
        """Yield it in pieces, as they arrive.

        Raises:
            KaikoError: What the provider's failure means for our own caller, before the first
                piece or after it.
        """
        question = {**_question(model, messages), "stream": True}
        with (
            self._reachable(),
            _UPSTREAM.translate(),
            self._client.stream("POST", _PATH, json=question) as answer,
        ):
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                answer.read()
                _UPSTREAM.raise_for_status(answer)
                yield _Said.model_validate_json(answer.content).text()
                return
            watch = _UPSTREAM.watch(answer.headers)
            for event in split(answer.iter_bytes()):
                watch.feed(event)
                data = data_of(event)
                if data and data != CONTENT_END:
                    yield _Said.model_validate_json(data).text()
            watch.close()

    @contextlib.contextmanager
    def _reachable(self) -> Generator[None]:
        """If there was no answer, replace the message and say when to retry."""
        try:
            yield
        except ServiceUnavailableError as error:
            if error.upstream is None or error.upstream.status is not None:
                raise
            told = ServiceUnavailableError(
                "The language model is not reachable at the moment", retry_after=self._retry_after
            )
            told.upstream = error.upstream
            raise told from error


class DownLlm(HttpLlm):
    """A provider that is down: its address refuses every connection."""

    def __init__(self) -> None:
        self._nobody = Nobody()
        super().__init__(self._nobody.url)


class Llms:
    """Several providers as one.

    Arguments:
        provider: Serves most models.
        others: Serve the rest, by the model's name.
    """

    def __init__(self, provider: Llm, others: Mapping[str, Llm]) -> None:
        self._provider = provider
        self._others = others

    def reply(self, model: str, messages: Sequence[Message], /) -> str:
        """Return what the model says next."""
        return self._others.get(model, self._provider).reply(model, messages)

    def stream(self, model: str, messages: Sequence[Message], /) -> Iterator[str]:
        """Yield it in pieces, as they arrive."""
        return self._others.get(model, self._provider).stream(model, messages)


def _question(model: str, messages: Sequence[Message]) -> dict[str, object]:
    said = [message.model_dump(include={"role", "content"}) for message in messages]
    return {"model": model, "messages": said}

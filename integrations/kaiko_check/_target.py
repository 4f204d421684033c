"""What is checked: something that takes a request and answers it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from ._exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._exchange import Limits, Request

__all__ = ["Target", "TargetError", "answer_at_once"]


class TargetError(Exception):
    """The target cannot be checked: the message says why and what to do."""


class Target(Protocol):
    """One service."""

    @property
    def name(self) -> str:
        """What the user called it, without secrets."""
        ...

    @property
    def base(self) -> str:
        """The address in curl lines, without a trailing slash."""
        ...

    @property
    def framework(self) -> str | None:
        """The framework, where it is known without asking; see `recognize`."""
        ...

    @property
    def in_process(self) -> bool:
        """Whether it is an application in this process, and not at an address."""
        ...

    def send(self, request: Request, limits: Limits) -> Answer:
        """Send one request. Raises nothing: what fails is an answer with status 0."""
        ...

    def pipeline(self, requests: Sequence[Request], limits: Limits) -> list[Answer] | None:
        """Send requests on one connection without waiting; None where there is no connection.

        The answers are as many as the peer gave before it closed.
        """
        ...

    def alone(self, request: Request, limits: Limits) -> Answer:
        """Send HEAD on a connection of its own, where there is one.

        All that arrives after the head is the answer's body, though there must be none.
        """
        ...

    def close(self) -> None:
        """Release what it holds; for an application, its lifespan ends."""
        ...


def answer_at_once(
    send: Callable[[Request, Limits], Answer], requests: Sequence[Request], limits: Limits
) -> list[Answer]:
    """Send requests at once, each in a thread, and return their answers in order.

    The threads are daemons, so nothing waits for them after an interrupt.
    """
    answers = [Answer(0, note="no answer in time")] * len(requests)
    start = threading.Barrier(len(requests))

    def work(place: int, request: Request) -> None:
        start.wait()
        answers[place] = send(request, limits)

    threads = [
        threading.Thread(target=work, args=(place, request), daemon=True)
        for place, request in enumerate(requests)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers

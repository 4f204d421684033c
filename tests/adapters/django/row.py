"""A row: one way by which an error answer leaves a Django service, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.django.stacks import Project
from kaiko_middleware.catalog import STATUSES

JSON = (("Accept", "application/json"),)
BROWSER = (("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),)


@dataclass(frozen=True)
class Ask:
    """An HTTP request."""

    path: str = "/x"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Envelope:
    """An envelope."""

    status: int
    code: str
    headers: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The type that goes with the status."""
        return STATUSES[self.status].type


@dataclass(frozen=True)
class Ended:
    """The stream ends with a last event that holds the envelope."""

    code: str


@dataclass(frozen=True)
class Cut:
    """The head went out before it failed: the client sees that the answer is not whole."""

    before: bytes


@dataclass(frozen=True)
class Alone:
    """Left alone on purpose: what goes out is what went out before, and the id."""

    status: int
    reported: bool = False
    """Whether it is a debug page, which is reported all the same."""


@dataclass(frozen=True)
class Gone:
    """Nobody waits for an answer: an envelope in case, and nothing is logged as an error."""


@dataclass(frozen=True)
class Raised:
    """Propagates at once, unanswered: it is no error but the end of a task or a generator."""


Becomes = Envelope | Ended | Cut | Alone | Gone | Raised


@dataclass(frozen=True)
class Row:
    """One way, how it is gone, and what must become of it."""

    name: str
    project: Project
    becomes: Becomes
    ask: Ask = Ask()
    wrapper_only: bool = field(default=False, kw_only=True)
    """Out of any middleware's reach: without the wrapper, the server answers."""
    asgi: Becomes | None = field(default=None, kw_only=True)
    """What becomes of it on ASGI, where that is something else."""
    on: str = field(default="both", kw_only=True)
    """`wsgi` or `asgi` where the other has no such way."""


def view(function: Any, *middleware: str, **settings: Any) -> Project:
    """Return a project of one view."""
    return Project(function, middleware, settings)


def raises(make: Any) -> Any:
    """Return a view that raises what `make` makes."""

    def endpoint(_request: object, **_kwargs: object) -> object:
        raise make()

    return endpoint


def araises(make: Any) -> Any:
    """Return an asynchronous view that raises what `make` makes."""

    async def endpoint(_request: object, **_kwargs: object) -> object:
        raise make()

    return endpoint


def returns(make: Any) -> Any:
    """Return a view that returns what `make` makes."""

    def endpoint(_request: object, **_kwargs: object) -> object:
        return make()

    return endpoint

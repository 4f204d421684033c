"""Looking at what stands inside, for a warning: whatever it is, it is served."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from adapters.asgi.apps import answers, kaiko
from adapters.asgi.server import ask

if TYPE_CHECKING:
    from kaiko_asgi import Receive, Scope, Send

# What it is known by, wherever it comes from.
_BASE = type(
    "BaseHTTPMiddleware",
    (),
    {"__module__": "starlette.middleware.base", "__qualname__": "BaseHTTPMiddleware"},
)


class Serves:
    """An application that is an object."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await answers()(scope, receive, send)


class Itself(Serves):
    """What it wraps is itself."""

    @property
    def app(self) -> Itself:
        """Itself."""
        return self


class Endless(Serves):
    """What it wraps is another one, without end."""

    @property
    def app(self) -> Endless:
        """Return another one."""
        return Endless()


class Raises(Serves):
    """It says nothing of itself."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(name)


class Odd(Serves):
    """It uses the same names for other things."""

    app: Any = None
    routes: Any = 7
    user_middleware: Any = ("a", None, Serves)


@pytest.mark.parametrize("kind", [Itself, Endless, Raises, Odd])
def test_it_is_served(kind: type[Serves], caplog: pytest.LogCaptureFixture) -> None:
    """A cycle, no end, a failure, other things: no reason to wait, to fail or to warn."""
    assert ask(kaiko(kind())).status == 200
    assert caplog.records == []


def test_a_broken_log_does_not_fail_the_request() -> None:
    """A filter that raises is not the client's concern."""

    def broken(_record: logging.LogRecord) -> bool:
        raise RuntimeError

    class Swallows(_BASE, Serves):  # type: ignore[misc, valid-type]  # made above
        app = answers()

    log = logging.getLogger("kaiko")
    log.addFilter(broken)
    try:
        assert ask(kaiko(Swallows())).status == 200
    finally:
        log.removeFilter(broken)


def test_it_is_looked_at_once() -> None:
    """Not with each request."""
    looks: list[str] = []

    class Looked(Serves):
        def __getattr__(self, name: str) -> object:
            looks.append(name)
            raise AttributeError(name)

    app = kaiko(Looked())
    ask(app)
    assert looks
    found = len(looks)
    ask(app)
    assert len(looks) == found

"""CORS headers on the answer to an exception: whatever the middleware wraps, it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from adapters.asgi.apps import answers, error_of, fail, kaiko, records_of, streams
from adapters.asgi.server import ask

if TYPE_CHECKING:
    from kaiko_asgi import Message, Receive, Scope, Send

_ORIGIN = ("Origin", "https://a.example")


class Serves:
    """An application that is an object."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or fail."""
        if scope["path"] == "/bug":
            raise ValueError("secret")
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
def test_whatever_is_inside_is_served(kind: type[Serves], caplog: pytest.LogCaptureFixture) -> None:
    """A cycle, no end, a failure, other things: no reason to wait or to fail."""
    app = kaiko(kind())
    assert ask(app, headers=[_ORIGIN]).status == 200
    assert caplog.records == []
    answer = ask(app, "/bug", headers=[_ORIGIN])
    assert error_of(answer)["code"] == "internal"
    assert answer.all("access-control-allow-origin") == []
    assert len(records_of(caplog)) == 1


def test_a_success_looks_at_nothing_inside() -> None:
    """The CORS middleware is only looked for when there is an exception to answer."""
    looks: list[str] = []

    class Looked(Serves):
        def __getattr__(self, name: str) -> object:
            looks.append(name)
            raise AttributeError(name)

    app = kaiko(Looked())
    ask(app, headers=[_ORIGIN])
    ask(app, "/bug")
    assert looks == []
    ask(app, "/bug", headers=[_ORIGIN])
    assert looks


def test_the_headers_of_a_head_that_is_held_stay() -> None:
    """The middleware inside has put them on already, and once is enough."""
    app = kaiko(streams(fail, kind=b"text/csv"))
    wrapped = app.app

    async def allowing(scope: Scope, receive: Receive, send: Send) -> None:
        async def forward(message: Message) -> None:
            if "headers" in message:
                message["headers"].append((b"access-control-allow-origin", b"*"))
            await send(message)

        await wrapped(scope, receive, forward)

    app.app = allowing
    answer = ask(app, headers=[_ORIGIN])
    assert error_of(answer)["code"] == "internal"
    assert answer.one("access-control-allow-origin") == "*"
    assert "X-Request-ID" in answer.one("access-control-expose-headers")

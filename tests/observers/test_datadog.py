"""What Datadog's middleware sees of an exception: as much as without us.

It ends its span with the last body, unless there is an error on the span. So a stream that we end
in place of an exception would be a success. `ddtrace` itself has no wheels for each Python, and
patches each framework that is imported; this is how its middleware was seen to work, in 4.16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import kaiko_starlette
from adapters.asgi.server import ask
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send


class Span:
    """A span, which takes nothing any more when it has ended."""

    def __init__(self) -> None:
        self.error = 0
        self.seen: BaseException | None = None
        self.ended = False

    def set_exc_info(self, _cls: object, exc: BaseException, _traceback: object) -> None:
        """Take an exception."""
        if not self.ended:
            self.error, self.seen = 1, exc

    def finish(self) -> None:
        """End."""
        self.ended = True


class Traced:
    """Datadog's middleware around all of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.span = Span()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Trace one request."""
        span = self.span
        scope["datadog"] = {"request_spans": [span]}

        async def sending(message: Message) -> None:
            if message.get("status", 0) >= 500:
                span.error = 1
            await send(message)
            if message["type"].endswith("body") and not message.get("more_body") and not span.error:
                span.finish()

        try:
            await self.app(scope, receive, sending)
        except Exception as exc:
            span.set_exc_info(type(exc), exc, exc.__traceback__)
            raise
        finally:
            span.finish()


def make(exc: Exception) -> Starlette:
    """Return an application whose stream fails."""

    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise exc

    def endpoint(_request: Request) -> Response:
        return StreamingResponse(events(), media_type="text/event-stream")

    def plain(_request: Request) -> Response:
        raise exc

    return Starlette(routes=[Route("/events", endpoint), Route("/plain", plain)])


def installed(app: Starlette, config: Config) -> ASGIApp:
    """Install on the application."""
    kaiko_starlette.install(app, config)
    return app


def wrapped(app: Starlette, config: Config) -> ASGIApp:
    """Wrap it in the middleware alone."""
    return KaikoMiddleware(app, config)


@pytest.mark.parametrize("adopt", [installed, wrapped])
@pytest.mark.parametrize("path", ["/events", "/plain"])
@pytest.mark.parametrize("reraise", [True, False])
def test_a_bug_is_on_the_span(
    adopt: Callable[[Starlette, Config], ASGIApp], path: str, *, reraise: bool
) -> None:
    """Though the client got a whole answer before the exception left, or it is kept."""
    bug = ValueError("secret")
    traced = Traced(adopt(make(bug), Config(reraise=reraise)))
    answer = ask(traced, path)
    assert b"internal" in answer.body
    assert traced.span.error == 1
    # The middleware alone sees Starlette's answer to what a view raises, which says that much.
    assert traced.span.seen is bug or (adopt is wrapped and path == "/plain" and not reraise)


@pytest.mark.parametrize("adopt", [installed, wrapped])
@pytest.mark.parametrize("path", ["/events", "/plain"])
def test_a_typed_error_is_not(adopt: Callable[[Starlette, Config], ASGIApp], path: str) -> None:
    """It is no bug."""
    traced = Traced(adopt(make(NotFoundError()), Config()))
    assert b"not_found" in ask(traced, path).body
    assert traced.span.seen is None


def test_a_span_of_another_release_does_no_harm() -> None:
    """None of it is public."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["datadog"] = None
        await wrapped(make(ValueError()), Config())(scope, receive, send)

    assert b"internal" in ask(app, "/events").body

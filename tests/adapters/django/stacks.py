"""The four ways to serve a Django project under the contract, which must answer alike."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adapters.asgi.server import Answer, ask
from adapters.wsgi.server import ask_wsgi
from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from django.urls import path

from kaiko_django import get_asgi_application, get_wsgi_application

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.urls import URLPattern

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

OURS = "kaiko_django.KaikoMiddleware"


class Urls:
    """A URLconf without a module: routes, and handlers of errors."""

    def __init__(self, urlpatterns: Sequence[URLPattern], **handlers: object) -> None:
        self.urlpatterns = list(urlpatterns)
        self.__dict__.update(handlers)


@dataclass(frozen=True)
class Project:
    """A project of one view, at `/x`, in the settings that it needs."""

    view: Callable[..., object] | None = None
    middleware: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    handlers: dict[str, Any] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    """Middleware that stands before ours."""

    def all_settings(self, *, ours: bool = True) -> dict[str, Any]:
        """Return what is overridden for this project."""
        # A stub asks for views that return responses; here some return what is none.
        view: Any = self.view
        routes = [path("x", view), path("x/<path:rest>", view)] if view is not None else []
        listed = [*self.first, *((OURS,) if ours else ()), *self.middleware]
        return {
            "MIDDLEWARE": listed,
            "ROOT_URLCONF": Urls(routes, **self.handlers),
            **self.settings,
        }


@dataclass(frozen=True)
class Stack:
    """One way to serve it."""

    name: str
    make: Callable[[], Any]
    asgi: bool
    wrapped: bool

    def ask(
        self, project: Project, where: str = "/x", *, ours: bool = True, **request: Any
    ) -> Answer:
        """Serve one request of the project."""
        with override_settings(**project.all_settings(ours=ours)):
            return self.ask_app(self.make(), where, **request)

    def ask_app(self, app: Any, where: str = "/x", *, body: bytes = b"", **request: Any) -> Answer:
        """Serve one request of an application that this stack made."""
        if not self.asgi:
            return ask_wsgi(app, where, body=body, **request)
        headers = list(request.pop("headers", ()))
        if body and not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(body))))
        try:
            return ask(lowering(app), where, body=(body,), headers=headers, **request)
        except BaseException as exc:  # noqa: BLE001 - what is no Exception ends the event loop
            raised = exc.with_traceback(None)
        # asyncio logs the task that ended so, and that nobody asked, once it is collected. On
        # Python 3.11 the compiler fails where that happens within it, since a traceback that is
        # printed is compiled, too: so it has none, and is collected here.
        gc.collect()
        return Answer(raised=raised)


def lowering(app: ASGIApp) -> ASGIApp:
    """Send header names in lower case, as servers do with the names that Django sends."""

    async def lowered(scope: Scope, receive: Receive, send: Send) -> None:
        async def forward(message: Message) -> None:
            headers = [(name.lower(), value) for name, value in message.get("headers", ())]
            await send({**message, "headers": headers} if headers else message)

        await app(scope, receive, forward)

    return lowered


STACKS = (
    Stack("wsgi", WSGIHandler, asgi=False, wrapped=False),
    Stack("wsgi-wrapped", get_wsgi_application, asgi=False, wrapped=True),
    Stack("asgi", ASGIHandler, asgi=True, wrapped=False),
    Stack("asgi-wrapped", get_asgi_application, asgi=True, wrapped=True),
)
"""Django's own handlers, and our application wrappers around them."""

BARE = {False: WSGIHandler, True: ASGIHandler}

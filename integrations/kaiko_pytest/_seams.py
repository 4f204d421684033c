"""Where test clients call an application: these calls are watched while a session runs.

Each client is patched when its module is there: at once where it is loaded, otherwise when a test
imports it. None is imported here. The patches go when the session ends.
"""

from __future__ import annotations

import sys
from copy import copy
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ._answers import read_answer
from ._calls import INSIDE, watched_asgi, watched_wsgi
from ._django import observe_django, observe_ninja

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from ._watch import Watch

    Method = Callable[..., Any]
    Wrap = Callable[["Seams", Method], Method]

__all__ = ["Seams"]


class Seams:
    """The patches of a session.

    Arguments:
        watch: takes the answers.
        urls: the service's, where it is called over a network; an answer from any other is an
            upstream's.

    """

    def __init__(self, watch: Watch, urls: Sequence[str] = ()) -> None:
        self.watch = watch
        self.urls = tuple(urls)
        self.missing: list[str] = []
        """What a client's module should have and has not: its answers are not seen."""
        self.names = frozenset(_IN_PROCESS if not urls else _IN_PROCESS | _BY_URL)
        """The clients' modules."""
        self._undo: list[tuple[type, str, Method]] = []
        self._finder = _Finder(self)

    def open(self) -> None:
        """Patch what is loaded, and what will be."""
        for name in self.names:
            if name in sys.modules:
                self.patch(sys.modules[name])
        sys.meta_path.insert(0, self._finder)

    def close(self) -> None:
        """Take all patches back."""
        sys.meta_path.remove(self._finder)
        for cls, name, method in reversed(self._undo):
            setattr(cls, name, method)
        self._undo.clear()

    def patch(self, module: ModuleType) -> None:
        """Patch a client's module."""
        for cls_name, name, wrap in (_IN_PROCESS | _BY_URL)[module.__name__]:
            cls = getattr(module, cls_name, None)
            method: Method | None = vars(cls).get(name) if isinstance(cls, type) else None
            if method is None or not isinstance(cls, type):
                self.missing.append(f"{module.__name__}.{cls_name}.{name}")
                continue
            self._undo.append((cls, name, method))
            setattr(cls, name, wraps(method)(wrap(self, method)))


class _Finder(MetaPathFinder):
    """Has a client's module patched once it is imported."""

    def __init__(self, seams: Seams) -> None:
        self._seams = seams
        self._finding: set[str] = set()

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Find a client's module as the other finders do; nothing for any other."""
        del path, target
        if fullname not in self._seams.names or fullname in self._finding:
            return None
        self._finding.add(fullname)
        try:
            spec = find_spec(fullname)
        finally:
            self._finding.discard(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(self._seams, spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, seams: Seams, loader: Loader) -> None:
        self._seams = seams
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._seams.patch(module)

    def __getattr__(self, name: str) -> Any:  # a loader of files has more
        return getattr(self._loader, name)


def _by_asgi_app(seams: Seams, method: Method) -> Method:
    """Watch a transport that calls `self.app` with a scope."""

    def handle(self: Any, request: Any) -> Any:
        # A copy: the transport's own attributes are the test's.
        transport = copy(self)
        transport.app = watched_asgi(self.app, seams.watch)
        return method(transport, request)

    return handle


def _by_wsgi_app(seams: Seams, method: Method) -> Method:
    """Watch a transport that calls `self.app` with an environ."""

    def handle(self: Any, request: Any) -> Any:
        transport = copy(self)
        transport.app = watched_wsgi(self.app, seams.watch)
        return method(transport, request)

    return handle


class _Client:
    """A client with another application."""

    def __init__(self, client: Any, app: Any) -> None:
        self._client = client
        self.app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _by_clients_app(seams: Seams, method: Method) -> Method:
    """Watch Litestar's transport, which calls `self.client.app`."""

    def handle(self: Any, request: Any) -> Any:
        transport = copy(self)
        transport.client = _Client(self.client, watched_asgi(self.client.app, seams.watch))
        return method(transport, request)

    return handle


def _by_application(seams: Seams, method: Method) -> Method:
    """Watch werkzeug's client, and so Flask's, which calls `self.application`."""

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        client = copy(self)
        client.application = watched_wsgi(self.application, seams.watch)
        body, status, headers = method(client, *args, **kwargs)
        if status[:1] in "45":  # it is read when the test reads it, which may be never
            chunks = list(body)
            getattr(body, "close", list)()
            body = chunks
        return body, status, headers

    return run


def _by_handler(seams: Seams, method: Method) -> Method:
    """Watch Django's handler for tests."""

    def call(self: Any, environ: Any) -> Any:
        if INSIDE.get():
            return method(self, environ)
        token = INSIDE.set(True)
        try:
            response = method(self, environ)
        finally:
            INSIDE.reset(token)
        observe_django(seams.watch, response)
        return response

    return call


def _by_async_handler(seams: Seams, method: Method) -> Method:
    """Watch Django's asynchronous handler for tests."""

    async def call(self: Any, scope: Any) -> Any:
        if INSIDE.get():
            return await method(self, scope)
        token = INSIDE.set(True)
        try:
            response = await method(self, scope)
        finally:
            INSIDE.reset(token)
        observe_django(seams.watch, response)
        return response

    return call


def _by_ninja(seams: Seams, method: Method) -> Method:
    """Watch django-ninja's client, which calls a view."""

    def call(self: Any, func: Any, request: Any, kwargs: Any) -> Any:
        response = method(self, func, request, kwargs)
        observe_ninja(seams.watch, self.router_or_app, request, response)
        return response

    return call


def _by_async_ninja(seams: Seams, method: Method) -> Method:
    """Watch django-ninja's asynchronous client."""

    async def call(self: Any, func: Any, request: Any, kwargs: Any) -> Any:
        response = await method(self, func, request, kwargs)
        observe_ninja(seams.watch, self.router_or_app, request, response)
        return response

    return call


def _by_url(seams: Seams, method: Method) -> Method:
    """Watch a client over a network, if it calls the service."""

    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = method(self, request, *args, **kwargs)
        _observe_response(seams, request, response, kwargs)
        return response

    return send


def _by_async_url(seams: Seams, method: Method) -> Method:
    """Watch an asynchronous client over a network, if it calls the service."""

    async def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = await method(self, request, *args, **kwargs)
        _observe_response(seams, request, response, kwargs)
        return response

    return send


def _observe_response(seams: Seams, request: Any, response: Any, options: Any) -> None:
    if str(request.url).startswith(seams.urls) and not options.get("stream") and not INSIDE.get():
        seams.watch.observe(read_answer(response))


_IN_PROCESS: dict[str, tuple[tuple[str, str, Wrap], ...]] = {
    "starlette.testclient": (("_TestClientTransport", "handle_request", _by_asgi_app),),
    "litestar.testing.transport": (("TestClientTransport", "handle_request", _by_clients_app),),
    "httpx._transports.asgi": (("ASGITransport", "handle_async_request", _by_asgi_app),),
    "httpx2._transports.asgi": (("ASGITransport", "handle_async_request", _by_asgi_app),),
    "httpx._transports.wsgi": (("WSGITransport", "handle_request", _by_wsgi_app),),
    "httpx2._transports.wsgi": (("WSGITransport", "handle_request", _by_wsgi_app),),
    "werkzeug.test": (("Client", "run_wsgi_app", _by_application),),
    "django.test.client": (
        ("ClientHandler", "__call__", _by_handler),
        ("AsyncClientHandler", "__call__", _by_async_handler),
    ),
    "ninja.testing.client": (
        ("TestClient", "_call", _by_ninja),
        ("TestAsyncClient", "_call", _by_async_ninja),
    ),
}
_BY_URL: dict[str, tuple[tuple[str, str, Wrap], ...]] = {
    "httpx._client": (("Client", "send", _by_url), ("AsyncClient", "send", _by_async_url)),
    "httpx2._client": (("Client", "send", _by_url), ("AsyncClient", "send", _by_async_url)),
    "requests.sessions": (("Session", "send", _by_url),),
}

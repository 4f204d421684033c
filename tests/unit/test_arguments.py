"""What cannot be an application is refused in words that help; what works is accepted."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_middleware import Config, ExceptionMapping
from kaiko_middleware.arguments import (
    require_asgi_app,
    require_wsgi_app,
    takes,
    wrong_argument,
)
from kaiko_middleware.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application."""


def wsgi(environ: Any, start_response: Any) -> None:
    """A WSGI application."""


async def asynchronous(environ: Any, start_response: Any) -> None:
    """A WSGI application, as its author thinks."""


def create_app() -> None:
    """A factory."""


def get_response(request: Any) -> None:
    """What Django gives a middleware."""


class Endpoint:
    """Awaited when it is made, as an endpoint of Starlette's."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Iterator[None]:
        yield


class Iterated:
    """Iterated when it is made, as PEP 3333 shows."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...

    def __iter__(self) -> Iterator[bytes]:
        yield b""


class Indexed:
    """Iterated by its indices."""

    def __getitem__(self, index: int) -> bytes:
        raise IndexError


class Made:
    """Its call makes something else."""

    def __new__(cls, *_args: Any) -> Any:
        return asgi(None, None, None)


class Meta(type):
    """Its classes are called in their own way."""

    def __call__(cls, *args: Any) -> Any:
        return args


class Called(metaclass=Meta):
    """One of these classes."""


class Plain:
    """A class that is no application."""


class Static:
    """Called by a static method."""

    @staticmethod
    def __call__(scope: Any, receive: Any, send: Any) -> None: ...


class Open:
    """Called with whatever there is."""

    def __call__(self, *args: Any) -> None: ...


class Methods:
    """Its methods are applications."""

    def asgi(self, scope: Any, receive: Any, send: Any, more: Any = None) -> None: ...

    def wsgi(self, environ: Any, start_response: Any) -> None: ...


class AsgiObject:
    """Called as an ASGI application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class WsgiObject:
    """Called as a WSGI application."""

    def __call__(self, environ: Any, start_response: Any) -> None: ...


def numbered(apps: list[object]) -> list[Any]:
    """Give each a name of its own."""
    return [pytest.param(app, id=str(number)) for number, app in enumerate(apps)]


ASGI: list[object] = [
    asgi,
    lambda _scope, *_functions: None,
    partial(asgi),
    AsgiObject(),
    Methods().asgi,
    Static(),
    Open(),
    Endpoint,
    Made,
    Called,
]


@pytest.mark.parametrize("app", numbered(ASGI))
def test_an_asgi_application_is_accepted(app: object) -> None:
    """Whatever can be called with three arguments and may return what is awaited."""
    require_asgi_app("kaiko_asgi.KaikoMiddleware", app)


WSGI: list[object] = [
    wsgi, partial(wsgi), WsgiObject(), Methods().wsgi, Open(), Iterated, Indexed, Called,
]  # fmt: skip


@pytest.mark.parametrize("app", numbered(WSGI))
def test_a_wsgi_application_is_accepted(app: object) -> None:
    """Whatever can be called with two arguments and may return what is iterated."""
    require_wsgi_app("kaiko_wsgi.KaikoMiddleware", app)


IN_DJANGO = "in Django's MIDDLEWARE, write kaiko_django.KaikoMiddleware"
MAKE = "make an instance of it first"
FOR_WSGI = "for a WSGI application, use kaiko_wsgi.KaikoMiddleware"
FOR_ASGI = "for an ASGI application, use kaiko_asgi.KaikoMiddleware"

NO_APPLICATIONS: list[tuple[object, str]] = [
    (None, "None"),
    ("main:app", "the string 'main:app'"),
    (math, "the module math: name the object in it"),
    ({}, "dict"),
    (Config(), "kaiko_middleware.Config"),
    (create_app, "the function create_app: call it, and pass what it returns"),
    (get_response, f"the function get_response: {IN_DJANGO}"),
    (Plain, f"the class Plain: {MAKE}"),
]


@pytest.mark.parametrize(
    ("app", "said"),
    [
        *NO_APPLICATIONS,
        (wsgi, f"the function wsgi: {FOR_WSGI}"),
        (Methods().wsgi, f"the function wsgi: {FOR_WSGI}"),
        (asynchronous, "the function asynchronous"),
        (Iterated, f"the class Iterated: {MAKE}"),
    ],
    ids=range(12),
)
def test_what_is_no_asgi_application_is_refused(app: object, said: str) -> None:
    """The message says what is due, what was given, and what to do."""
    with pytest.raises(TypeError) as refused:
        require_asgi_app("kaiko_asgi.KaikoMiddleware", app)
    due = "takes an ASGI application, called with (scope, receive, send)"
    assert str(refused.value) == f"kaiko_asgi.KaikoMiddleware {due}, not {said}"


@pytest.mark.parametrize(
    ("app", "said"),
    [
        *NO_APPLICATIONS,
        (asgi, f"the function asgi: {FOR_ASGI}"),
        (asynchronous, "the function asynchronous: write def, not async def"),
        (Endpoint, f"the class Endpoint: {MAKE}"),
    ],
    ids=range(11),
)
def test_what_is_no_wsgi_application_is_refused(app: object, said: str) -> None:
    """The message says what is due, what was given, and what to do."""
    with pytest.raises(TypeError) as refused:
        require_wsgi_app("kaiko_wsgi.KaikoMiddleware", app)
    due = "takes a WSGI application, called with (environ, start_response)"
    assert str(refused.value) == f"kaiko_wsgi.KaikoMiddleware {due}, not {said}"


@pytest.mark.parametrize(
    ("function", "counts"),
    [
        (lambda: 0, {0}),
        (lambda _a, _b=0: 0, {1, 2}),
        (lambda _a, *_rest: 0, {1, 2, 3, 4}),
        (lambda **_named: 0, {0}),
        (print, {0, 1, 2, 3, 4}),
        (5, {0, 1, 2, 3, 4}),
    ],
    ids=range(6),
)
def test_a_function_says_how_many_arguments_it_takes(
    function: Callable[..., object], counts: set[int]
) -> None:
    """What cannot be told counts as any number."""
    assert {count for count in range(5) if takes(function, count)} == counts


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "dict"),
        (Config, "the class Config"),
        ("paths", "the string 'paths'"),
        (ExceptionMapping(), "kaiko_middleware.ExceptionMapping"),
    ],
    ids=range(4),
)
def test_what_is_no_config_is_told_of_from_mapping(given: Any, said: str) -> None:
    """Each middleware and each `install` makes a pipeline, so each says the same."""
    with pytest.raises(TypeError) as refused:
        Pipeline(given)
    assert str(refused.value) == (
        f"config takes a kaiko_middleware.Config, not {said}: "
        "Config.from_mapping(…) makes one from a mapping of settings"
    )


def test_a_string_is_shown_on_one_line() -> None:
    """At most 80 characters of it."""
    message = str(wrong_argument("f takes a g", "a\nb" * 100))
    assert "\n" not in message
    assert len(message) < 110

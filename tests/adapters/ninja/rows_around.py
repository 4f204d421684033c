"""Rows around operations: security, throttles, streams, routing, debug mode, what is returned."""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, errors
from ninja.pagination import paginate
from ninja.security import APIKeyCookie, HttpBasicAuth, HttpBearer
from ninja.throttling import BaseThrottle

from adapters.django.row import BROWSER, Alone, Ask, Ended, Envelope, Row
from adapters.django.row import JSON as ACCEPTS_JSON
from adapters.ninja.apis import Api, new_api, project, raising, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

INTERNAL = Envelope(500, "internal")
NOT_FOUND = Envelope(404, "not_found")
NO_KEY = Envelope(401, "invalid_api_key", (("WWW-Authenticate", "ApiKey"),))
INVALID = Envelope(422, "invalid_value")
FORM = "application/x-www-form-urlencoded"


def post(body: bytes, kind: str = "application/json") -> Ask:
    """Return a request with a body."""
    return Ask(method="POST", headers=(("Content-Type", kind),), body=body)


def _routed() -> Api:
    api, outer, inner = new_api(), Router(), Router()

    @inner.get("/b")
    def operation(request: HttpRequest) -> str:
        del request
        raise ValueError("secret")

    outer.add_router("", inner)
    api.add_router("/x", outer)
    return serving(api)


def _object(request: HttpRequest) -> object:
    del request
    return {"secret": object()}


def _nan(request: HttpRequest) -> object:
    del request
    return {"x": math.nan}


def _returned(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("handmade", status=409)


class Number(Schema):
    """A body."""

    n: int


def _by_body(request: HttpRequest, body: Number) -> int:
    del request
    return body.n


def _fine(request: HttpRequest) -> str:
    del request
    return "fine"


class Basic(HttpBasicAuth):
    """Knows nobody."""

    def authenticate(self, request: HttpRequest, username: str, password: str) -> Any:
        """Refuse."""
        del request, username, password


class InCookie(APIKeyCookie):
    """Knows everybody."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Accept a key."""
        del request
        return key


class Bearer(HttpBearer):
    """Forbids."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Refuse."""
        del request, token
        raise errors.AuthorizationError


def _refuse(_request: HttpRequest) -> Any:
    return None


def _fail(_request: HttpRequest) -> Any:
    raise ValueError("secret")


class Throttle(BaseThrottle):
    """Lets nothing through."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds

    def allow_request(self, request: HttpRequest) -> bool:
        """Refuse."""
        del request
        return False

    def wait(self) -> float | None:
        """Say how long."""
        return self.seconds


def _found(request: HttpRequest) -> str:
    del request
    return str(get_object_or_404(User.objects.none(), pk=1))


@paginate
def _paged(request: HttpRequest) -> list[int]:
    del request
    return [1, 2, 3]


def _streamed(make: Callable[[], BaseException], *items: int) -> Api:
    def operation(request: HttpRequest) -> Iterator[dict[str, int]]:
        del request
        for item in items:
            yield {"n": item}
        raise make()

    return project(operation, response=_lines())


def _astreamed(make: Callable[[], BaseException], *items: int) -> Api:
    async def operation(request: HttpRequest) -> AsyncIterator[dict[str, int]]:
        del request
        for item in items:
            yield {"n": item}
        raise make()

    return project(operation, response=_lines())


def _lines() -> Any:
    from ninja.streaming import JSONL

    return JSONL[dict[str, int]]


def _taken() -> errors.HttpError:
    return errors.HttpError(409, "Taken")


def debugging(asked: Api) -> Api:
    """Return the same project in debug mode."""
    api: Any = asked.view
    return serving(api, DEBUG=True)


def _streams() -> Iterator[Row]:
    if find_spec("ninja.streaming") is None:  # which older Ninjas have not
        return
    yield Row("stream/jsonl", _streamed(lambda: ValueError("secret"), 1), Ended("internal"))
    yield Row("stream/jsonl-typed", _streamed(_taken, 1), Ended("conflict"))
    yield Row("stream/jsonl-first", _streamed(_taken), Envelope(409, "conflict"), on="wsgi")
    yield Row("stream-async/jsonl-first", _astreamed(_taken), Envelope(409, "conflict"), on="asgi")
    yield Row("stream-async/jsonl", _astreamed(_taken, 1), Ended("conflict"), on="asgi")


STREAMS = tuple(_streams())
AROUND = (
    Row("raised/router", _routed(), INTERNAL, Ask("/x/b")),
    Row("response/unserialisable", project(_object), INTERNAL),
    Row("response/NaN", project(_nan), Alone(200)),
    Row("returned/HttpResponse", project(_returned), Envelope(409, "conflict")),
    Row("security/basic", project(_fine, auth=Basic()), NO_KEY),
    Row("security/cookie", project(_fine, auth=InCookie()), NO_KEY),
    Row("security/callable", project(_fine, auth=_refuse), NO_KEY),
    Row("security/raises", project(_fine, auth=_fail), INTERNAL),
    Row(
        "security/bearer-403",
        project(_fine, auth=Bearer()),
        Envelope(403, "permission_denied"),
        Ask(headers=(("Authorization", "Bearer x"),)),
    ),
    Row(
        "security/cookie-csrf",
        project(_fine, method="POST", auth=InCookie()),
        Envelope(403, "csrf_failed"),
        post(b"{}"),
    ),
    Row(
        "throttle/wait",
        project(_fine, throttle=Throttle(6.3)),
        Envelope(429, "too_many_requests", (("Retry-After", "7"),)),
    ),
    Row(
        "throttle/no-wait",
        project(_fine, throttle=Throttle(None)),
        Envelope(429, "too_many_requests", absent=("Retry-After",)),
    ),
    *STREAMS,
    Row("orm/get_object_or_404", project(_found), NOT_FOUND),
    Row(
        "pagination/bad",
        project(_paged, response=list[int]),
        Envelope(400, "invalid_limit"),
        Ask("/x?limit=secret"),
    ),
    Row(
        "host/400",
        serving(new_api(), "django.middleware.common.CommonMiddleware"),
        Envelope(400, "invalid_host"),
        Ask(headers=(("Host", "elsewhere"),)),
    ),
    Row(
        "debug/uncaught",
        debugging(raising(lambda: ValueError("secret"))),
        INTERNAL,
        Ask(headers=ACCEPTS_JSON),
    ),
    Row(
        "debug/uncaught-html",
        debugging(raising(lambda: ValueError("secret"))),
        Alone(500, reported=True),
        Ask(headers=BROWSER),
    ),
    Row(
        "debug/denied",
        debugging(raising(lambda: PermissionDenied("secret"))),
        Envelope(403, "permission_denied"),
        Ask(headers=BROWSER),
    ),
    Row(
        "debug/json",
        debugging(project(_by_body, method="POST")),
        Envelope(400, "invalid_json"),
        post(b"{secret"),
    ),
    Row("method/HEAD", raising(lambda: ValueError("secret")), INTERNAL, Ask(method="HEAD")),
    Row(
        "method/HEAD-typed",
        raising(lambda: errors.HttpError(409, "x")),
        Envelope(409, "conflict"),
        Ask(method="HEAD"),
    ),
)

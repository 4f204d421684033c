"""The guards as Django middleware, for synchronous and asynchronous stacks.

    MIDDLEWARE = ["kaiko_django.KaikoMiddleware", "kaiko_guards.django.GuardMiddleware", …]
    KAIKO_GUARDS = {"guards": [RateLimit("100/minute", by="address")]}

Django reads a body only when it is asked for it, and then by its own settings; what is looked at
here is what the request says of its size. A view that awaits is cancelled at its deadline; a thread
cannot be stopped, and is told by `deadline()` what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from inspect import iscoroutinefunction
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, cast

from kaiko_middleware.extras import require

require("kaiko_guards.django", "django", install="kaiko-middleware[django]")

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.module_loading import import_string

from kaiko_guards._chain import (
    Guards,
    ask_plain_verifier,
    ask_verifier,
    needs_loop_verifier,
    needs_plain_verifier,
)
from kaiko_guards._deadlines import GRACE, timed_out
from kaiko_guards._request import GuardedRequest
from kaiko_guards._sizes import Tally
from kaiko_guards._standing import limit_headers
from kaiko_guards.wsgi import environ_header
from kaiko_middleware import Config, KaikoError, current_request_id
from kaiko_middleware.deadline import ends_at
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.settings_check import refuse
from kaiko_wsgi.environ import request_id_of

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from kaiko_guards._chain import Guard
    from kaiko_guards._deadlines import Deadline
    from kaiko_guards._request import TrustedProxies
    from kaiko_guards._standing import Standing
    from kaiko_middleware import Reply

__all__ = ["SETTING", "GuardMiddleware", "Settings"]

SETTING = "KAIKO_GUARDS"
_KEYS = ("guards", "trusted_proxies")

GetResponse = Callable[["HttpRequest"], "HttpResponseBase"]
GetResponseAsync = Callable[["HttpRequest"], Awaitable["HttpResponseBase"]]


class Settings(TypedDict, total=False):
    """The setting `KAIKO_GUARDS`, every key optional.

    >>> KAIKO_GUARDS: Settings = {"guards": "shop.guards.GUARDS"}
    """

    guards: Iterable[Guard] | str
    """The guards, or a dotted path of them."""
    trusted_proxies: Iterable[str]
    """Proxies whose `X-Forwarded-For` is believed: addresses, networks, `unix:` for a socket."""


class GuardSettings(NamedTuple):
    """What the setting `KAIKO_GUARDS` says."""

    guards: Guards
    pipeline: Pipeline
    """Answers where `kaiko_django` is not there."""


_current: list[GuardSettings] = []


def current_guards() -> GuardSettings:
    """Return what the setting `KAIKO_GUARDS` says now.

    It has the keys `guards`, a list of guards or a dotted path of one, and `trusted_proxies`.

    Raises:
        ConfigError: it is wrong; the message names the key, the value and what is allowed.

    """
    if not _current:
        _current[:] = [_read()]
    return _current[0]


def _read() -> GuardSettings:
    given: object = getattr(settings, SETTING, {})
    if not isinstance(given, Mapping):
        refuse(SETTING, given, "a mapping")
    found = cast("Mapping[str, Any]", given)  # with other keys it is refused
    for key in found:
        if key not in _KEYS:
            refuse(SETTING, key, f"one of {', '.join(_KEYS)}")
    guards = found.get("guards", ())
    if isinstance(guards, str):
        try:
            guards = import_string(guards)
        except ImportError as exc:
            refuse(f"{SETTING}: guards", guards, f"a path that can be imported ({exc})")
    return GuardSettings(
        Guards(
            guards,
            found.get("trusted_proxies", ()),
            setting=f"{SETTING}: ",
        ),
        Pipeline(Config()),
    )


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == SETTING:
        _current.clear()


setting_changed.connect(_forget, dispatch_uid=SETTING)


@sync_and_async_middleware
def GuardMiddleware(  # noqa: N802 - the name in MIDDLEWARE, where Django's are classes
    get_response: GetResponse | GetResponseAsync,
) -> GetResponse | GetResponseAsync:
    """Run the guards of the setting `KAIKO_GUARDS` before the rest of the stack.

    Put `"kaiko_guards.django.GuardMiddleware"` after the envelope middleware. Whose key it was is
    `request.kaiko_principal`.

    Arguments:
        get_response: the rest of the stack; Django passes it.

    Raises:
        ConfigError: the setting is wrong, or its verifier cannot run here: an asynchronous one on a
            synchronous stack, or `ModelKeys` on an asynchronous one.

    """
    found = current_guards()
    if iscoroutinefunction(get_response):
        needs_loop_verifier(f"{SETTING}: guards: verifier", found.guards.keys)
        return _asynchronous(cast("GetResponseAsync", get_response))  # as was asked
    needs_plain_verifier(f"{SETTING}: guards", found.guards)
    return _synchronous(cast("GetResponse", get_response))  # likewise


def _synchronous(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        found = current_guards()
        guarded = _guarded(request, found.guards.proxies)
        try:
            seconds = _begin(found.guards, guarded)
        except KaikoError as refused:
            return _refuse(request, refused)
        deadline = found.guards.deadline
        if deadline is None or seconds is None:
            return serve(found.guards, guarded, request)
        with deadline.in_thread(guarded, seconds):
            return serve(found.guards, guarded, request)

    def serve(guards: Guards, guarded: GuardedRequest, request: HttpRequest) -> HttpResponseBase:
        standing: Standing | None = None
        try:
            if guards.keys is not None and guards.keys.needs_key(guarded):
                value = guarded.read_header(guards.keys.header)
                guards.keys.admit(guarded, *ask_plain_verifier(guards.keys, value))
            _tell_principal(request, guarded)
            standing = guards.counting.count(guarded)
            _measure(guards, guarded, request)
        except KaikoError as refused:
            return _told(_refuse(request, refused), standing)
        return _told(get_response(request), standing)

    return middleware


def _asynchronous(get_response: GetResponseAsync) -> GetResponseAsync:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        found = current_guards()
        guarded = _guarded(request, found.guards.proxies)
        loop = asyncio.get_running_loop()
        standing: Standing | None = None

        async def serve() -> HttpResponseBase:
            nonlocal standing
            try:
                keys = found.guards.keys
                if keys is not None and keys.needs_key(guarded):
                    value = guarded.read_header(keys.header)
                    keys.admit(guarded, *await ask_verifier(keys, value))
                _tell_principal(request, guarded)
                standing = await found.guards.counting.count_async(guarded, loop)
                _measure(found.guards, guarded, request)
            except KaikoError as refused:
                return _refuse(request, refused)
            return await get_response(request)

        try:
            seconds = _begin(found.guards, guarded)
        except KaikoError as refused:
            return _refuse(request, refused)
        deadline = found.guards.deadline
        if deadline is None or seconds is None:
            return _told(await serve(), standing)
        token = ends_at.set(monotonic() + seconds)
        limited = asyncio.timeout(seconds)
        try:
            async with limited:
                response = await serve()
        except TimeoutError:
            if not limited.expired():
                raise  # by a callable of a limit
            _watch(deadline, guarded, loop)
            response = _refuse(request, timed_out())
        finally:
            ends_at.reset(token)
        return _told(response, standing)

    return middleware


def _watch(deadline: Deadline, guarded: GuardedRequest, loop: asyncio.AbstractEventLoop) -> None:
    """Count what a synchronous view's thread goes on with: asgiref has left it alone."""
    watching = loop.create_task(_until_free(deadline, guarded))
    _watching.add(watching)
    watching.add_done_callback(_watching.discard)


_watching: set[asyncio.Task[None]] = set()


async def _until_free(deadline: Deadline, guarded: GuardedRequest) -> None:
    # A request has one thread for what is synchronous, which is free when the next call begins.
    free = asyncio.ensure_future(sync_to_async(_do_nothing)())
    done, _ = await asyncio.wait([free], timeout=GRACE)
    if not done:
        deadline.began_to_overrun(guarded)
        try:
            await asyncio.wait([free])
        finally:
            deadline.ended_overrun()


def _do_nothing() -> None:
    """Return at once."""


def _guarded(request: HttpRequest, proxies: TrustedProxies) -> GuardedRequest:
    meta = request.META
    return GuardedRequest(
        request.method or "GET",
        request.path_info,
        partial(environ_header, meta),
        meta.get("REMOTE_ADDR") or None,
        proxies,
    )


def _begin(guards: Guards, guarded: GuardedRequest) -> float | None:
    """Look at time and announced size; return the seconds that the request has."""
    seconds = guards.seconds_for(guarded)
    if guards.size is not None:
        length = guarded.read_header("content-length")
        Tally(guards.size.for_path(guarded.path)).announce(length)
    return seconds


def _measure(guards: Guards, guarded: GuardedRequest, request: HttpRequest) -> None:
    """Count the body where it is all there, in the place where others read theirs: last."""
    if guards.size is not None:
        Tally(guards.size.for_path(guarded.path)).add(_received(request))


def _received(request: HttpRequest) -> int:
    """Return the octets of a body that is all there: Django's ASGI handler reads it beforehand."""
    stream: Any = getattr(request, "_stream", None)
    if not hasattr(request, "scope") or not getattr(stream, "seekable", bool)():
        return 0
    at = stream.tell()
    size: int = stream.seek(0, 2)
    stream.seek(at)
    return size


def _tell_principal(request: HttpRequest, guarded: GuardedRequest) -> None:
    setattr(request, "kaiko_principal", guarded.principal)  # noqa: B010 - stubs do not know it


def _told(response: HttpResponseBase, standing: Standing | None) -> HttpResponseBase:
    if standing is not None:
        told = {name.lower() for name in response.headers}
        for name, value in limit_headers(standing, told):
            response[name] = value
    return response


def _refuse(request: HttpRequest, error: KaikoError) -> HttpResponse:
    """Answer with an error; an envelope middleware outside reports it, if there is one."""
    pipeline = current_guards().pipeline
    request_id: str | None = getattr(request, "kaiko_request_id", None)
    inside = request_id is not None and request_id == current_request_id()
    info = RequestInfo(
        request_id if request_id is not None and inside else request_id_of(request.META, pipeline),
        request.method or "-",
        request.path,
    )
    reply: Reply
    reply = pipeline.render(error, info) if inside else pipeline.on_exception(error, info).reply
    response = HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
    # Django's own logger would log it a second time.
    setattr(response, "_has_been_logged", True)  # noqa: B010 - Django's own mark
    return response

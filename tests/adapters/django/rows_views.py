"""Rows of views: what they raise, return and stream."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import django
from django.core.exceptions import (
    BadRequest,
    FieldError,
    ImproperlyConfigured,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestAborted,
    SuspiciousFileOperation,
    SuspiciousOperation,
)
from django.core.handlers.asgi import ASGIRequest
from django.core.signing import BadSignature
from django.db import OperationalError, connection, connections
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template import engines
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import reverse
from django.views import View

from adapters.django.row import (
    Alone,
    Ask,
    Cut,
    Ended,
    Envelope,
    Gone,
    Raised,
    Row,
    araises,
    raises,
    returns,
    view,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from django.http import HttpRequest

INTERNAL = Envelope(500, "internal")
NOT_FOUND = Envelope(404, "not_found")
DENIED = Envelope(403, "permission_denied")
BAD = Envelope(400, "bad_request")
DOWN = Envelope(503, "service_unavailable")


class Failing(View):
    """A view class whose method fails."""

    def get(self, _request: HttpRequest) -> HttpResponse:
        """Fail."""
        raise ValueError("secret")


def _recurse() -> BaseException:
    return RecursionError("secret")


RAISED = (
    Row("uncaught/view-class", view(Failing.as_view()), INTERNAL),
    Row("raised/http404", view(raises(lambda: Http404("secret"))), NOT_FOUND),
    Row("raised/http404-bare", view(raises(Http404)), NOT_FOUND),
    Row("raised/denied", view(raises(lambda: PermissionDenied("secret"))), DENIED),
    Row("raised/suspicious", view(raises(lambda: SuspiciousOperation("secret"))), BAD),
    Row("raised/suspicious-file", view(raises(lambda: SuspiciousFileOperation("secret"))), BAD),
    Row("raised/bad-request", view(raises(lambda: BadRequest("secret"))), BAD),
    Row("raised/does-not-exist", view(raises(lambda: ObjectDoesNotExist("secret"))), INTERNAL),
    Row("raised/multiple", view(raises(lambda: MultipleObjectsReturned("secret"))), INTERNAL),
    Row("raised/field-error", view(raises(lambda: FieldError("secret"))), INTERNAL),
    Row("raised/improper", view(raises(lambda: ImproperlyConfigured("secret"))), INTERNAL),
    Row("raised/operational", view(raises(lambda: OperationalError("secret"))), DOWN),
    Row("raised/request-aborted", view(raises(lambda: RequestAborted("secret"))), Gone()),
    Row("raised/bad-signature", view(raises(lambda: BadSignature("secret"))), INTERNAL),
    Row("raised/key-error", view(raises(lambda: KeyError("secret"))), INTERNAL),
    Row("raised/recursion", view(raises(_recurse)), INTERNAL),
    Row("raised/memory", view(raises(lambda: MemoryError("secret"))), INTERNAL),
    Row(
        "raised/group",
        view(raises(lambda: ExceptionGroup("secret", [ValueError("secret")]))),
        INTERNAL,
    ),
    Row(
        "raised/group-404",
        view(raises(lambda: ExceptionGroup("secret", [Http404("secret")]))),
        NOT_FOUND,
    ),
    Row(
        "raised/stop-iteration",
        view(raises(lambda: StopIteration("secret"))),
        INTERNAL,
        # Before 3.13 a thread's StopIteration may never reach the future that waits for it: the
        # request hangs, with and without us.
        on="both" if sys.version_info >= (3, 13) else "wsgi",
    ),
    Row("raised/async-http404", view(araises(lambda: Http404("secret"))), NOT_FOUND),
    Row("raised/async-StopIteration", view(araises(lambda: StopIteration("secret"))), INTERNAL),
)


class Odd(BaseException):
    """No Exception, and none of Python's own."""


async def _cancels_its_own_task(_request: HttpRequest) -> HttpResponse:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)
    return HttpResponse("ok")


BASE = (
    Row(
        "BaseException/cancelled",
        view(raises(lambda: asyncio.CancelledError("secret"))),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "BaseException/task-cancelled",
        view(_cancels_its_own_task),
        INTERNAL,
        wrapper_only=True,
        # From 6.1 on it runs in the server's task, whose end goes on at once.
        asgi=Raised() if django.VERSION >= (6, 1) else None,
    ),
    Row(
        "BaseException/keyboard",
        view(raises(lambda: KeyboardInterrupt("secret"))),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "BaseException/async-keyboard",
        view(araises(lambda: KeyboardInterrupt("secret"))),
        INTERNAL,
        wrapper_only=True,
    ),
    Row("BaseException/base", view(raises(lambda: Odd("secret"))), Raised()),
    Row("BaseException/async-base", view(araises(lambda: Odd("secret"))), Raised()),
    Row(
        "BaseException/async-generator-exit",
        view(araises(lambda: GeneratorExit("secret"))),
        Raised(),
    ),
)


def _redirect(to: str) -> Callable[[], HttpResponse]:
    return lambda: HttpResponseRedirect(to)


def _close_boom() -> HttpResponse:
    def boom() -> None:
        raise ValueError("secret")

    response = HttpResponse("sent")
    closers: list[Callable[[], None]] = response.__dict__["_resource_closers"]
    closers.append(boom)
    return response


RETURNED = (
    Row("returned/none", view(returns(lambda: None)), INTERNAL),
    Row("returned/dict", view(returns(dict)), INTERNAL),
    Row("returned/410", view(returns(lambda: HttpResponse(status=410))), Envelope(410, "gone")),
    Row("returned/status-str", view(returns(lambda: HttpResponse(status="secret"))), INTERNAL),
    Row("returned/json-object", view(returns(lambda: JsonResponse(object()))), INTERNAL),
    Row("returned/json-list", view(returns(lambda: JsonResponse([1]))), INTERNAL),
    Row("returned/json-nan", view(returns(lambda: JsonResponse({"x": float("nan")}))), Alone(200)),
    Row("returned/redirect-scheme", view(returns(_redirect("secret:x"))), BAD),
    Row(
        "returned/redirect-long",
        view(returns(_redirect("/" + "x" * 70_000))),
        BAD if django.VERSION >= (5, 2, 8) else Alone(302),  # no limit before
    ),
    Row("returned/reverse", view(returns(lambda: reverse("secret"))), INTERNAL),
    Row("returned/close-boom", view(returns(_close_boom)), Alone(200)),
)


def stream(make: Any, kind: str = "text/html", *, chunks: int = 1, **headers: str) -> Any:
    """Return a view that streams `chunks` parts and then raises what `make` makes."""

    def sync() -> Iterator[bytes]:
        for number in range(1, chunks + 1):
            yield b"chunk-%d;" % number
        raise make()

    async def asynchronous() -> AsyncIterator[bytes]:
        for chunk in range(1, chunks + 1):
            yield b"chunk-%d;" % chunk
        raise make()

    def endpoint(request: HttpRequest) -> StreamingHttpResponse:
        body = asynchronous() if isinstance(request, ASGIRequest) else sync()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return StreamingHttpResponse(body, content_type=kind, headers=given)

    return endpoint


def _secret() -> Exception:
    return ValueError("secret")


STREAMED = (
    Row("stream/http", view(stream(Http404)), Cut(b"chunk-1;")),
    Row("stream/async-mid", view(stream(_secret)), Cut(b"chunk-1;")),
    Row("stream/length", view(stream(_secret, Content_Length="100")), Cut(b"chunk-1;")),
    Row("stream/sse", view(stream(_secret, "text/event-stream")), Ended("internal")),
    Row(
        "gzip/stream",
        view(stream(_secret), "django.middleware.gzip.GZipMiddleware"),
        Cut(b""),  # nothing that could be read
        Ask(headers=(("Accept-Encoding", "gzip"),)),
    ),
)


def _template(text: str) -> Callable[[], object]:
    def make() -> object:
        return HttpResponse(engines["django"].from_string(text).render())

    return make


def _late_boom(_response: object) -> object:
    raise ValueError("secret")


def _callback() -> SimpleTemplateResponse:
    response = SimpleTemplateResponse("fine.html")
    response.add_post_render_callback(_late_boom)
    return response


def _deferred(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, "broken.html")


TEMPLATES = (
    Row("template/syntax", view(returns(_template("{% if %}"))), INTERNAL),
    Row("template/deferred", view(_deferred), INTERNAL),
    Row("template/callback", view(returns(_callback)), INTERNAL),
)


def _orm(function: Callable[[], object]) -> Any:
    """Return a view that asks the database."""

    def endpoint(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(function()))

    return endpoint


def _sql(text: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall()


def _overflow() -> object:
    # On a connection of its own: sqlite3 reports a shared one's earlier error instead.
    with closing(sqlite3.connect(":memory:")) as database:
        return database.execute("SELECT ?", [10**40])


def _down() -> object:
    return connections["down"].cursor()


def _does_not_exist() -> object:
    from django.contrib.auth.models import User

    raise User.DoesNotExist("secret")


ORM = (
    Row("orm/DoesNotExist", view(_orm(_does_not_exist)), INTERNAL),
    Row("orm/OverflowError", view(_orm(_overflow)), INTERNAL),
    Row("orm/OperationalError", view(_orm(lambda: _sql("SELECT * FROM secret"))), DOWN),
    Row("orm/database-down", view(_orm(_down)), DOWN),
)

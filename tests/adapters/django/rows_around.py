"""Rows around views: routing, bodies, limits, middleware, error handlers, debug and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.utils.decorators import async_only_middleware
from django.views import View
from django.views.decorators.http import condition, require_http_methods
from django.views.static import serve

from adapters.django.row import (
    BROWSER,
    JSON,
    Alone,
    Ask,
    Envelope,
    Row,
    raises,
    returns,
    view,
)
from adapters.django.rows_views import BAD, DENIED, DOWN, INTERNAL, NOT_FOUND
from adapters.django.stacks import Project

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest

ok = returns(lambda: HttpResponse("ok"))
COMMON = "django.middleware.common.CommonMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
HERE = __name__
_DEBUG = {"DEBUG": True}
_REFUSED = Envelope(405, "method_not_allowed", (("allow", "GET"),))
_FORM = "application/x-www-form-urlencoded"
_SIGNED = {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}


def serves(**options: Any) -> Any:
    """Return a view that serves this folder's files."""

    def endpoint(request: HttpRequest, rest: str = "") -> Any:
        return serve(request, rest, document_root="/usr/share", **options)

    return endpoint


class GetOnly(View):
    """A view class with one method."""

    def get(self, _request: HttpRequest) -> HttpResponse:
        """Answer."""
        return HttpResponse("ok")


_get_only = require_http_methods(["GET"])(ok)

ROUTING = (
    Row("routing/404", Project(), NOT_FOUND),
    Row("routing/404-HEAD", Project(), NOT_FOUND, Ask(method="HEAD")),
    Row("routing/404-POST", Project(), NOT_FOUND, Ask(method="POST", body=b"{}")),
    Row("routing/null-byte", view(serves()), NOT_FOUND, Ask("/x/a\0b")),
    Row("method/require_http_methods-405", view(_get_only), _REFUSED, Ask(method="OPTIONS")),
    Row(
        "method/View-405",
        view(GetOnly.as_view()),
        Envelope(405, "method_not_allowed", (("allow", "GET, HEAD, OPTIONS"),)),
        Ask(method="POST"),
    ),
    Row(
        "method/unknown-method",
        view(GetOnly.as_view()),
        Envelope(405, "method_not_allowed"),
        Ask(method="BREW"),
    ),
    Row("static/directory", view(serves()), NOT_FOUND, Ask("/x/doc")),
    Row("static/traversal", view(serves()), BAD, Ask("/x/../../etc/passwd")),
    Row(
        "handler/custom-405",
        Project(_get_only, handlers={"handler400": ok}),
        _REFUSED,
        Ask(method="POST"),
    ),
)


def appending(**settings: Any) -> Project:
    """Return a project whose routes end in a slash."""
    from django.urls import path

    from adapters.django.stacks import Urls

    urls = Urls([path("slash/", ok)])
    return Project(None, (COMMON,), {"ROOT_URLCONF": urls, **settings})


APPEND_SLASH = (
    Row("append-slash/GET", appending(), Alone(301), Ask("/slash")),
    Row("append-slash/POST", appending(), Alone(301), Ask("/slash", "POST")),
    Row("append-slash/POST-debug", appending(**_DEBUG), INTERNAL, Ask("/slash", "POST", JSON)),
)
_BAD_HOST = (("Host", "evil.example"),)
HOSTS = (
    Row(
        "host/DisallowedHost-CommonMiddleware",
        view(ok, COMMON),
        Envelope(400, "invalid_host"),
        Ask(headers=_BAD_HOST),
    ),
    Row("host/DisallowedHost-no-middleware", view(ok), Alone(200), Ask(headers=_BAD_HOST)),
    Row(
        "host/DisallowedHost-view",
        view(lambda request: HttpResponse(request.get_host())),
        Envelope(400, "invalid_host"),
        Ask(headers=_BAD_HOST),
    ),
    Row(
        "host/malformed",
        view(ok, COMMON),
        Envelope(400, "invalid_host"),
        Ask(headers=(("Host", "a b"),)),
    ),
    Row(
        "host/DisallowedHost-debug",
        view(ok, COMMON, **_DEBUG),
        Alone(400, reported=True),
        Ask(headers=(*_BAD_HOST, *BROWSER)),
    ),
    Row(
        "ssl/redirect-bad-host",
        view(ok, SECURITY, SECURE_SSL_REDIRECT=True),
        Envelope(400, "invalid_host"),
        Ask(headers=_BAD_HOST),
    ),
)
_CSRF_FAILED = Envelope(403, "csrf_failed")
_TOKEN = "a" * 32
_COOKIE = (("Cookie", f"csrftoken={_TOKEN}"),)
_MULTIPART = "multipart/form-data; boundary=x"
CSRF_ROWS = (
    Row("csrf/no-cookie", view(ok, CSRF), _CSRF_FAILED, Ask(method="POST")),
    Row(
        "csrf/no-cookie-debug",
        view(ok, CSRF, **_DEBUG),
        Alone(403, reported=True),
        Ask(method="POST", headers=BROWSER),
    ),
    Row(
        "csrf/wrong-token",
        view(ok, CSRF),
        _CSRF_FAILED,
        Ask(method="POST", headers=(*_COOKIE, ("X-CSRFToken", "b" * 32))),
    ),
    Row(
        "csrf/malformed-multipart",
        view(ok, CSRF),
        Envelope(400, "invalid_form"),
        Ask(method="POST", headers=(*_COOKIE, ("Content-Type", "multipart/form-data")), body=b"x"),
    ),
    Row(
        "csrf/custom-template",
        view(ok, CSRF, CSRF_FAILURE_VIEW=f"{HERE}.own_csrf_failure"),
        _CSRF_FAILED,
        Ask(method="POST"),
    ),
    Row(
        "csrf/too-big",
        view(ok, CSRF, DATA_UPLOAD_MAX_MEMORY_SIZE=5),
        Envelope(413, "payload_too_large"),
        Ask(method="POST", headers=(*_COOKIE, ("Content-Type", _FORM)), body=b"a=123456"),
    ),
)


def own_csrf_failure(_request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse in the project's own words."""
    return HttpResponse(f"<h1>custom 403_csrf {reason}</h1>", status=403)


def _none(_request: HttpRequest) -> None:
    return None


_refusing = permission_required("x.y", raise_exception=True)(ok)
_etagged = condition(etag_func=lambda _request, **_kwargs: '"a"')(ok)
_FRENCH = (("Accept-Language", "fr"),)
MIDDLEWARE_OF_DJANGO = (
    Row(
        "auth/LoginRequiredMiddleware",
        view(
            ok, SESSIONS, AUTH, "django.contrib.auth.middleware.LoginRequiredMiddleware", **_SIGNED
        ),
        Alone(302),
    ),
    Row("auth/permission_required", view(_refusing, SESSIONS, AUTH, **_SIGNED), DENIED),
    Row(
        "conditional/412",
        view(_etagged),
        Envelope(412, "precondition_failed", absent=("etag",)),
        Ask(headers=(("If-Match", '"b"'),)),
    ),
    Row("conditional/304", view(_etagged), Alone(304), Ask(headers=(("If-None-Match", '"a"'),))),
    Row(
        "conditional/404",
        view(raises(Http404), "django.middleware.http.ConditionalGetMiddleware"),
        Envelope(404, "not_found", absent=("etag",)),
    ),
    Row(
        "gzip/404",
        Project(None, (GZIP,)),
        Envelope(404, "not_found", absent=("content-encoding",)),
        Ask(headers=(("Accept-Encoding", "gzip"),)),
    ),
    Row(
        "locale/404",
        Project(None, ("django.middleware.locale.LocaleMiddleware",)),
        Envelope(404, "not_found", (("vary", "Accept-Language"),), ("content-language",)),
        Ask(headers=_FRENCH),
    ),
    Row(
        "cors/500",
        view(raises(lambda: ValueError("secret")), f"{HERE}.cors"),
        Envelope(
            500,
            "internal",
            (
                ("access-control-allow-origin", "*"),
                (
                    "access-control-expose-headers",
                    (
                        "X-Mine, X-Request-ID, X-Should-Retry, Cache-Control, Retry-After, "
                        "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
                        "WWW-Authenticate"
                    ),
                ),
            ),
        ),
    ),
    Row("cors/preflight", view(ok, f"{HERE}.cors"), Alone(200), Ask(method="OPTIONS")),
    Row(
        "session/unserialisable",
        view(
            lambda request: request.session.__setitem__("a", object()) or ok(request),
            SESSIONS,
            **_SIGNED,
        ),
        INTERNAL,
    ),
    Row(
        "static/whitenoise-405",
        view(ok, f"{HERE}.whitenoise"),
        Envelope(405, "method_not_allowed", (("allow", "GET, HEAD"),)),
        Ask(method="POST"),
    ),
)


def _reads(name: str) -> Any:
    """Return a view that reads its request's forms."""

    def endpoint(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(len(getattr(request, name))))

    return endpoint


_form, _query, _body = _reads("POST"), _reads("GET"), _reads("body")
_INVALID_FORM = Envelope(400, "invalid_form")
_TOO_MANY = Envelope(400, "too_many_fields")
_TOO_LARGE = Envelope(413, "payload_too_large")


def _post(kind: str, body: bytes) -> Ask:
    return Ask(method="POST", headers=(("Content-Type", kind),), body=body)


def _part(name: str, value: bytes, more: bytes = b"") -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="%b"' % name.encode()
    return head + more + b"\r\n\r\n" + value + b"\r\n"


_CHUNKED = (("Content-Length", ""), ("Transfer-Encoding", "chunked"))
# What arrives from a client that leaves with half of its body unsent; ASGI says that it left.
_HALF = (("Content-Type", _FORM), ("Content-Length", "100"))
_FILE = b'; filename="f"\r\nContent-Type: text/plain'
BODIES = (
    Row(
        "body/multipart-no-boundary", view(_form), _INVALID_FORM, _post("multipart/form-data", b"x")
    ),
    Row("body/multipart-garbage", view(_form), Alone(200), _post(_MULTIPART, b"garbage")),
    Row("body/multipart-truncated", view(_form), Alone(200), _post(_MULTIPART, _part("a", b"1"))),
    Row(
        "body/multipart-bad-base64",
        view(_form),
        _INVALID_FORM,
        _post(
            _MULTIPART,
            _part("a", b"x", _FILE + b"\r\nContent-Transfer-Encoding: base64") + b"--x--",
        ),
    ),
    Row(
        "disconnect/half-close-POST",
        view(_form),
        Alone(200),
        Ask(method="POST", headers=_HALF, body=b"a=1"),
        on="wsgi",
    ),
    Row("body/urlencoded-utf16", view(_form), BAD, _post(f"{_FORM}; charset=utf-16", b"a=1")),
    Row(
        "limits/DATA_UPLOAD_MAX_MEMORY_SIZE",
        view(_body, DATA_UPLOAD_MAX_MEMORY_SIZE=5),
        _TOO_LARGE,
        _post("application/json", b"123456"),
    ),
    Row(
        "limits/DATA_UPLOAD_MAX_MEMORY_SIZE-chunked",
        view(_body, DATA_UPLOAD_MAX_MEMORY_SIZE=5),
        Alone(200),  # under WSGI, Django takes what has no length for empty
        Ask(method="POST", headers=_CHUNKED, body=b"123456"),
        # Until 5.2.13 the length was trusted, and there is none.
        asgi=_TOO_LARGE if django.VERSION >= (5, 2, 13) else None,
    ),
    Row(
        "limits/TooManyFieldsSent",
        view(_form, DATA_UPLOAD_MAX_NUMBER_FIELDS=2),
        _TOO_MANY,
        _post(_FORM, b"a=1&b=2&c=3"),
    ),
    Row(
        "limits/TooManyFilesSent",
        view(_form, DATA_UPLOAD_MAX_NUMBER_FILES=1),
        _TOO_MANY,
        _post(_MULTIPART, _part("a", b"1", _FILE) + _part("b", b"2", _FILE) + b"--x--"),
    ),
    Row(
        "limits/multipart-too-big",
        view(_form, DATA_UPLOAD_MAX_MEMORY_SIZE=5),
        _TOO_LARGE,
        _post(_MULTIPART, _part("a", b"1234567890") + b"--x--"),
    ),
    Row(
        "limits/GET-fields",
        view(_query, DATA_UPLOAD_MAX_NUMBER_FIELDS=2),
        _TOO_MANY,
        Ask("/x?a=1&b=2&c=3"),
    ),
    Row(
        "limits/query-1100-fields",
        view(_query),
        _TOO_MANY,
        Ask("/x?" + "&".join(f"a{number}=1" for number in range(1100))),
    ),
)
_BOGUS = (("Content-Type", "text/plain; x*=bogus''y"),)
# 6.0 refuses it, 5.2.18 raises a plain ValueError, and before nobody looked at it.
_BOGUS_BECOMES = (
    BAD if django.VERSION >= (6,) else INTERNAL if django.VERSION >= (5, 2, 18) else Alone(200)
)
BEFORE = (
    Row(
        "request/bogus-content-type",
        view(ok),
        _BOGUS_BECOMES,
        Ask(headers=_BOGUS),
        wrapper_only=not isinstance(_BOGUS_BECOMES, Alone),
    ),
    Row(
        "urlconf/nested-import-error",
        Project(None, settings={"ROOT_URLCONF": "adapters.django.broken_urls"}),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "handler/handler500-raises",
        Project(raises(lambda: ValueError("secret")), handlers={"handler500": raises(KeyError)}),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "handler/handler500-unimportable",
        Project(raises(lambda: ValueError("secret")), handlers={"handler500": "nowhere.at_all"}),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "handler/500.html-broken",
        Project(
            raises(lambda: ValueError("secret")),
            handlers={"handler500": lambda _request: render_to_string("broken.html")},
        ),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "settings/DEBUG_PROPAGATE_EXCEPTIONS",
        view(raises(lambda: ValueError("secret")), DEBUG_PROPAGATE_EXCEPTIONS=True),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "middleware/returns-None-outermost",
        Project(ok, first=(f"{HERE}.returns_none",)),
        INTERNAL,
        wrapper_only=True,
    ),
    Row(
        "middleware/returns-coroutine",
        Project(ok, first=(f"{HERE}.returns_coroutine",)),
        INTERNAL,
        wrapper_only=True,
        on="wsgi",
    ),
)


def _handlers(**handlers: Any) -> dict[str, Any]:
    return handlers


def _handler(text: str, status: int) -> Any:
    def handler(_request: HttpRequest, exception: object = None) -> HttpResponse:
        del exception  # Django gives it by name
        return HttpResponse(text, status=status)

    return handler


def _failing(_request: HttpRequest, exception: object = None) -> HttpResponse:
    del exception
    raise ValueError("secret")


def _broken_page(_request: HttpRequest, exception: object = None) -> HttpResponse:
    del exception
    return HttpResponse(render_to_string("broken.html"), status=404)


HANDLERS = (
    Row(
        "handler/handler404-raises",
        Project(handlers=_handlers(handler404=_failing)),
        INTERNAL,
    ),
    Row("handler/404.html-broken", Project(handlers=_handlers(handler404=_broken_page)), INTERNAL),
    Row(
        "handler/404.html",
        Project(handlers=_handlers(handler404=_handler("<h1>404", 404))),
        NOT_FOUND,
    ),
    Row(
        "handler/handler500-says-503",
        Project(
            raises(lambda: ValueError("secret")),
            handlers=_handlers(handler500=_handler("<h1>secret", 503)),
        ),
        DOWN,
    ),
    Row(
        "settings/DEBUG_PROPAGATE_EXCEPTIONS-404",
        view(None, DEBUG_PROPAGATE_EXCEPTIONS=True),
        NOT_FOUND,
    ),
)
_boom = raises(lambda: ValueError("secret"))
DEBUG = (
    Row(
        "debug/404", view(ok, **_DEBUG), Alone(404, reported=True), Ask("/nowhere", headers=BROWSER)
    ),
    Row("debug/404-json", view(ok, **_DEBUG), NOT_FOUND, Ask("/nowhere", headers=JSON)),
    Row("debug/500", view(_boom, **_DEBUG), Alone(500, reported=True), Ask(headers=BROWSER)),
    Row("debug/500-text", view(_boom, **_DEBUG), INTERNAL, Ask(headers=JSON)),
    Row(
        "debug/403",
        view(raises(lambda: PermissionDenied("secret")), **_DEBUG),
        Alone(403, reported=True),
        Ask(headers=BROWSER),
    ),
    Row(
        "debug/SuspiciousOperation",
        view(raises(lambda: SuspiciousOperation("secret")), CSRF, **_DEBUG),
        Alone(403, reported=True),
        Ask(method="POST", headers=BROWSER),
    ),
    Row(
        "debug/SuspiciousOperation-json",
        view(raises(lambda: SuspiciousOperation("secret")), **_DEBUG),
        BAD,
        Ask(headers=JSON),
    ),
)

# --- middleware of a project ----------------------------------------------------------

GetResponse = "Callable[[HttpRequest], HttpResponse]"


def _before(make: Callable[[], Exception]) -> Any:
    def factory(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
        def middleware(_request: HttpRequest) -> HttpResponse:
            raise make()

        return middleware

    return factory


def _after(make: Callable[[], Exception]) -> Any:
    def factory(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
        def middleware(request: HttpRequest) -> HttpResponse:
            get_response(request)
            raise make()

        return middleware

    return factory


before_bug = _before(lambda: ValueError("secret"))
before_404 = _before(lambda: Http404("secret"))
before_denied = _before(lambda: PermissionDenied("secret"))
after_bug = _after(lambda: ValueError("secret"))


def passing(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Catch what comes out of the rest of the stack; nothing ever does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            return get_response(request)
        except Exception:  # noqa: BLE001 - what is tested: Django never lets one through
            return HttpResponse("caught")

    return middleware


@async_only_middleware
def async_bug(_get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> Any:
    """Fail in an asynchronous middleware."""

    async def middleware(_request: HttpRequest) -> HttpResponse:
        raise ValueError("secret")

    return middleware


def returns_none(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Answer nothing."""
    return _none


def returns_coroutine(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Answer what nobody awaits."""

    async def later(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def middleware(request: HttpRequest) -> Any:
        coroutine = later(request)
        coroutine.close()
        return coroutine

    return middleware


class Hooks:
    """A middleware that fails in `process_view`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass."""
        return self.get_response(request)

    def process_view(self, *_args: object) -> None:
        """Fail."""
        raise Http404("secret")


def cors(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Do what django-cors-headers does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = HttpResponse() if request.method == "OPTIONS" else get_response(request)
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = "X-Mine"
        return response

    return middleware


def whitenoise(_get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Refuse as WhiteNoise refuses to POST to a file."""

    def middleware(_request: HttpRequest) -> HttpResponse:
        response = HttpResponseNotAllowed(["GET", "HEAD"])
        del response["Content-Type"]
        return response

    return middleware


OWN_MIDDLEWARE = (
    Row("middleware/mw_sync-after", view(ok, f"{HERE}.after_bug"), INTERNAL),
    Row("middleware/mw_sync-Http404", view(ok, f"{HERE}.before_404"), NOT_FOUND),
    Row(
        "middleware/mw_sync_inner-before",
        view(ok, f"{HERE}.passing", f"{HERE}.before_bug"),
        INTERNAL,
    ),
    Row(
        "middleware/mw_sync_inner-after", view(ok, f"{HERE}.passing", f"{HERE}.after_bug"), INTERNAL
    ),
    Row("middleware/mw_async-before", view(ok, f"{HERE}.async_bug"), INTERNAL),
    Row("middleware/PermissionDenied", view(ok, f"{HERE}.before_denied"), DENIED),
    Row(
        "middleware/returns-None-inner",
        view(ok, f"{HERE}.passing", f"{HERE}.returns_none"),
        INTERNAL,
    ),
    Row("middleware/returns-None", view(ok, f"{HERE}.returns_none"), INTERNAL),
    Row("middleware/process_view-Http404", view(ok, f"{HERE}.Hooks"), NOT_FOUND),
    Row("middleware/outer-try-except", view(_boom, f"{HERE}.passing"), INTERNAL),
)
AROUND = (
    *ROUTING,
    *APPEND_SLASH,
    *HOSTS,
    *CSRF_ROWS,
    *MIDDLEWARE_OF_DJANGO,
    *BODIES,
    *BEFORE,
    *HANDLERS,
    *DEBUG,
    *OWN_MIDDLEWARE,
)

"""From an exception to a typed error: by class along the MRO, groups by their leaves."""

from __future__ import annotations

import functools
import json
from types import MethodType
from typing import Any, cast

import pytest

from kaiko_middleware import (
    Config,
    ConflictError,
    ExceptionMapping,
    InvalidRequestError,
    KaikoError,
    MissingFieldError,
    NotFoundError,
    ServerError,
    ServiceUnavailableError,
)
from kaiko_middleware.foreign_answer import error_from_answer
from kaiko_middleware.layers import Layers
from kaiko_middleware.make_error import error_for_status
from kaiko_middleware.map_exception import is_disconnect
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.safe_exception import leaves
from unit.support import ContextNotFound, DuplicateId, Throttled


class BaseFault(Exception):
    """A service's own exception."""


class Fault(BaseFault):
    """A more specific one."""


class Mixin:
    """Comes first in an MRO, and has no handler."""


class MixedFault(Mixin, Fault):
    """The most specific one."""


def library(name: str, *bases: type[BaseException]) -> Any:
    """Make a class that looks as if a library had defined it."""
    module, _, qualname = name.rpartition(".")
    return type(qualname, bases or (Exception,), {"__module__": module, "__qualname__": qualname})


def test_a_typed_error_is_itself() -> None:
    """Nothing is made anew."""
    error = ContextNotFound()
    assert ExceptionMapping().resolve(error) is error


def test_an_unmapped_exception_is_a_500_that_says_nothing() -> None:
    """No class name, no text."""
    error = ExceptionMapping().resolve(KeyError("secret"))
    assert (error.status, error.code, error.message) == (
        500,
        "internal",
        "Unexpected server error",
    )
    assert ExceptionMapping().find(KeyError("secret")) is None


@pytest.mark.parametrize("order", [(BaseFault, Fault), (Fault, BaseFault)])
@pytest.mark.parametrize("raised", [Fault, MixedFault])
def test_the_most_specific_class_counts_whatever_was_registered_first(
    order: tuple[type[Exception], ...], raised: type[Exception]
) -> None:
    """By the MRO, never by the order of registration."""
    mapping = ExceptionMapping()
    for cls in order:
        mapping.register(cls, functools.partial(conflict, message=cls.__name__))
    assert mapping.resolve(raised()).message == "Fault"
    assert mapping.resolve(BaseFault()).message == "BaseFault"


def test_a_services_handler_beats_what_the_toolkit_knows_of_the_same_class() -> None:
    """And a known class more specific than the registered one beats the handler."""
    mapping = ExceptionMapping()
    mapping.register(TimeoutError, lambda _: ConflictError("mine"))
    assert mapping.resolve(TimeoutError()).message == "mine"
    other = ExceptionMapping()
    other.register(OSError, lambda _: ConflictError("mine"))
    assert other.resolve(TimeoutError()).code == "timeout"
    assert other.resolve(FileNotFoundError()).message == "mine"


def test_a_handler_can_be_registered_as_a_decorator() -> None:
    """And stays the function that it was."""
    mapping = ExceptionMapping()

    @mapping.register(Fault)
    def handle(exc: Fault) -> KaikoError:
        return ConflictError(str(exc))

    assert mapping.resolve(Fault("x")).message == "x"
    assert handle(Fault("y")).message == "y"


def test_an_installed_mapping_is_frozen() -> None:
    """A handler registered too late would only look as if it counted."""
    mapping = ExceptionMapping()
    Pipeline(Config(mapping=mapping))
    with pytest.raises(RuntimeError, match="Fault is registered too late"):
        mapping.register(Fault, lambda _: NotFoundError())
    with pytest.raises(RuntimeError, match="Fault is registered too late"):
        mapping.register(Fault)
    assert mapping.find(Fault()) is None


@pytest.mark.parametrize("cls", [5, "Fault", int, None, Fault()], ids=ascii)
def test_what_is_no_exception_class_is_refused(cls: Any) -> None:
    """With its name, at once, as a decorator too."""
    with pytest.raises(TypeError, match="register takes one exception class, not "):
        ExceptionMapping().register(cls)


def test_a_typed_errors_class_is_refused() -> None:
    """It always answers for itself."""
    with pytest.raises(TypeError, match="ContextNotFound is a typed error"):
        ExceptionMapping().register(ContextNotFound, lambda exc: exc)


async def wait_for(_exc: object) -> KaikoError:
    """Return a coroutine that nobody would await."""
    return NotFoundError()


class AsyncCallable:
    """Its call gives a coroutine, too."""

    async def __call__(self, _exc: object) -> KaikoError:
        return NotFoundError()

    async def method(self, _exc: object) -> KaikoError:
        """Be a method like any."""
        return NotFoundError()


class SubclassOfAsync(AsyncCallable):
    """Its call is its base's."""


class CallsPartial:
    """Its call is a partial of a coroutine function."""

    __call__ = functools.partial(wait_for)


@pytest.mark.parametrize(
    "handler",
    [
        5,
        "name",
        wait_for,
        AsyncCallable(),
        SubclassOfAsync(),
        AsyncCallable().method,
        functools.partial(wait_for),
        functools.partial(functools.partial(wait_for), None),
        functools.partial(AsyncCallable()),
        MethodType(functools.partial(wait_for), 5),
        CallsPartial(),
    ],
)
def test_a_handler_that_cannot_be_called_is_refused(handler: Any) -> None:
    """Or one whose coroutine nobody would await."""
    with pytest.raises(TypeError, match="must be a plain function"):
        ExceptionMapping().register(Fault, handler)


async def awaited(_exc: Fault) -> KaikoError:
    """Return a coroutine that nobody would await."""
    return ConflictError()


def test_an_async_handler_is_told_what_to_write() -> None:
    """`def`, and why."""
    wrong: Any = awaited
    with pytest.raises(TypeError, match="write def, since an async def would not be awaited"):
        ExceptionMapping().register(Fault, wrong)
    with pytest.raises(TypeError, match=r"or the class of one$"):
        ExceptionMapping().register(Fault, cast("Any", 5))  # wrong on purpose


def conflict(_exc: object, message: str = "any callable") -> KaikoError:
    """Handle anything."""
    return ConflictError(message)


class SyncCallable:
    """An object that can be called."""

    def __call__(self, _exc: object) -> KaikoError:
        return ConflictError("any callable")


@pytest.mark.parametrize(
    "handler", [conflict, functools.partial(conflict, message="any callable"), SyncCallable()]
)
def test_any_other_callable_will_do(handler: Any) -> None:
    """Functions, partials, objects."""
    mapping = ExceptionMapping()
    mapping.register(Fault, handler)
    assert mapping.resolve(Fault()).message == "any callable"


def test_a_handler_that_returns_none_leaves_the_exception_unmapped() -> None:
    """Some of a class are the service's bugs; the base's handler is not asked then."""
    mapping = ExceptionMapping()
    mapping.register(Exception, lambda _: ConflictError())
    mapping.register(Fault, lambda exc: ConflictError() if exc.args else None)
    assert mapping.find(Fault()) is None
    assert mapping.resolve(Fault()).code == "internal"
    assert mapping.resolve(Fault("said")).code == "conflict"


def test_a_handler_that_returns_something_else_is_an_error_of_its_own() -> None:
    """Silence would be a wrong answer."""
    mapping = ExceptionMapping()
    handler: Any = lambda exc: str(exc)  # noqa: E731, PLW0108 - a function, and no class
    mapping.register(Fault, handler)
    with pytest.raises(TypeError, match="the handler of Fault returned no KaikoError"):
        mapping.find(Fault())


def test_a_class_of_errors_answers_with_its_own_message() -> None:
    """Never with the exception's text; also as a decorator, which leaves the class alone."""
    mapping = ExceptionMapping()
    assert mapping.register(BaseFault, NotFoundError) is NotFoundError

    @mapping.register(Fault)
    class FaultFound(ConflictError, code="unit_fault_found", message="There is a fault"): ...

    error = mapping.resolve(BaseFault("secret"))
    assert (type(error), error.message) == (NotFoundError, "The resource was not found")
    error = mapping.resolve(MixedFault("secret"))
    assert (type(error), error.message) == (FaultFound, "There is a fault")
    assert mapping.resolve(Fault()) is not mapping.resolve(Fault())


class TakesAnything(ConflictError):
    """Its arguments say nothing of what it needs."""

    def __init__(self, *reasons: str, **others: str) -> None:
        super().__init__(reasons[0] if reasons else "Nothing", param=others.get("where"))


class Unsigned(ConflictError):
    """Its signature cannot be read."""

    __signature__ = "none"


@pytest.mark.parametrize("cls", [TakesAnything, Unsigned])
def test_a_class_that_may_need_nothing_is_called_with_nothing(cls: type[KaikoError]) -> None:
    """Only what can be told beforehand is refused."""
    mapping = ExceptionMapping()
    mapping.register(Fault, cls)
    assert type(mapping.resolve(Fault("secret"))) is cls
    assert "secret" not in mapping.resolve(Fault("secret")).message


@pytest.mark.parametrize(
    ("cls", "needed"),
    [(MissingFieldError, "param"), (Throttled, "plan"), (DuplicateId, "external")],
)
def test_a_class_that_needs_arguments_is_refused(cls: type[KaikoError], needed: str) -> None:
    """A handler can make it, and what it needs is said."""
    with pytest.raises(TypeError, match=f"of Fault is {cls.__name__}, which needs '{needed}"):
        ExceptionMapping().register(Fault, cls)


@pytest.mark.parametrize("cls", [str, KeyError, Fault])
def test_a_class_of_anything_else_is_no_handler(cls: Any) -> None:
    """It would be called with the exception, and return no error."""
    with pytest.raises(TypeError, match="which is no typed error"):
        ExceptionMapping().register(Fault, cls)


def test_what_answers_a_class_is_remembered_only_so_far() -> None:
    """A service may make classes as it goes; a handler that comes later counts."""
    mapping = ExceptionMapping()
    for number in range(600):
        assert mapping.find(type(f"Made{number}", (Fault,), {})()) is None
    assert mapping.find(Fault()) is None
    assert len(mapping._chosen) <= 256
    mapping.register(Fault, conflict)
    assert mapping.resolve(Fault()).status == 409


# --- what the toolkit knows of libraries -----------------------------------------------

HTTP_EXCEPTION = library("starlette.exceptions.HTTPException")
FASTAPI_EXCEPTION = library("fastapi.exceptions.HTTPException", HTTP_EXCEPTION)


def http_exception(cls: Any = HTTP_EXCEPTION, **attributes: Any) -> BaseException:
    """Make an HTTP exception as Starlette does."""
    exc: BaseException = cls()
    vars(exc).update(attributes)
    return exc


@pytest.mark.parametrize("cls", [HTTP_EXCEPTION, FASTAPI_EXCEPTION], ids=["starlette", "fastapi"])
def test_an_http_exception_keeps_status_detail_and_headers(cls: Any) -> None:
    """On 4xx; FastAPI's derives from Starlette's."""
    exc = http_exception(cls, status_code=409, detail="Taken", headers={"Vary": "Accept"})
    error = ExceptionMapping().resolve(exc)
    assert (error.status, error.code, error.message) == (409, "conflict", "Taken")
    assert error.headers == (("Vary", "Accept"),)


@pytest.mark.parametrize(
    ("status", "detail", "message"),
    [
        (404, "Not Found", "The resource was not found"),
        (422, "Unprocessable Entity", "A field has an invalid value"),
        (404, {"code": 5}, "The resource was not found"),
        (404, None, "The resource was not found"),
        (404, "x" * 2000, "x" * 2000),
        (400, "<b> is no role", "<b> is no role"),
        (503, "db-7 is down", "The service is temporarily unavailable"),
        (502, "db-7 is down", "The service is temporarily unavailable"),
        (501, "later", "Unexpected server error"),
    ],
)
def test_a_detail_is_the_message_where_it_is_an_authors_text_on_4xx(
    status: int, detail: object, message: str
) -> None:
    """Phrases and objects are none, and nothing of a 5xx is shown."""
    exc = http_exception(status_code=status, detail=detail, headers=None)
    assert ExceptionMapping().resolve(exc).message == message


@pytest.mark.parametrize(
    ("detail", "message", "code", "param"),
    [
        ({"error": "It is taken"}, "It is taken", "invalid_value", None),
        ({"error": "taken", "message": "By you"}, "By you", "taken", None),
        (
            {"error": {"message": "By you", "type": "x", "param": "name", "code": "taken"}},
            "By you",
            "taken",
            "name",
        ),
        ({"errors": [{"message": "By you", "code": "taken"}]}, "By you", "taken", None),
        (
            [{"loc": ["query", "limit"], "msg": "s3cret is too much", "type": "value_error"}],
            "The 'limit' parameter has an invalid value",
            "invalid_limit",
            "limit",
        ),
        (
            {"errors": [{"loc": ["body", "name"], "msg": "s3cret", "type": "missing"}]},
            "The 'name' field is required",
            "missing_field",
            "name",
        ),
    ],
)
def test_a_detail_is_read_as_the_body_it_would_be(
    detail: object, message: str, code: str, param: str | None
) -> None:
    """Whatever a service gives it, and with its headers."""
    headers = {"Vary": "Accept"}
    exc = http_exception(status_code=422, detail=detail, headers=headers)
    raised = ExceptionMapping().resolve(exc)
    assert raised.headers == (("Vary", "Accept"),)
    raised = ExceptionMapping().resolve(
        http_exception(status_code=422, detail=detail, headers=None)
    )
    assert raised.headers == ()
    returned = error_from_answer(
        422, json.dumps({"detail": detail}).encode(), content_type="application/json"
    )
    for error in (raised, returned):
        assert (error.message, error.code, error.param) == (message, code, param)
    assert type(raised) is type(returned)


@pytest.mark.parametrize(("given", "param"), [("messages[0].role", "messages[0].role"), (5, None)])
def test_a_detail_object_has_a_code_a_message_and_a_param(given: object, param: str | None) -> None:
    """Of a 5xx none of them is shown."""
    detail = {"code": "bad_role", "message": "No such role", "param": given}
    error = ExceptionMapping().resolve(http_exception(status_code=422, detail=detail, headers=None))
    assert (error.code, error.message, error.param) == ("bad_role", "No such role", param)
    error = ExceptionMapping().resolve(http_exception(status_code=503, detail=detail, headers=None))
    assert (error.code, error.param) == ("service_unavailable", None)


def test_a_detail_object_in_the_words_of_fastapi_users() -> None:
    """Its code is in capitals, and its text is a reason."""
    detail = {"code": "REGISTER_INVALID_PASSWORD", "reason": "Too short"}
    error = ExceptionMapping().resolve(http_exception(status_code=400, detail=detail, headers=None))
    assert (error.code, error.message) == ("register_invalid_password", "Too short")


@pytest.mark.parametrize("status", [99, 101, 204, 302, 304, 600, 700, "404", None, True])
def test_an_http_exception_without_an_error_status_is_unmapped(status: object) -> None:
    """A redirect is the framework's; 700 is a bug."""
    exc = http_exception(status_code=status, detail="x", headers=["no", "mapping"])
    assert ExceptionMapping().find(exc) is None


def test_headers_that_are_no_mapping_are_left_out() -> None:
    """A list where a mapping is due does not cost the answer."""
    exc = http_exception(status_code=404, detail="x", headers=["a"])
    assert ExceptionMapping().resolve(exc).headers == ()


DJANGO = "django.core.exceptions."


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("django.http.response.Http404", 404, "not_found"),
        (f"{DJANGO}PermissionDenied", 403, "permission_denied"),
        (f"{DJANGO}SuspiciousOperation", 400, "bad_request"),
        (f"{DJANGO}BadRequest", 400, "bad_request"),
        (f"{DJANGO}DisallowedHost", 400, "invalid_host"),
        (f"{DJANGO}RequestDataTooBig", 413, "payload_too_large"),
        (f"{DJANGO}TooManyFieldsSent", 400, "too_many_fields"),
        (f"{DJANGO}TooManyFilesSent", 400, "too_many_fields"),
        ("django.http.multipartparser.MultiPartParserError", 400, "invalid_form"),
        ("django.db.utils.OperationalError", 503, "service_unavailable"),
        ("django.db.utils.InterfaceError", 503, "service_unavailable"),
        ("starlette.formparsers.MultiPartException", 400, "invalid_form"),
    ],
)
def test_a_frameworks_exception_has_its_status_and_a_fixed_text(
    name: str, status: int, code: str
) -> None:
    """Their texts are written for developers and never shown."""
    cls = library(name)
    for raised in (cls, library("service.Own", cls)):
        error = ExceptionMapping().resolve(raised("secret detail"))
        assert (error.status, error.code) == (status, code)
        assert "secret" not in error.message


def refused(body: object, errors: object) -> BaseException:
    """Make what FastAPI raises for a request that it refuses."""
    exc: BaseException = library("fastapi.exceptions.RequestValidationError")()
    vars(exc).update(body=body, errors=lambda: errors)
    return exc


@pytest.mark.parametrize(
    ("body", "errors", "status", "code"),
    [
        ({}, [{"type": "missing", "loc": ("body", "a")}], 400, "missing_field"),
        (
            b"raw",
            [{"type": "model_attributes_type", "loc": ("body",)}],
            415,
            "unsupported_media_type",
        ),
        ({}, [], 422, "invalid_value"),
        ({}, "no list", 422, "invalid_value"),
    ],
    ids=range(4),
)
def test_what_fastapi_refuses_follows_section_7(
    body: object, errors: object, status: int, code: str
) -> None:
    """Where no handler of ours saw it."""
    error = ExceptionMapping().resolve(refused(body, errors))
    assert (error.status, error.code) == (status, code)


def raised_in(
    module: str, exc: BaseException, context: BaseException | None, function: str = "f"
) -> BaseException:
    """Raise an exception in a module's function, while another one is handled."""
    exc = exc.with_traceback(None)
    namespace: dict[str, Any] = {"__name__": module, "exc": exc, "context": context}
    code = f"def {function}():\n try:\n  raise context or exc\n finally:\n  raise exc"
    try:
        exec(code, namespace)  # noqa: S102 - only so does a frame have a module's name
        namespace[function]()
    except BaseException as caught:  # noqa: BLE001 - that is what is wanted
        return caught
    raise AssertionError


def test_a_framework_that_fails_to_echo_an_error_does_not_hide_it() -> None:
    """Input that is no JSON (NaN, a surrogate) is no bug of the service's."""
    handlers = "fastapi.exception_handlers"
    starlettes = "starlette.middleware.exceptions"
    invalid = refused({}, [{"type": "missing", "loc": ("body", "a")}])
    teapot = http_exception(status_code=418, detail={"x": 1}, headers=None)
    texted = http_exception(status_code=418, detail="text", headers=None)
    resolve = ExceptionMapping().resolve
    assert resolve(raised_in(handlers, ValueError("nan"), invalid)).code == "missing_field"
    assert resolve(raised_in(handlers, ValueError("nan"), teapot)).code == "im_a_teapot"
    for failed in (AttributeError("encode"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")):
        for given in (teapot, texted):
            own = raised_in(starlettes, failed, given, "http_exception")
            assert resolve(own).code == "im_a_teapot"
            assert resolve(raised_in(starlettes, failed, given)).code == "internal"
    deep = raised_in("pydantic", TypeError("no dict"), invalid)
    assert resolve(raised_in(handlers, ValueError("nan"), deep)).code == "missing_field"
    unrelated = raised_in("pydantic", TypeError("no dict"), KeyError("a"))
    assert resolve(raised_in(handlers, ValueError("nan"), unrelated)).code == "internal"
    assert resolve(raised_in("service", ValueError("nan"), invalid)).code == "internal"
    assert resolve(raised_in("service", AttributeError("x"), teapot)).code == "internal"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Missing boundary in multipart.", "invalid_form"),
        ("Too many files. Maximum number of files is 1.", "too_many_fields"),
    ],
)
def test_a_form_that_starlette_cannot_read_is_seen_behind_its_http_exception(
    text: str, code: str
) -> None:
    """Only behind its own: a service that catches it says what it wants."""
    body = {"__module__": "starlette.formparsers", "message": text}
    unreadable: Exception = type("MultiPartException", (Exception,), body)(text)
    raised = http_exception(status_code=400, detail=text, headers=None)
    own = http_exception(status_code=418, detail="Read the manual", headers=None)
    resolve = ExceptionMapping().resolve
    assert resolve(unreadable).code == code
    assert resolve(raised_in("starlette.requests", raised, unreadable)).code == code
    assert resolve(raised_in("service", own, unreadable)).message == "Read the manual"
    assert resolve(raised_in("starlette.requests", ValueError(), unreadable)).code == "internal"


@pytest.mark.parametrize(
    ("module", "function", "exc", "code"),
    [
        ("starlette.requests", "json", json.JSONDecodeError("no", "x", 0), "invalid_json"),
        (
            "starlette.requests",
            "json",
            UnicodeDecodeError("utf-8", b"x", 0, 1, "n"),
            "invalid_json",
        ),
        ("starlette.requests", "json", RecursionError(), "invalid_json"),
        ("starlette.requests", "json", KeyError("x"), "internal"),
        ("starlette.requests", "body", ValueError("x"), "internal"),
        ("starlette.convertors", "convert", ValueError("too long"), "not_found"),
        ("starlette.convertors", "to_string", ValueError("x"), "internal"),
        ("service.convertors", "convert", ValueError("x"), "internal"),
        ("service", "json", json.JSONDecodeError("no", "x", 0), "internal"),
        ("webob.request", "_json_body__get", LookupError("unknown encoding: x"), "invalid_json"),
        ("webob.request", "POST", DeprecationWarning("not UTF-8"), "invalid_form"),
        ("webob.request", "accept", ValueError("x"), "bad_request"),
        ("webob.descriptors", "fget", ValueError("x"), "bad_request"),
        ("webob.response", "status", ValueError("x"), "internal"),
        ("service", "json", LookupError("unknown encoding: x"), "internal"),
    ],
    ids=range(15),
)
def test_what_a_framework_cannot_read_of_a_request_is_the_clients(
    module: str, function: str, exc: Exception, code: str
) -> None:
    """Seen by where it was raised; the same exception of the service's own is a bug."""
    assert ExceptionMapping().resolve(raised_in(module, exc, None, function)).code == code
    mapping = ExceptionMapping()
    mapping.register(Exception, lambda _: ConflictError("Ours"))
    assert mapping.resolve(raised_in(module, exc, None, function)).message == "Ours"


_WERKZEUG = library("werkzeug.exceptions.HTTPException")
_FALCON = library("falcon.http_error.HTTPError")


@pytest.mark.parametrize(
    ("cls", "said", "status", "message"),
    [
        (_FALCON, {"status_code": 403, "title": "403 Forbidden", "description": "No"}, 403, "No"),
        (_FALCON, {"status_code": 409, "title": "Taken", "description": None}, 409, "Taken"),
        (library("bottle.HTTPResponse"), {"status_code": 409, "body": "Taken"}, 409, "Taken"),
        (_WERKZEUG, {"code": 409, "description": "Taken"}, 409, "Taken"),
        (_WERKZEUG, {"code": 409}, 409, None),
        (_WERKZEUG, {"code": 404, "description": "Not Found"}, 404, None),
        (_WERKZEUG, {"code": 503, "description": "db-7 is down"}, 503, None),
        (_WERKZEUG, {"code": 302}, 500, None),
        (library("pyramid.exceptions.URLDecodeError", ValueError), {}, 400, None),
    ],
    ids=range(9),
)
def test_what_other_frameworks_raise_in_a_stream_keeps_its_status(
    cls: Any, said: dict[str, Any], status: int, message: str | None
) -> None:
    """They answer it themselves everywhere else."""
    error = ExceptionMapping().resolve(http_exception(cls, **said))
    default = error_for_status(status).message
    assert (error.status, error.message) == (status, message or default)


def test_werkzeugs_headers_are_kept() -> None:
    """It makes them when asked."""
    fields = [("Allow", "GET")]
    exc = http_exception(_WERKZEUG, code=405, get_headers=lambda: fields)
    assert ExceptionMapping().resolve(exc).headers == (("Allow", "GET"),)


def test_a_client_that_left_webob_is_no_error() -> None:
    """Pyramid's request says so while it reads the body."""
    assert is_disconnect(library("webob.request.DisconnectionError", OSError)())


def test_starlettes_complaint_that_the_answer_has_started_is_seen_through() -> None:
    """A handled exception after the head is wrapped once for each application mounted."""
    started = "Caught handled exception, but response already started."
    exc: BaseException = ConflictError("inner")
    for _ in range(3):
        outer = RuntimeError(started)
        outer.__cause__ = exc
        exc = outer
    assert ExceptionMapping().resolve(exc).message == "inner"
    exc.__cause__ = exc
    assert ExceptionMapping().find(exc) is None
    assert ExceptionMapping().find(RuntimeError(started)) is None


def late(cause: BaseException | None) -> BaseException:
    """Return what Litestar raises from what comes after a head."""
    exc: Any = library("litestar.exceptions.base_exceptions.LitestarException")()
    exc.detail = "Exception caught after response started"
    exc.__cause__ = cause
    found: BaseException = exc
    return found


def test_what_litestar_hides_behind_its_own_exception() -> None:
    """Each of its layers wraps what comes after the head, and its streams put that in a group."""
    group = ExceptionGroup("stream", [ConflictError("inner")])
    assert ExceptionMapping().resolve(late(late(group))).message == "inner"
    assert ExceptionMapping().find(late(None)) is None
    gone = library("starlette.requests.ClientDisconnect")()
    assert is_disconnect(late(ExceptionGroup("stream", [gone])))
    layers = Layers("req-0123456789")
    layers.reported = group.exceptions[0]
    assert layers.was_reported(late(late(group)))
    assert not layers.was_reported(late(ValueError()))


def test_litestars_mistakes_of_the_service_are_bugs() -> None:
    """They are HTTP exceptions with a status, which says nothing."""
    for name in ("ImproperlyConfigured", "NoRouteMatchFound", "TemplateNotFound"):
        cls = library(f"litestar.exceptions.http_exceptions.{name}Exception")
        assert ExceptionMapping().find(cls()) is None


def test_a_client_librarys_failure_is_an_upstreams() -> None:
    """Also where the service did not translate it."""
    error = ExceptionMapping().resolve(library("httpx.ConnectError")("secret"))
    assert (error.status, error.code) == (503, "service_unavailable")
    assert "secret" not in error.message


def test_a_timeout_is_a_503_timeout() -> None:
    """Whichever library's, since they all derive from the builtin."""
    error = ExceptionMapping().resolve(TimeoutError("secret"))
    assert (error.status, error.code, error.message) == (
        503,
        "timeout",
        "The operation timed out",
    )


def test_a_class_of_the_same_name_elsewhere_is_not_known() -> None:
    """Module and name count, not the name alone."""
    assert ExceptionMapping().find(library("service.errors.PermissionDenied")()) is None


DISCONNECTS = [
    "starlette.requests.ClientDisconnect",
    "uvicorn.protocols.utils.ClientDisconnected",
    f"{DJANGO}RequestAborted",
    "django.http.request.UnreadablePostError",
]


@pytest.mark.parametrize("name", DISCONNECTS)
def test_a_client_that_went_away_is_no_error(name: str) -> None:
    """Nobody waits for an answer."""
    gone = library(name)()
    assert is_disconnect(gone)
    assert is_disconnect(ExceptionGroup("", [gone, ExceptionGroup("", [gone])]))
    assert not is_disconnect(ExceptionGroup("", [gone, ValueError()]))
    assert ExceptionMapping().find(gone) is None
    assert ExceptionMapping().find(ExceptionGroup("", [gone, gone])) is None


def client_disconnect(context: BaseException | None) -> BaseException:
    """Make what Starlette raises in the place of an OSError of a body's iterator."""
    gone: BaseException = library("starlette.requests.ClientDisconnect")()
    gone.__context__ = context
    return gone


def test_starlettes_guess_that_the_client_left_is_seen_through() -> None:
    """An OSError that is none of a server's failed in the service."""
    assert is_disconnect(client_disconnect(None))
    assert is_disconnect(client_disconnect(ValueError()))
    lost = library("uvicorn.protocols.utils.ClientDisconnected", OSError)()
    assert is_disconnect(client_disconnect(lost))
    assert not is_disconnect(client_disconnect(FileNotFoundError()))
    assert ExceptionMapping().resolve(client_disconnect(TimeoutError())).code == "timeout"


# --- groups ------------------------------------------------------------------------------

TYPED_404 = NotFoundError("typed 404")
TYPED_409 = ConflictError("typed 409")
TYPED_500 = ServerError("typed 500")
TYPED_503 = ServiceUnavailableError("typed 503")
HTTP_410 = http_exception(status_code=410, detail="http 410", headers=None)
HTTP_503 = http_exception(status_code=503, detail="http 503", headers=None)
GONE = library("starlette.requests.ClientDisconnect")()


def group(*members: BaseException) -> BaseException:
    """Make a group, exceptional or not as its members are."""
    return BaseExceptionGroup("group", members)


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (group(TYPED_404), 404, "typed 404"),
        (group(TYPED_404, TYPED_409), 404, "typed 404"),
        (group(TYPED_409, TYPED_404), 409, "typed 409"),
        (group(TYPED_404, TYPED_503, TYPED_500), 503, "typed 503"),
        (group(TYPED_404, TYPED_500, TYPED_503), 500, "typed 500"),
        (group(HTTP_410, TYPED_404), 410, "http 410"),
        (group(TYPED_404, HTTP_503), 404, "typed 404"),
        (group(HTTP_503, TYPED_404), 503, "The service is temporarily unavailable"),
        (group(HTTP_503, TYPED_404, TYPED_500), 500, "typed 500"),
        (group(TYPED_404, TimeoutError()), 503, "The operation timed out"),
        (group(TYPED_404, group(group(TYPED_409), TYPED_503)), 503, "typed 503"),
        (group(group(TYPED_404), TYPED_409), 404, "typed 404"),
        (group(GONE, TYPED_404), 404, "typed 404"),
    ],
)
def test_a_group_is_answered_by_the_leaf_that_counts_most(
    raised: BaseException, status: int, message: str
) -> None:
    """Typed 5xx first, then typed 4xx and HTTP exceptions, each the first raised."""
    error = ExceptionMapping().resolve(raised)
    assert (error.status, error.message) == (status, message)


@pytest.mark.parametrize(
    "raised",
    [
        group(ValueError()),
        group(TYPED_503, ValueError()),
        group(TYPED_404, group(TYPED_503, group(KeyError()))),
    ],
)
def test_an_unmapped_leaf_makes_its_group_unmapped(raised: BaseException) -> None:
    """A bug is not hidden by an error that was foreseen."""
    assert ExceptionMapping().find(raised) is None


def test_a_leaf_comes_once_however_often_it_is_held() -> None:
    """A group of twice the same group, and so on, is done with at once."""
    leaf = ValueError("a")
    exc: Exception = leaf
    for _ in range(64):
        twice: list[Exception] = [exc, exc]
        exc = ExceptionGroup("g", twice)
    assert list(leaves(exc)) == [leaf]


def test_leaves_are_what_the_group_was_made_of() -> None:
    """Whatever its class says of them."""

    class Circular(ExceptionGroup[Exception]):
        @property
        def exceptions(self) -> Any:
            return (self,)

    leaf = ValueError("a")
    assert list(leaves(Circular("g", [leaf]))) == [leaf]


def test_leaves_come_in_the_order_raised() -> None:
    """Nested ones too; an exception that is no group is its own leaf."""
    assert list(leaves(TYPED_404)) == [TYPED_404]
    nested = group(TYPED_404, group(TYPED_409, group(TYPED_500)), TYPED_503)
    assert list(leaves(nested)) == [TYPED_404, TYPED_409, TYPED_500, TYPED_503]


def test_deeply_nested_groups_are_no_trouble() -> None:
    """No recursion of ours is as deep as theirs."""
    deep: BaseException = TYPED_404
    for _ in range(5_000):
        deep = group(deep)
    assert ExceptionMapping().resolve(deep) is TYPED_404
    assert not is_disconnect(deep)
    while isinstance(deep, BaseExceptionGroup):  # let go of it without recursion, too
        deep = deep.exceptions[0]


class BatchFailed(ExceptionGroup[Exception]):
    """A service's own group."""


def test_a_group_whose_class_has_a_handler_is_answered_by_it() -> None:
    """A handler of Exception means the leaves."""
    mapping = ExceptionMapping()
    mapping.register(BatchFailed, lambda exc: InvalidRequestError(exc.message))
    mapping.register(Exception, lambda _: ConflictError("any"))
    assert mapping.resolve(BatchFailed("the batch", [ValueError()])).message == "the batch"
    assert mapping.resolve(ExceptionGroup("others", [TYPED_404, ValueError()])) is TYPED_404

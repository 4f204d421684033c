"""`install(api)`: once, on an API, beside a service's own handlers, and by which settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Router, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from adapters.django.atomic_table import atomic_table, write_row
from adapters.django.row import BROWSER
from adapters.django.stacks import Stack
from adapters.django.support import each_wsgi_stack, heard
from adapters.drf.asking import WSGI, ask, error, refused
from adapters.drf.checks import each_stack
from adapters.ninja.apis import Api, araising, bare_api, new_api, project, raising, serving
from kaiko_middleware import (
    Config,
    ErrorReport,
    ExceptionMapping,
    ForbiddenError,
    KaikoError,
    NotFoundError,
    PayloadTooLargeError,
)
from kaiko_ninja import install

if TYPE_CHECKING:
    from collections.abc import Iterator


def fails(make: Any) -> Any:
    """Return an operation that raises what `make` makes."""

    def operation(request: HttpRequest) -> Any:
        del request
        raise make()

    return operation


def bare(make: Any) -> NinjaAPI:
    """Return an API of one operation, not installed."""
    api = bare_api()
    api.get("/x")(fails(make))
    return api


def test_twice_is_an_error() -> None:
    """A second call would do nothing, and hide a mistake."""
    api = new_api()
    with pytest.raises(RuntimeError, match=r"kaiko_ninja\.install: .* already; install it once"):
        install(api)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (None, "None"),
        ("api", "the string 'api'"),
        (NinjaAPI, "the class NinjaAPI: make an instance of it first"),
        (Router(), "ninja.Router: install on the API that the router is added to"),
    ],
    ids=["nothing", "string", "class", "router"],
)
def test_an_api_is_wanted(wrong: Any, said: str) -> None:
    """Anything else is refused at once."""
    with pytest.raises(TypeError) as refused:
        install(wrong)
    assert str(refused.value) == f"kaiko_ninja.install takes a NinjaAPI, not {said}"


def test_a_config_is_wanted() -> None:
    """A dict is not one."""
    wrong: Any = {"challenge": "Own"}
    with pytest.raises(TypeError, match=r"not dict: Config\.from_mapping"):
        install(bare(ValueError), wrong)


def test_a_config_of_its_own() -> None:
    """An API may have other settings than the project: its own challenge, mapping and hooks."""
    api = bare(AuthenticationError)
    reports: list[ErrorReport] = []
    install(api, Config(challenge="Own", on_error=[reports.append]))
    answer = ask(serving(api))
    assert (answer.status, answer.one("www-authenticate")) == (401, "Own")
    (report,) = reports
    assert isinstance(report.exception, AuthenticationError)


def test_paths_of_its_own() -> None:
    """What they leave out is Ninja's affair, and the middleware's."""
    api = bare(lambda: HttpError(409, "Taken"))
    install(api, Config(paths=["/elsewhere"]))
    assert refused(serving(api))[:2] == (409, "conflict")


@pytest.mark.parametrize(
    ("make", "status", "body"),
    [
        (lambda: HttpError(409, "Taken"), 409, {"detail": "Taken"}),
        (lambda: Http404("secret"), 404, {"detail": "Not Found"}),
        (lambda: ValidationError([]), 422, {"detail": []}),
    ],
)
def test_paths_left_out_are_ninjas(make: Any, status: int, body: object) -> None:
    """Where the contract does not hold, Ninja answers as ever."""
    api: Any = raising(make).view
    answer = WSGI.ask(serving(api, KAIKO_MIDDLEWARE={"paths": ["/v2"]}))
    assert (answer.status, json.loads(answer.body)) == (status, body)
    assert answer.all("x-request-id") == []


@pytest.mark.parametrize("make", [NotFoundError, ValueError])
def test_paths_left_out_raise(make: Any) -> None:
    """What Ninja knows no answer to is Django's, there too."""
    api: Any = raising(make).view
    answer = WSGI.ask(serving(api, KAIKO_MIDDLEWARE={"exclude_paths": ["/x"]}))
    assert answer.status == 500
    assert b"<h1>Server Error" in answer.body


class TestOwnHandlers:
    """Handlers that a service registers itself."""

    @staticmethod
    def own(request: HttpRequest, exc: Any) -> HttpResponse:
        """Answer in the service's words."""
        del request
        text = f"Mine: {type(exc).__name__}"
        return HttpResponse(text, status=418, content_type="text/plain")

    @pytest.mark.parametrize("first", [True, False])
    @pytest.mark.parametrize(
        ("kind", "make"),
        [
            (HttpError, lambda: HttpError(409, "Taken")),
            (Exception, lambda: ValueError("secret")),
            (Exception, PermissionDenied),
            (PermissionDenied, PermissionDenied),
            (NotFoundError, NotFoundError),
            (Http404, Http404),
        ],
    )
    def test_stay_in_force(self, make: Any, kind: Any, *, first: bool) -> None:
        """Registered before or after, they answer; what they answer is rewritten."""
        api = bare(make)
        if first:
            api.add_exception_handler(kind, self.own)
        install(api)
        if not first:
            api.add_exception_handler(kind, self.own)
        said = error(serving(api))
        assert (said["status"], said["code"]) == (418, "im_a_teapot")
        assert said["message"].startswith("Mine: ")

    def test_mapping_of_a_denial_comes_first(self) -> None:
        """A class of its own in the settings says more than a handler of everything."""
        mapping = ExceptionMapping()
        mapping.register(PermissionDenied, lambda _exc: NotFoundError("Hidden"))
        api = bare(lambda: PermissionDenied("secret"))
        api.add_exception_handler(Exception, self.own)
        install(api, Config(mapping=mapping))
        assert error(serving(api))["message"] == "Hidden"

    def test_typed_errors_are_answered_beside_one_for_everything(self) -> None:
        """A handler of last resort does not see what is mapped to its class."""
        api = bare(lambda: NotFoundError("Typed"))
        api.add_exception_handler(Exception, self.own)
        install(api)
        assert error(serving(api))["message"] == "Typed"


class TestMessages:
    """What authors write into `HttpError`."""

    @pytest.mark.parametrize(
        ("status", "message", "expected"),
        [
            (404, "No such model", ("not_found", "No such model")),
            (404, "Not Found", ("not_found", "The resource was not found")),
            (409, "x" * 2000, ("conflict", "x" * 1024)),
            (
                404,
                {"message": "No model", "code": "model_not_found"},
                ("model_not_found", "No model"),
            ),
            (429, "Slow down", ("too_many_requests", "Slow down")),
            (400, ["odd"], ("bad_request", "The request is invalid")),
            (500, "secret", ("internal", "Unexpected server error")),
            (503, "secret", ("service_unavailable", "The service is temporarily unavailable")),
        ],
    )
    def test_go_out_on_4xx(self, status: int, message: Any, expected: object) -> None:
        """A text is the message; an object is read as an answer would be."""
        said = error(raising(lambda: HttpError(status, message)))
        assert said["status"] == status
        assert (said["code"], said["message"]) == expected

    @pytest.mark.parametrize("status", [422, 429])
    def test_keep_the_param_of_an_object(self, status: int) -> None:
        """Like its code and its text."""
        detail = {"message": "No such role", "code": "bad_role", "param": "messages[0].role"}
        said = error(raising(lambda: HttpError(status, cast("Any", detail))))  # Ninja says str
        assert (said["code"], said["param"]) == ("bad_role", "messages[0].role")


class Number(Schema):
    """A body."""

    n: int


def test_typed_error_of_a_parser() -> None:
    """Ninja takes whatever a parser raises for a body that cannot be read; ours is itself."""

    class Strict(Parser):
        def parse_body(self, request: HttpRequest) -> Any:
            if len(request.body) > 2:
                raise PayloadTooLargeError
            return super().parse_body(request)

    def operation(request: HttpRequest, body: Number) -> str:
        del request, body
        return "fine"

    asked = project(operation, method="POST", api={"parser": Strict()})
    assert refused(asked, {"a": 1}) == (413, "payload_too_large", None)


def test_debug_shows_no_traceback_to_programs() -> None:
    """Ninja's own handler would send it as text to everybody."""
    api: Any = raising(lambda: ValueError("secret")).view
    program = ask(serving(api, DEBUG=True), headers=[("Accept", "application/json")])
    assert b"secret" not in program.body
    browser = WSGI.ask(serving(api, DEBUG=True), headers=BROWSER)
    assert browser.one("content-type").startswith("text/html")


def test_mapping_of_the_project() -> None:
    """The service's own handlers count, most specific first."""
    mapping = ExceptionMapping()

    def hidden(_exc: Exception) -> KaikoError:
        return ForbiddenError("Hidden")

    mapping.register(AuthenticationError, hidden)
    mapping.register(Exception, hidden)
    settings = {"KAIKO_MIDDLEWARE": {"mapping": mapping}}

    def said(make: Any) -> Any:
        api: Any = raising(make).view
        return error(serving(api, **settings))

    assert said(AuthenticationError)["message"] == "Hidden"
    assert said(lambda: HttpError(404, "No"))["message"] == "No"
    assert said(ValueError)["message"] == "Hidden"


@each_stack
@pytest.mark.parametrize("make", [raising, araising])
def test_unmapped_is_signalled_once(stack: Stack, make: Any) -> None:
    """What nobody foresaw leaves the operation, so that Django and its trackers see it once."""
    with heard(got_request_exception) as found:
        answer = stack.ask(make(lambda: ValueError("secret")))
    assert [repr(exc) for exc in found] == ["ValueError('secret')"]
    assert (answer.status, answer.raised) == (500, None)


@each_stack
@pytest.mark.parametrize("make", [AuthenticationError, Http404, NotFoundError, TimeoutError])
def test_mapped_is_not_signalled(stack: Stack, make: Any) -> None:
    """What somebody foresaw is no crash."""
    with heard(got_request_exception) as found:
        stack.ask(raising(make))
    assert found == []


@each_stack
def test_hooks_are_told_of_ninjas_exception(stack: Stack) -> None:
    """A hook gets the exception itself beside the typed error."""
    asked = raising(lambda: HttpError(409, "Taken"))
    seen: list[Any] = []
    api: Any = asked.view
    stack.ask(serving(api, KAIKO_MIDDLEWARE={"on_error": [seen.append]}))
    (report,) = seen
    assert isinstance(report.exception, HttpError)
    assert (report.error.code, report.unmapped) == ("conflict", False)


@pytest.fixture
def rows() -> Iterator[Any]:
    """A table in a database whose requests are transactions; calling it counts its rows."""
    with atomic_table() as count:
        yield count


def writing(make: Any) -> Api:
    """Return a project that writes a row and raises."""

    def operation(request: HttpRequest) -> str:
        del request
        write_row()
        if make is None:
            return "fine"
        raise make()

    return project(operation)


@pytest.mark.parametrize(
    "make",
    [
        lambda: HttpError(409, "Taken"),
        lambda: ValidationError([]),
        AuthenticationError,
        NotFoundError,
        Http404,
        TimeoutError,
        ValueError,
    ],
    ids=["http", "validation", "auth", "typed", "404", "timeout", "bug"],
)
@each_wsgi_stack
def test_nothing_is_committed(stack: Stack, make: Any, rows: Any) -> None:
    """An operation that fails has written nothing, though its answer is returned inside of it."""
    assert stack.ask(writing(make)).status >= 400
    assert rows() == 0


@each_wsgi_stack
def test_a_success_is_committed(stack: Stack, rows: Any) -> None:
    """The test above tests something."""
    assert stack.ask(writing(None)).status == 200
    assert rows() == 1


def test_without_the_middleware() -> None:
    """An API that is installed answers with envelopes, and an id, by itself."""
    asked = raising(lambda: HttpError(409, "Taken"))
    answer = WSGI.ask(asked, ours=False)
    assert json.loads(answer.body)["error"]["request_id"] == answer.id

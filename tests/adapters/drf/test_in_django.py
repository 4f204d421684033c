"""What DRF and Django still do: transactions, signals, successes, and paths that are not ours."""

from __future__ import annotations

import json
import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.core.signals import got_request_exception
from django.http import Http404
from django.test import Client, override_settings
from rest_framework import exceptions
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from adapters.django.atomic_table import atomic_table, write_row
from adapters.django.row import BROWSER
from adapters.django.stacks import BARE, Project, Stack
from adapters.django.support import each_wsgi_stack, heard, reports_of
from adapters.drf.asking import WSGI, ask
from adapters.drf.checks import each_stack
from adapters.drf.views import Thing, project, raising, validating, view
from kaiko_drf import exception_handler
from kaiko_middleware import NotFoundError
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_framework.request import Request


@pytest.fixture
def rows() -> Iterator[Any]:
    """A table in a database whose requests are transactions; calling it counts its rows."""
    with atomic_table() as count:
        yield count


def writing(make: Any) -> Project:
    """Return a project that writes a row and raises."""

    def act(_request: Request) -> Response:
        write_row()
        if make is None:
            return Response({})
        raise make()

    return project(act)


@pytest.mark.parametrize(
    "make",
    [
        exceptions.NotFound,
        exceptions.ValidationError,
        NotFoundError,
        Http404,
        TimeoutError,
        ValueError,
        lambda: ExceptionGroup("g", [exceptions.NotFound()]),
    ],
)
@each_wsgi_stack
def test_nothing_is_committed(stack: Stack, make: Any, rows: Any) -> None:
    """A view that fails has written nothing, though its answer is returned inside of it."""
    assert stack.ask(writing(make)).status >= 400
    assert rows() == 0


@each_wsgi_stack
def test_a_success_is_committed(stack: Stack, rows: Any) -> None:
    """The test above tests something."""
    assert stack.ask(writing(None)).status == 200
    assert rows() == 1


@each_stack
def test_unmapped_is_signalled_once(stack: Stack) -> None:
    """What nobody foresaw is raised again, so that Django and its trackers see it once."""
    with heard(got_request_exception) as found:
        answer = stack.ask(raising(lambda: ValueError("secret")))
    assert [repr(exc) for exc in found] == ["ValueError('secret')"]
    assert (answer.status, answer.raised) == (500, None)


@each_stack
@pytest.mark.parametrize("make", [exceptions.NotFound, exceptions.APIException, NotFoundError])
def test_mapped_is_not_signalled(stack: Stack, make: Any) -> None:
    """What DRF answers is no crash, be it a 500."""
    with heard(got_request_exception) as found:
        stack.ask(raising(make))
    assert found == []


@each_stack
def test_hooks_are_told_of_drfs_exception(stack: Stack) -> None:
    """A hook gets the exception itself beside the typed error."""
    (report,) = reports_of(stack, raising(exceptions.NotFound))
    assert isinstance(report.exception, exceptions.NotFound)
    assert (report.error.code, report.unmapped) == ("not_found", False)


RENDERERS = {"renderer_classes": [JSONRenderer, BrowsableAPIRenderer]}


@pytest.mark.parametrize("headers", [BROWSER, ()], ids=["browser", "program"])
def test_successes_are_rendered_as_before(headers: Any) -> None:
    """The browsable API and the renderers have their way with what is no error."""

    def act(_request: Request) -> Response:
        return Response({"ok": True})

    fine = project(act, **RENDERERS)
    answer = ask(fine, headers=headers)
    bare = Stack("bare", BARE[False], asgi=False, wrapped=False)
    before = bare.ask(fine, headers=headers, ours=False)
    token = rb"[A-Za-z0-9]{32,64}"  # of the forms, another one in each page
    assert answer.status == before.status
    assert re.sub(token, b"", answer.body) == re.sub(token, b"", before.body)
    kept = [pair for pair in answer.headers if pair[0].lower() != "x-request-id"]
    assert kept == before.headers
    assert (b"<html" in answer.body) == bool(headers)


def test_browsable_forms_do_not_ask_us() -> None:
    """A page tries what else a user may do; what is refused there is no answer."""

    def act(_request: Request) -> Response:
        return Response({"ok": True})

    class Refusing:
        def has_permission(self, request: Request, _view: object) -> bool:
            return request.method == "GET"

    page = ask(project(act, permission_classes=[Refusing], **RENDERERS), headers=BROWSER)
    assert page.status == 200
    assert b"request_id" not in page.body


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json"])
def test_errors_are_json_whatever_is_accepted(accept: str) -> None:
    """There is one shape of errors."""
    answer = ask(raising(exceptions.NotFound, **RENDERERS), headers=[("Accept", accept)])
    assert answer.one("content-type") == "application/json"


def test_headers_of_the_view_stay() -> None:
    """What DRF says of every answer of a view, it says of ours."""
    answer = ask(raising(exceptions.NotFound, **RENDERERS))
    assert answer.one("allow") == "GET, POST, HEAD, OPTIONS"
    assert answer.one("vary") == "Accept"


def test_paths_left_out_are_drfs() -> None:
    """Where the contract does not hold, DRF answers as ever."""
    settings = {"KAIKO_MIDDLEWARE": {"paths": ["/v2"]}}
    asked = Project(raising(lambda: exceptions.NotFound("No")).view, settings=settings)
    answer = WSGI.ask(asked)
    assert json.loads(answer.body) == {"detail": "No"}
    assert answer.all("x-request-id") == []


def test_without_the_middleware() -> None:
    """A view that is called by a request factory answers with an envelope, and an id."""
    answer = view(lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        answer(APIRequestFactory().get("/"))
    missing: Any = raising(exceptions.NotFound).view
    response = missing(APIRequestFactory().get("/"))
    headers = list(response.items())
    assert check_answer(response.status_code, headers, response.content) == []


def test_data_of_an_answer() -> None:
    """What runs after the handler finds a response of DRF's, with the envelope in `data`."""
    seen: list[Any] = []

    class Noting(APIView):
        authentication_classes = ()

        def get(self, _request: Request) -> Response:
            raise exceptions.ValidationError({"name": ["too short"]})

        def finalize_response(self, request: Request, response: Any, *args: Any, **kw: Any) -> Any:
            made = super().finalize_response(request, response, *args, **kw)
            seen.append(made.data)
            made.data = {"status": "error", "result": made.data}  # what many a base view does
            return made

    class Templates:
        """Middleware that looks at responses that are rendered later."""

        def __init__(self, get_response: Any) -> None:
            self.get_response = get_response

        def __call__(self, request: Any) -> Any:
            return self.get_response(request)

        def process_template_response(self, _request: Any, response: Any) -> Any:
            seen.append((response.template_name, response.context_data, response.exception))
            return response

    globals()["Templates"] = Templates
    asked = Project(Noting.as_view(), (f"{__name__}.Templates",))
    with override_settings(**asked.all_settings()):
        answer: Any = Client().get("/x")
    envelope, told = seen
    assert envelope["error"]["code"] == "invalid_name"
    assert told == (None, None, True)
    assert isinstance(answer, Response)
    assert json.loads(answer.render().content) == envelope
    assert pickle.loads(pickle.dumps(answer)).content == answer.content  # noqa: S301 - our own


def test_a_wrapping_handler_is_told_what_is_unknown() -> None:
    """A handler of the service's may call ours; without a request, DRF's own is asked."""
    request = APIRequestFactory().get("/")
    assert exception_handler(ValueError("secret"), {}) is None
    response = exception_handler(exceptions.NotFound(), {"request": request})
    assert response is not None
    assert response.status_code == 404


def test_a_valid_body_is_none_of_our_business() -> None:
    """What is fine stays fine."""
    answer = ask(validating(), {"name": "Ada", "age": 36})
    assert (answer.status, json.loads(answer.body)) == (200, {"ok": True})
    assert Thing({"name": "Ada", "age": 36}).data["name"] == "Ada"

"""What DRF's exceptions, and a service's own, are answered with: status, code, message."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import translation
from rest_framework import exceptions
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from adapters.django.stacks import Project
from adapters.drf.asking import WSGI, ask, error, refused
from adapters.drf.parts import Refusing, Users, ok
from adapters.drf.views import project, raising
from kaiko_middleware import (
    ExceptionMapping,
    ForbiddenError,
    KaikoError,
    NotFoundError,
    PayloadTooLargeError,
)

NOT_FOUND = "The resource was not found"
NO_KEY = "Missing or invalid API key"


class Expired(exceptions.APIException):
    """A service's own, of a status that DRF has no class for."""

    status_code = 410
    default_detail = "The context has expired"
    default_code = "context_expired"


class Coded(exceptions.NotFound):
    """One with a code, whose text is DRF's."""

    default_code = "model_not_found"


class Revoked(exceptions.AuthenticationFailed):
    """One whose author wants a 403."""

    status_code = 403
    default_detail = "The key was revoked"
    default_code = "key_revoked"


class Odd(exceptions.APIException):
    """One with a code that is none."""

    status_code = 400
    default_detail = "Odd"
    default_code = "Not A Code"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (exceptions.NotFound, (404, "not_found", NOT_FOUND)),
        (lambda: exceptions.NotFound("No such model"), (404, "not_found", "No such model")),
        (lambda: exceptions.NotFound(code="gone_for_good"), (404, "gone_for_good", NOT_FOUND)),
        (lambda: exceptions.NotFound("x", "Not A Code"), (404, "not_found", "x")),
        (lambda: exceptions.NotFound(["No such model"]), (404, "not_found", "No such model")),
        (lambda: exceptions.NotFound(["a", "b"]), (404, "not_found", NOT_FOUND)),
        (
            lambda: exceptions.NotFound({"detail": "No model", "code": "model_not_found"}),
            (404, "model_not_found", "No model"),
        ),
        (lambda: exceptions.NotFound("x" * 2000), (404, "not_found", "x" * 1024)),
        (Coded, (404, "model_not_found", NOT_FOUND)),
        (Expired, (410, "context_expired", "The context has expired")),
        (lambda: Expired("Expired at noon"), (410, "context_expired", "Expired at noon")),
        (Odd, (400, "bad_request", "Odd")),
        (exceptions.NotAuthenticated, (401, "invalid_api_key", NO_KEY)),
        (
            lambda: exceptions.AuthenticationFailed("The key has expired", "key_expired"),
            (401, "key_expired", "The key has expired"),
        ),
        (Revoked, (403, "key_revoked", "The key was revoked")),
        (
            lambda: exceptions.PermissionDenied("Not on Sundays"),
            (403, "permission_denied", "Not on Sundays"),
        ),
        (lambda: exceptions.ParseError("No such page"), (400, "bad_request", "No such page")),
        (
            lambda: exceptions.MethodNotAllowed("SECRET"),
            (405, "method_not_allowed", "The method is not allowed for this resource"),
        ),
        (
            lambda: exceptions.MethodNotAllowed("SECRET", detail="Only on Mondays"),
            (405, "method_not_allowed", "Only on Mondays"),
        ),
        (
            lambda: exceptions.UnsupportedMediaType("text/secret"),
            (415, "unsupported_media_type", "The content type of the request is not supported"),
        ),
        (lambda: exceptions.Throttled(5), (429, "too_many_requests", "Too many requests")),
        (
            lambda: exceptions.Throttled(detail="Slow down", code="slow_down"),
            (429, "slow_down", "Slow down"),
        ),
        (exceptions.APIException, (500, "internal", "Unexpected server error")),
        (
            lambda: exceptions.APIException("secret", "model_down"),
            (500, "model_down", "Unexpected server error"),
        ),
        (lambda: Http404("secret"), (404, "not_found", NOT_FOUND)),
        (
            lambda: PermissionDenied("secret"),
            (403, "permission_denied", "The API key does not permit this"),
        ),
        (
            lambda: NotFoundError("Typed", code="own_code"),
            (404, "own_code", "Typed"),
        ),
    ],
)
def test_answer(make: Any, expected: object) -> None:
    """The author's words go out, on 4xx; DRF's own go nowhere."""
    said = error(raising(make))
    assert (said["status"], said["code"], said["message"]) == expected


def test_the_param_of_a_detail_object_is_kept() -> None:
    """Like its code and its text."""
    detail = {"detail": "No such role", "code": "bad_role", "param": "messages[0].role"}
    for make in (exceptions.ParseError, exceptions.Throttled):
        said = error(raising(partial(make, detail=detail)))
        assert (said["code"], said["param"]) == ("bad_role", "messages[0].role")


class Gateway(exceptions.APIException):
    """A status that no envelope leaves with."""

    status_code = 502
    default_detail = "secret"


def test_status_by_the_table() -> None:
    """Of 5xx, the documented two remain; the text does not leave."""
    said = error(raising(Gateway))
    assert (said["status"], said["code"]) == (503, "service_unavailable")
    assert said["message"] == "The service is temporarily unavailable"


@pytest.mark.parametrize("status", [99, 600, 700])
def test_status_that_nobody_can_send(status: int) -> None:
    """It is a bug, and goes Django's way."""
    odd = type("Odd", (exceptions.APIException,), {"status_code": status})
    assert refused(raising(odd)) == (500, "internal", None)


@pytest.mark.parametrize("status", [304, 204])
def test_status_that_is_no_error(status: int) -> None:
    """It is DRF's affair."""
    fine = type("Fine", (exceptions.APIException,), {"status_code": status})
    assert ask(raising(fine)).status == status


@pytest.mark.parametrize(
    ("classes", "challenge"),
    [
        ([], "ApiKey"),
        ([SessionAuthentication], "ApiKey"),
        ([SessionAuthentication, BasicAuthentication], "ApiKey"),
        ([BasicAuthentication, SessionAuthentication], 'Basic realm="api"'),
    ],
)
@pytest.mark.parametrize("make", [exceptions.NotAuthenticated, exceptions.AuthenticationFailed])
def test_authentication_stays_401(make: Any, classes: Any, challenge: str) -> None:
    """DRF makes a 403 of it where the first authenticator has no challenge; Config has one."""
    answer = ask(raising(make, authentication_classes=classes))
    assert (answer.status, answer.one("www-authenticate")) == (401, challenge)


def test_own_challenge() -> None:
    """`Config.challenge` is what the settings say."""
    asked = Project(raising(exceptions.NotAuthenticated).view, settings=configured(challenge="Own"))
    assert ask(asked).one("www-authenticate") == "Own"


def configured(**config: Any) -> dict[str, Any]:
    """Return settings with this configuration."""
    return {"KAIKO_MIDDLEWARE": config}


def test_permissions_say_why() -> None:
    """The message and the code of a permission class are its author's."""
    said = error(project(ok, permission_classes=[Refusing]))
    assert (said["status"], said["code"], said["message"]) == (403, "closed", "Not on Sundays")


def test_csrf() -> None:
    """The check of a session that came without a token has the code that Django's has."""

    class User:
        is_active = True

    class Session(SessionAuthentication):
        def authenticate(self, request: Any) -> Any:
            request._request.user = User()
            return super().authenticate(request)

    assert refused(project(ok, authentication_classes=[Session]), {}) == (403, "csrf_failed", None)


def test_drfs_own_words_are_not_localized_since_they_do_not_leave() -> None:
    """Whatever a client prefers to read, the message is the contract's."""
    with translation.override("de"):
        assert str(exceptions.NotFound().detail) == "Nicht gefunden."
    for asked, where in (
        (raising(exceptions.NotFound), "/x"),
        (project(ok), "/x?format=secret"),
        (Project(Users.as_view()), "/x/1"),
    ):
        localized = Project(asked.view, ("django.middleware.locale.LocaleMiddleware",))
        said = error(localized, where=where, headers=[("Accept-Language", "de")])
        assert (said["status"], said["message"]) == (404, NOT_FOUND)


class Reading(BaseParser):
    """A parser of a service's own."""

    media_type = "application/vnd.own+json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Refuse."""
        del stream, media_type, parser_context
        raise exceptions.ParseError("secret")


class Msgpack(Reading):
    """One of another type."""

    media_type = "application/msgpack"


class Large(Reading):
    """One that knows better."""

    media_type = "text/large"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Refuse, typed."""
        del stream, media_type, parser_context
        raise PayloadTooLargeError


def reads(parser: Any) -> Any:
    """Return a project whose view reads its body by `parser`."""

    def act(request: Any) -> Response:
        return Response(request.data)

    return project(act, parser_classes=[parser])


@pytest.mark.parametrize(
    ("parser", "code"),
    [(Reading, "invalid_json"), (Msgpack, "bad_request"), (Large, "payload_too_large")],
)
def test_parsers_of_ones_own(parser: Any, code: str) -> None:
    """What a parser refuses is told by the type that it reads; a typed error is itself."""
    headers = [("Content-Type", parser.media_type)]
    answer = WSGI.ask(reads(parser), "/x", method="POST", headers=headers, body=b"{}")
    assert f'"code":"{code}"'.encode() in answer.body
    assert b"secret" not in answer.body


def test_recursion_in_a_view_is_a_bug() -> None:
    """Only a body that is nested too deeply is the client's fault."""

    def parse(depth: int) -> int:
        return parse(depth + 1)

    assert refused(project(lambda _: Response(parse(0)))) == (500, "internal", None)


class TestMapping:
    """The service's own handlers, and DRF's classes."""

    @staticmethod
    def said(make: Any, mapping: ExceptionMapping) -> Any:
        """Ask with this mapping."""
        return error(Project(raising(make).view, settings=configured(mapping=mapping)))

    def test_a_handler_for_a_class_of_drfs_counts(self) -> None:
        """The service may see an exception of DRF's in its own way."""
        mapping = ExceptionMapping()
        mapping.register(exceptions.NotFound, lambda _: ForbiddenError("Hidden"))
        assert self.said(exceptions.NotFound, mapping)["message"] == "Hidden"

    def test_a_handler_for_everything_does_not_hide_drfs(self) -> None:
        """The most specific class counts."""
        mapping = ExceptionMapping()

        def anything(_exc: Exception) -> KaikoError:
            return ForbiddenError("Hidden")

        mapping.register(Exception, anything)
        assert self.said(exceptions.NotFound, mapping)["status"] == 404
        assert self.said(ValueError, mapping)["message"] == "Hidden"

    def test_a_handler_that_fails_leaves_it_unmapped(self) -> None:
        """Its own exception is logged, and never reaches the client."""
        mapping = ExceptionMapping()

        def fails(_exc: Exception) -> KaikoError:
            raise ZeroDivisionError

        mapping.register(exceptions.NotFound, fails)
        assert self.said(exceptions.NotFound, mapping)["code"] == "internal"

"""Views, and parts of views, that refuse or fail; and what most rows become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from rest_framework import exceptions, generics, pagination, permissions, throttling
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from adapters.django.row import Ask, Envelope
from adapters.drf.views import Thing

if TYPE_CHECKING:
    from rest_framework.request import Request

INTERNAL = Envelope(500, "internal")
NOT_FOUND = Envelope(404, "not_found")
INVALID = Envelope(422, "invalid_value")
NO_KEY = Envelope(401, "invalid_api_key", (("WWW-Authenticate", "ApiKey"),))
DEBUG = {"DEBUG": True}
BROWSABLE = {"renderer_classes": [JSONRenderer, BrowsableAPIRenderer]}


def post(body: bytes, kind: str = "application/json") -> Ask:
    """Return a request with a body."""
    return Ask(method="POST", headers=(("Content-Type", kind),), body=body)


class Conflict(exceptions.APIException):
    """A service's own exception."""

    status_code = 409
    default_detail = "custom conflict"


class Teapot(exceptions.APIException):
    """Another."""

    status_code = 418
    default_detail = "custom teapot"
    default_code = "teapot"


def _bug(_request: Request) -> Response:
    raise ValueError("secret")


def _nothing(_request: Request) -> Response:
    raise exceptions.NotFound


# What a stub makes of a decorated view, not every checker calls a function.
bug: Any = api_view(["GET"])(_bug)
nothing: Any = api_view(["GET"])(_nothing)


class Things(ViewSet):
    """A set whose list fails."""

    authentication_classes = ()

    def list(self, _request: Request, **_kwargs: object) -> Response:
        """Fail."""
        raise ValueError("secret")


class Refusing(permissions.BasePermission):
    """Refuses in its own words."""

    message = "Not on Sundays"
    code = "closed"

    def has_permission(self, request: Request, view: Any) -> bool:
        """Refuse."""
        del request, view
        return False


def _fail(*_args: object) -> Any:
    raise ValueError("secret")


# Fails whatever it is used as.
Failing: Any = type(
    "Failing",
    (permissions.BasePermission, BaseAuthentication, DefaultContentNegotiation),
    dict.fromkeys(("has_permission", "authenticate", "select_renderer"), _fail),
)


class Missing(BaseAuthentication):
    """Lacks an attribute."""

    def authenticate(self, request: Request) -> Any:
        """Fail."""
        return getattr(request, "secret")  # noqa: B009 - which is what goes wrong


class Throttling(throttling.BaseThrottle):
    """Lets nothing through."""

    seconds: float | None = 6.3

    def allow_request(self, request: Request, view: Any) -> bool:
        """Refuse."""
        del request, view
        return False

    def wait(self) -> float | None:
        """Say how long."""
        return self.seconds


class Endless(Throttling):
    """Does not know how long."""

    seconds = None


class FailingRenderer(JSONRenderer):
    """Cannot render errors."""

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        """Fail over an error."""
        if renderer_context["response"].exception:
            raise ValueError("secret")
        return super().render(data, accepted_media_type, renderer_context)


class Users(generics.GenericAPIView[User]):
    """A generic view without a database."""

    authentication_classes = ()
    queryset = User.objects.none()
    lookup_url_kwarg = "rest"

    def get(self, _request: Request, **kwargs: object) -> Response:
        """Return one, or a page of all."""
        if kwargs:
            self.get_object()
        self.paginate_queryset(self.get_queryset())
        return Response([])


class Cursors(pagination.CursorPagination):
    """Pages by cursor."""

    ordering = "id"
    page_size = 2


class Pages(pagination.PageNumberPagination):
    """Pages by number."""

    page_size = 2


def ok(_request: Request) -> Response:
    """Be fine."""
    return Response({"ok": True})


def returned_errors(request: Request) -> Response:
    """Return the errors, as DRF's tutorial does."""
    serializer = Thing(data=request.data)
    if serializer.is_valid():
        return Response({})
    return Response(serializer.errors, status=400)

"""A view of Django REST framework that fails, with DRF's own handler and with ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import clear_url_caches, path
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import BooleanField, CharField, Serializer
from rest_framework.views import APIView, exception_handler

from bench import django_site
from bench.answers import MISSING, ContextNotFound
from kaiko_drf import exception_handler as our_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from rest_framework.request import Request

    from bench.measure import Run


class _Missing(APIView):
    """Fails as a service of DRF's does."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (JSONRenderer,)

    def get(self, _request: Request) -> NoReturn:
        """Find nothing."""
        raise NotFound(MISSING)


class _Message(Serializer[object]):
    role = CharField()
    text = CharField()


class _Chat(Serializer[object]):
    messages = _Message(many=True)
    model = CharField()
    stream = BooleanField(default=False)


class _Refusing(_Missing):
    """Takes a body that its serializer refuses."""

    def post(self, request: Request) -> NoReturn:
        """Refuse it."""
        _Chat(data=request.data).is_valid(raise_exception=True)
        raise NotFound(MISSING)


class _Ours(_Refusing):
    """Fails likewise, and is answered by the toolkit."""

    def get_exception_handler(self) -> Callable[..., object]:
        """Stand in for the setting, which would hold for all views."""
        return our_handler


class _Typed(_Ours):
    """Fails as a service of ours does."""

    def get(self, _request: Request) -> NoReturn:
        """Find nothing."""
        raise ContextNotFound(MISSING)


class _Theirs(_Refusing):
    """Fails likewise, and is answered by DRF."""

    def get_exception_handler(self) -> Callable[..., object]:
        """Stand in for the setting's default."""
        return exception_handler


django_site.urlpatterns += [
    path("v2/drf_typed", _Typed.as_view()),
    path("v2/drf_ours", _Ours.as_view()),
    path("v2/drf_theirs", _Theirs.as_view()),
]
clear_url_caches()


_BAD = b'{"messages":[{"role":"user","text":"hi"},{"role":[],"text":"hi"}],"model":null}'


def wsgi(name: str, middleware: Iterable[str] = ()) -> Run:
    """Return the project on WSGI, asked for one of the views."""
    return django_site.wsgi(name, 404, middleware)


def refused(name: str, status: int, middleware: Iterable[str] = ()) -> Run:
    """Return the project on WSGI, where one of the views is sent what its serializer refuses."""
    return django_site.wsgi(name, status, middleware, body=_BAD)

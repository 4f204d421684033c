"""APIs that the tests of this folder share, as projects of one API at `/x`."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from django.urls import path
from ninja import NinjaAPI

from adapters.django.stacks import OURS, Project, Urls
from kaiko_ninja import install

if TYPE_CHECKING:
    from collections.abc import Callable

_numbers = count()
_routes: dict[NinjaAPI, Any] = {}


def bare_api(**arguments: Any) -> NinjaAPI:
    """Return an API whose routes clash with no other's."""
    return NinjaAPI(urls_namespace=f"test-{next(_numbers)}", **arguments)


def new_api(**arguments: Any) -> NinjaAPI:
    """Return one that is installed."""
    api = bare_api(**arguments)
    install(api)
    return api


class Api(Project):
    """A project of one API, at `/x`."""

    def all_settings(self, *, ours: bool = True) -> dict[str, Any]:
        """Return what is overridden for this project."""
        listed = [*self.first, *((OURS,) if ours else ()), *self.middleware]
        api: Any = self.view
        if api not in _routes:  # older Ninjas let them be had once
            _routes[api] = path("", api.urls)
        urls = Urls([_routes[api]], **self.handlers)
        return {"MIDDLEWARE": listed, "ROOT_URLCONF": urls, **self.settings}


def serving(api: NinjaAPI, *middleware: str, **settings: Any) -> Api:
    """Return the project of an API."""
    held: Any = api
    return Api(held, middleware, settings)


def project(
    operation: Callable[..., Any], where: str = "/x", *, method: str = "GET", **arguments: Any
) -> Api:
    """Return the project of one operation."""
    api = new_api(**arguments.pop("api", {}))
    api.api_operation([method, "HEAD"], where, **arguments)(operation)
    return serving(api)


def raising(make: Callable[[], BaseException], **arguments: Any) -> Api:
    """Return a project of an operation that raises what `make` makes."""

    def operation(request: Any) -> Any:
        del request
        raise make()

    return project(operation, **arguments)


def araising(make: Callable[[], BaseException], **arguments: Any) -> Api:
    """Return a project of an asynchronous operation that does."""

    async def operation(request: Any) -> Any:
        del request
        raise make()

    return project(operation, **arguments)

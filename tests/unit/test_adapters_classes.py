"""What an adapter knows of its framework's exceptions, beside the service and the toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kaiko_middleware import (
    Config,
    ConflictError,
    ExceptionMapping,
    ForbiddenError,
    KaikoError,
    NotFoundError,
)
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from kaiko_middleware.map_exception import Known

REQUEST = RequestInfo("req-7f65ab21d1", "GET", "/")


class HttpError(Exception):
    """A framework's exception."""


class Special(HttpError):
    """A service's, derived from it."""


KNOWN: Known = {HttpError: lambda exc: NotFoundError(str(exc))}


def test_an_adapters_class_is_found() -> None:
    """Without a handler of the service's, what the adapter knows counts."""
    error = ExceptionMapping().find(Special("gone"), KNOWN)
    assert error is not None
    assert (error.status, error.message) == (404, "gone")


def test_it_counts_before_what_the_toolkit_knows() -> None:
    """An adapter sees more of its framework than the toolkit's table."""
    error = ExceptionMapping().find(TimeoutError(), {TimeoutError: lambda _: ConflictError()})
    assert isinstance(error, ConflictError)


def test_the_services_own_handler_counts_first() -> None:
    """A service may see it otherwise."""
    mapping = ExceptionMapping()
    mapping.register(HttpError, lambda _: ForbiddenError())
    assert isinstance(mapping.find(Special(), KNOWN), ForbiddenError)


def test_the_most_specific_class_counts() -> None:
    """A handler of the service's for every Exception does not hide the framework's classes."""
    mapping = ExceptionMapping()
    mapping.register(Exception, lambda _: ForbiddenError())
    assert isinstance(mapping.find(Special(), KNOWN), NotFoundError)
    assert isinstance(mapping.find(ValueError(), KNOWN), ForbiddenError)


def test_leaves_of_groups_are_found_too() -> None:
    """A group is answered by its leaves, an adapter's classes among them."""
    group = ExceptionGroup("g", [Special("first"), ConflictError()])
    error = ExceptionMapping().find(group, KNOWN)
    assert error is not None
    assert error.message == "first"
    assert ExceptionMapping().find(group) is None


def test_one_that_fails_leaves_the_exception_unmapped() -> None:
    """An adapter's defect is a 500 that is logged, and no second exception."""

    def fails(_exc: BaseException) -> KaikoError:
        raise ZeroDivisionError

    assert Pipeline(Config()).find(Special(), REQUEST, {HttpError: fails}) is None


def named(name: str, **attributes: object) -> Exception:
    """Make an exception of a library that is not loaded here."""
    module, _, qualname = name.rpartition(".")
    made = type(qualname, (Exception,), {"__module__": module, **attributes})()
    assert isinstance(made, Exception)
    return made


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("ninja.errors.HttpError", "message"), ("rest_framework.exceptions.APIException", "detail")],
)
def test_http_exceptions_of_django_frameworks_are_known(name: str, attribute: str) -> None:
    """Where they are raised beside their framework's own views, in a stream say."""
    exc = named(name, status_code=409, **{attribute: "Taken"})
    error = ExceptionMapping().find(exc)
    assert error is not None
    assert (error.status, error.code, error.message) == (409, "conflict", "Taken")
    assert ExceptionMapping().find(named(name, status_code=204)) is None

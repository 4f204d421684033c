"""For frameworks that answer inside of Django's view: DRF and django-ninja have adapters on it.

Such a framework catches what its views raise before Django could. Its adapter answers with
`answer_in_view` what somebody mapped, and lets the rest go Django's own way, so that it is
logged, signalled and tracked once. For error answers that views return, an adapter adds a
reader, which may know more of them than their bytes say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from kaiko_django.recognize import DJANGO_OWN
from kaiko_django.responses import EnvelopeResponse, answer_mapped, request_info
from kaiko_middleware import KaikoError
from kaiko_middleware.report import report_failure

if TYPE_CHECKING:
    from kaiko_middleware.map_exception import Known
    from kaiko_middleware.pipeline import Pipeline

__all__ = ["Reader", "add_reader", "answer_in_view", "is_ours", "read_returned", "roll_back"]

_E = TypeVar("_E", bound=EnvelopeResponse)

Reader = Callable[[HttpRequest, HttpResponseBase], KaikoError | None]
"""Reads an error answer that a view returned; None where it is not of the reader's framework."""

_readers: list[Reader] = []


def is_ours(request: HttpRequest, pipeline: Pipeline) -> bool:
    """Whether the contract holds for the path of `request`."""
    # The request of Ninja's test client has no such attribute before Ninja 1.7.
    return pipeline.covers_everything or pipeline.config.covers(getattr(request, "path_info", ""))


def answer_in_view(
    request: HttpRequest,
    exc: BaseException,
    pipeline: Pipeline,
    known: Known,
    made: type[_E],
) -> _E | None:
    """Return the answer for what a view raised, or None where the exception is to be raised on.

    That is one that nobody mapped, and one that Django itself logs as an attack. Where there is an
    answer, the transaction of the request is rolled back as if the exception had left the view, and
    the error is reported.

    Arguments:
        request: the request that failed.
        exc: what was raised.
        pipeline: the settings.
        known: what the adapter knows of its framework's classes, besides the toolkit.
        made: the class of the answer.

    """
    attack = isinstance(exc, DJANGO_OWN) and not isinstance(exc, Http404 | PermissionDenied)
    if attack and not isinstance(exc, KaikoError):
        return None
    response = answer_mapped(pipeline, request, exc, known, made)
    if response is not None:
        roll_back()
    return response


def roll_back() -> None:
    """Roll back, at the end of the request, the transactions that `ATOMIC_REQUESTS` opened.

    Django commits when a view returns, whatever the answer says.
    """
    for alias, database in connections.settings.items():
        if database["ATOMIC_REQUESTS"] and connections[alias].in_atomic_block:
            connections[alias].set_rollback(True)


def add_reader(reader: Reader) -> None:
    """Let `reader` look at error answers that views return; adding it again does nothing."""
    if reader not in _readers:
        _readers.append(reader)


def read_returned(request: HttpRequest, response: HttpResponseBase) -> KaikoError | None:
    """Return what a reader makes of an error answer; None where its bytes are all there is."""
    for reader in _readers:
        try:
            error = reader(request, response)
        except Exception as failed:  # noqa: BLE001 - what it reads was made by anyone
            text = f"the reader {reader!r} failed"
            report_failure(failed, request_info(request), text)
            continue
        if error is not None:
            return error
    return None

"""For frameworks that answer inside of Django's view: DRF and django-ninja have adapters on it.

Such a framework catches what its views raise before Django could. Its adapter answers with
`answer_in_view` what somebody mapped, and lets the rest go Django's own way, so that it is
logged, signalled and tracked once. For error answers that views return, an adapter adds a
reader, which may know more of them than their bytes say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from kaiko_django.conf import current_setup
from kaiko_django.recognize import django_status
from kaiko_django.responses import EnvelopeResponse, request_info
from kaiko_middleware import KaikoError
from kaiko_middleware.map_exception import is_disconnect
from kaiko_middleware.report import report_late

if TYPE_CHECKING:
    from kaiko_middleware.map_exception import Known
    from kaiko_wsgi.setup import Setup

__all__ = ["Reader", "add_reader", "answer_in_view", "is_ours", "read_returned", "roll_back"]

Reader = Callable[[HttpRequest, HttpResponseBase], KaikoError | None]
"""Reads an error answer that a view returned; None where it is not of the reader's framework."""

_readers: list[Reader] = []


def is_ours(request: HttpRequest, setup: Setup | None = None) -> bool:
    """Whether the contract holds for the path of `request`."""
    setup = current_setup() if setup is None else setup
    return setup.everywhere or setup.config.covers(request.path)


def answer_in_view(
    request: HttpRequest,
    exc: BaseException,
    *,
    known: Known | None = None,
    setup: Setup | None = None,
) -> EnvelopeResponse | None:
    """Return the answer for what a view raised, or None where the exception is to be raised on.

    That is one that nobody mapped, one that Django itself logs as an attack, and that of a
    client that left. Where there is an answer, the transaction of the request is rolled back
    as if the exception had left the view, and the error is reported.

    Arguments:
        request: the request that failed.
        exc: what was raised.
        known: what the adapter knows of its framework's classes, besides the toolkit.
        setup: the settings; those of the project by default.

    """
    setup = current_setup() if setup is None else setup
    if not isinstance(exc, KaikoError) and (
        (django_status(exc) < 500 and not isinstance(exc, Http404 | PermissionDenied))
        or is_disconnect(exc)
    ):
        return None
    pipeline, info = setup.pipeline, request_info(request)
    answer = pipeline.on_mapped(exc, info, known=known)
    if answer is None:
        return None
    roll_back()
    return EnvelopeResponse(answer.reply, info.request_id)


def roll_back() -> None:
    """Roll back, at the end of the request, the transactions that `ATOMIC_REQUESTS` opened.

    Django commits when a view returns, whatever the answer says.
    """
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


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
            report_late(failed, request_info(request), unmapped=True, text=text)
            continue
        if error is not None:
            return error
    return None

"""The log records of a test, by request."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kaiko_middleware import RequestIdFilter

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["RequestRecords", "collect"]

_LOGGER = "kaiko"


class RequestRecords(logging.Handler):
    """The log records of a test, in their order; call it with a request's id for that request's.

    A record made inside our middleware has the id of its request, the service's own records too.
    """

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self._records: list[logging.LogRecord] = []
        self.addFilter(RequestIdFilter())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        if not any(record is kept for kept in self._records[-8:]):
            self._records.append(record)

    @property
    def all(self) -> list[logging.LogRecord]:
        """Every record since the test began, of no request too."""
        return list(self._records)

    def __call__(self, request_id: str, *, logger: str | None = None) -> list[logging.LogRecord]:
        """Return a request's records.

        Arguments:
            request_id: the request's id, from the answer's header or body.
            logger: a logger's name, for its own records and its children's; all by default.

        """
        return [
            record
            for record in self._records
            if vars(record).get("request_id") == request_id
            and (logger is None or f"{record.name}.".startswith(f"{logger}."))
        ]


@contextmanager
def collect() -> Generator[RequestRecords]:
    """Collect the records of the root logger and of `kaiko`, from INFO on."""
    records = RequestRecords()
    loggers = [logging.getLogger(), logging.getLogger(_LOGGER)]
    before = [(each, each.level, each.disabled) for each in loggers]
    for each in loggers:
        each.addHandler(records)
        each.setLevel(min(each.getEffectiveLevel(), logging.INFO))
        each.disabled = False
    try:
        yield records
    finally:
        for each, level, disabled in before:
            each.removeHandler(records)
            each.setLevel(level)
            each.disabled = disabled

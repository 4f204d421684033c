"""One record for each error: `django.request` repeats what the logger `kaiko` says."""

from __future__ import annotations

import logging


class NotAnswered(logging.Filter):
    """Drops what `django.request` says of an answer that has our record."""

    def filter(self, record: logging.LogRecord) -> bool:
        request: object = getattr(record, "request", None)
        return not hasattr(request, "kaiko_request_id")

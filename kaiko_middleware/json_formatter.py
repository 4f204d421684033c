"""A log record as one line of JSON, for services that have no formatter of their own.

The attributes that `report` puts on its records become members, and so does what any other
library or the service adds with `extra=`.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

__all__ = ["JsonFormatter"]

# What every record has, and Django's request object, whose text has the query.
_LEFT_OUT = {*vars(logging.makeLogRecord({})), "asctime", "message", "request", "taskName"}


class JsonFormatter(logging.Formatter):
    """Writes each record as one JSON object on one line.

    The members are `time` (UTC, RFC 3339, milliseconds), `level`, `logger` and `message`, then the
    record's own attributes (`request_id`, `status`, `code`, …), then `exception` and `stack` where
    there are any. An unmapped exception has the compact text of its traceback, with keys masked.
    Values that JSON has no type for are written as text.

    >>> import logging
    >>> record = logging.makeLogRecord({"name": "shop", "msg": "sold", "levelname": "INFO"})
    >>> record.created, record.item = 0.25, "tea"
    >>> JsonFormatter().format(record)
    '{"time":"1970-01-01T00:00:00.250Z","level":"INFO","logger":"shop","message":"sold","item":"tea"}'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON, in ASCII, so that it stays on one line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        said: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: value for name, value in vars(record).items() if name not in _LEFT_OUT}
        if record.exc_text is None and record.exc_info:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            said["exception"] = record.exc_text
        if record.stack_info:
            said["stack"] = self.formatStack(record.stack_info)
        try:
            return json.dumps(said, default=str, allow_nan=False, separators=(",", ":"))
        except Exception:  # noqa: BLE001 - nan, a circle, a key that is no text, a failing `__str__`
            plain = {name: ascii(value) for name, value in said.items()}
            return json.dumps(plain, separators=(",", ":"))

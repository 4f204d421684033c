"""gunicorn's uvicorn worker, with the protocols that every uvicorn of the matrix has.

It is uvicorn's own, deprecated as it is: the package `uvicorn-worker` needs a newer uvicorn
than the oldest that is tested.
"""

from __future__ import annotations

from uvicorn.workers import UvicornWorker


class Worker(UvicornWorker):
    """Serves ASGI in gunicorn."""

    CONFIG_KWARGS = {"loop": "asyncio", "http": "httptools", "ws": "wsproto"}  # noqa: RUF012 - as uvicorn has it

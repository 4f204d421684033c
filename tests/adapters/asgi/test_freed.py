"""A request that failed is freed when it is over, not when the collector comes by.

Releases of granian before 2.8.6 close a connection only then.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_asgi import KaikoMiddleware

if TYPE_CHECKING:
    from kaiko_asgi import Receive, Scope, Send


class _Send:
    """What the server keeps the connection by."""

    async def __call__(self, message: Any) -> None:
        """Send nothing."""


async def _cut(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/csv")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"1", "more_body": True})
    raise LookupError


async def _bug(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise LookupError


@pytest.mark.parametrize("service", [_cut, _bug])
def test_what_failed_is_freed(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The exception, its frames and the request are no circle of ours."""
    caplog.set_level(logging.CRITICAL + 1, logger="kaiko")  # pytest keeps what is logged
    app = KaikoMiddleware(service)

    async def receive() -> Any:
        return {"type": "http.request"}

    async def serve() -> weakref.ref[_Send]:
        send = _Send()
        try:
            await app({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)
        except LookupError:
            pass
        return weakref.ref(send)

    gc.disable()
    try:
        assert asyncio.run(serve())() is None
    finally:
        gc.enable()

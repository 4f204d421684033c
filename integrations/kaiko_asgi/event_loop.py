"""What is asked of asyncio, which is not imported: an application may run on another loop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from typing import Any

    from kaiko_asgi._types import Message, Receive

__all__ = ["has_left", "let_write", "running_loop", "running_task"]


async def has_left(client: Receive) -> bool:
    """Whether the server says at once that the client is gone."""
    if running_loop() is None:
        return False
    asyncio = sys.modules["asyncio"]
    try:
        asking = asyncio.ensure_future(client())
    except TypeError:  # it is none of an asyncio server's
        return False
    await asyncio.sleep(0)
    if not asking.done() or asking.cancelled():
        asking.cancel()
        return False
    told: Message = {} if asking.exception() else asking.result()
    return told.get("type") == "http.disconnect"


async def let_write() -> None:
    """Give a server time to write what it was sent: daphne does it in a later turn of the loop."""
    if running_loop() is not None:
        for _ in range(3):
            await sys.modules["asyncio"].sleep(0)


def running_loop() -> AbstractEventLoop | None:
    """Return the event loop that runs here, if it is one of asyncio's."""
    asyncio = sys.modules.get("asyncio")
    # Its name has an underscore, but it is documented, and raises nothing.
    return None if asyncio is None else asyncio._get_running_loop()  # noqa: SLF001 - see above


def running_task() -> Task[Any] | None:
    """Return the task that runs here, if it is one of asyncio's."""
    loop = running_loop()
    if loop is None:
        return None
    found: Task[Any] | None = sys.modules["asyncio"].current_task(loop)
    return found

"""Whether a task waits for a thread, which nothing can stop.

To cancel it would only have it wait no more: the thread would go on, nobody would know, and the
pool would count it as free and start more threads than it may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Task

__all__ = ["waits_for_thread"]

_WAITING = frozenset(
    {
        ("anyio._backends._asyncio", "run_sync_in_worker_thread"),  # Starlette's and FastAPI's too
        ("asgiref.sync", "__call__"),
        ("asyncio.threads", "to_thread"),
    }
)
"""The coroutines that wait for a thread, by module and name."""


def waits_for_thread(task: Task[Any]) -> bool:
    """Return whether what a task awaits, itself and not by another task, is a thread."""
    waiting: Any = task.get_coro()
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None)
        if frame is not None:
            name = frame.f_globals.get("__name__"), frame.f_code.co_name
            if name in _WAITING:
                return True
        waiting = getattr(waiting, "cr_await", None)
    return False

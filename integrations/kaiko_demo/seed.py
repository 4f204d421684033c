"""A service with data: a live context and an expired one, and keys of every kind to call it with.

The expired context was made 25 hours before the clock's present. These variables set it up:

- `KAIKO_DEMO_AT` is a moment (ISO 8601): the clock stops at it and new contexts are numbered, so
  stacks in different processes send the same bytes.
- `KAIKO_DEMO_CLOCK` does the same with a time that goes on: it names a file that holds the moment.
- `KAIKO_DEMO_PACE` is the time between two pieces of a stream, in seconds.
- `KAIKO_DEMO_LLM` and `KAIKO_DEMO_ARCHIVE` are the addresses of the services that this one calls. A
  service without an address is down.
"""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kaiko_demo.archive import DownArchive, HttpArchive
from kaiko_demo.archive_service import ArchiveService, Row, row
from kaiko_demo.clock import frozen, told_by, utc_now
from kaiko_demo.contexts import ContextStore
from kaiko_demo.llm import DownLlm, HttpLlm, Llms
from kaiko_demo.service import DemoService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kaiko_demo.archive import Archive
    from kaiko_demo.clock import Clock
    from kaiko_demo.llm import Llm

__all__ = [
    "ARCHIVE",
    "ARCHIVE_KEY",
    "AT",
    "CLOCK",
    "COLD_CONTEXT",
    "DAMAGED_CONTEXT",
    "DOWN_MODEL",
    "EXPIRED_CONTEXT",
    "LIMITED_KEY",
    "LIVE_CONTEXT",
    "LIVE_KEY",
    "LLM",
    "PACE",
    "REVOKED_KEY",
    "SEALED_CONTEXT",
    "STAGING_KEY",
    "UNKNOWN_KEY",
    "clock_from_environment",
    "demo_archive",
    "demo_service",
    "service_from_environment",
]

AT = "KAIKO_DEMO_AT"
CLOCK = "KAIKO_DEMO_CLOCK"
PACE = "KAIKO_DEMO_PACE"
LLM = "KAIKO_DEMO_LLM"
ARCHIVE = "KAIKO_DEMO_ARCHIVE"

LIVE_KEY = "kaiko_live_DemoDemoDemo0001"
LIMITED_KEY = "kaiko_live_DemoLimited00002"
REVOKED_KEY = "kaiko_live_DemoRevoked00003"
UNKNOWN_KEY = "kaiko_live_DemoUnknown00004"
ARCHIVE_KEY = "kaiko_live_DemoArchive00005"
"""The service's own key, at the archive."""
STAGING_KEY = "kaiko_test_DemoStaging00006"
"""A key of another environment."""

LIVE_CONTEXT = "ctx_demo"
EXPIRED_CONTEXT = "ctx_yesterday"
"""Expired here, and kept in the archive."""
SEALED_CONTEXT = "ctx_sealed"
COLD_CONTEXT = "ctx_cold"
DAMAGED_CONTEXT = "ctx_damaged"
"""In the archive: a context that our key may not read, one that can be read once a minute, and
one whose row is bad."""

DOWN_MODEL = "xai-grok"
"""A model whose provider is down."""


def demo_service(
    *,
    clock: Clock,
    new_id: Callable[[], str],
    llm: Llm,
    archive: Archive | None = None,
    pause: Callable[[], object] = lambda: None,
) -> DemoService:
    """Return a service with data.

    Arguments:
        clock: Returns the time.
        new_id: Makes the names of new contexts.
        llm: The language models to call.
        archive: The archive to call; by default one that is down.
        pause: Called before each piece of a stream but the first.
    """
    contexts = ContextStore(clock, new_id)
    contexts.create(context_id=LIVE_CONTEXT)
    contexts.create(context_id=EXPIRED_CONTEXT, created_at=clock() - timedelta(hours=25))
    found = DownArchive() if archive is None else archive
    return DemoService(contexts=contexts, llm=llm, archive=found, pause=pause)


def demo_archive() -> ArchiveService:
    """Return an archive with data."""
    return ArchiveService(
        {
            EXPIRED_CONTEXT: Row(row(EXPIRED_CONTEXT)),
            SEALED_CONTEXT: Row(row(SEALED_CONTEXT), sealed=True),
            COLD_CONTEXT: Row(row(COLD_CONTEXT), cold=True),
            DAMAGED_CONTEXT: Row(row(DAMAGED_CONTEXT, role="robot")),
        },
    )


def service_from_environment(environment: Mapping[str, str] = os.environ) -> DemoService:
    """Return the service for the demo's applications.

    Arguments:
        environment: Holds the variables.
    """
    llm, archive = environment.get(LLM), environment.get(ARCHIVE)
    down = DownLlm()
    clock = clock_from_environment(environment)
    pace = float(environment.get(PACE, "0"))
    return demo_service(
        clock=utc_now if clock is None else clock,
        new_id=_random_id if clock is None else _counted_ids(clock),
        pause=partial(time.sleep, pace) if pace else lambda: None,
        llm=down if llm is None else Llms(HttpLlm(llm), {DOWN_MODEL: down}),
        archive=None if archive is None else HttpArchive(archive, key=ARCHIVE_KEY),
    )


def clock_from_environment(environment: Mapping[str, str]) -> Clock | None:
    """Return the clock that several processes share; None if each has its own.

    Arguments:
        environment: Holds the moment, the file of the moment, or neither.
    """
    at, file = environment.get(AT), environment.get(CLOCK)
    if file is not None:
        return told_by(Path(file))
    return None if at is None else frozen(datetime.fromisoformat(at).astimezone(UTC))


def _random_id() -> str:
    return f"ctx_{secrets.token_hex(8)}"


def _counted_ids(clock: Clock) -> Callable[[], str]:
    """Count the names of each moment, so that another one's names change nothing."""
    numbers: dict[str, int] = {}

    def new_id() -> str:
        moment = f"{int(clock().timestamp() * 1000):x}"
        number = numbers.get(moment, 0) + 1
        numbers.clear()
        numbers[moment] = number
        return f"ctx_{moment}_{number}"

    return new_id

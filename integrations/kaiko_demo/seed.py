"""A service with data: a live context and an expired one, and keys of every kind to call it with.

The expired context was made 25 hours before the clock's present. If `KAIKO_DEMO_AT` is set to a
moment (ISO 8601), the clock stops at it and new contexts are numbered, so stacks in different
processes send the same bytes. `KAIKO_DEMO_LLM` and `KAIKO_DEMO_ARCHIVE` are the addresses of the
services that this one calls. A service without an address is down.
"""

from __future__ import annotations

import itertools
import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kaiko_demo.archive import DownArchive, HttpArchive
from kaiko_demo.archive_service import ArchiveService, Row, row
from kaiko_demo.clock import frozen, utc_now
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
    "COLD_CONTEXT",
    "DAMAGED_CONTEXT",
    "DOWN_MODEL",
    "EXPIRED_CONTEXT",
    "LIMITED_KEY",
    "LIVE_CONTEXT",
    "LIVE_KEY",
    "LLM",
    "REVOKED_KEY",
    "SEALED_CONTEXT",
    "STAGING_KEY",
    "UNKNOWN_KEY",
    "demo_archive",
    "demo_service",
    "service_from_environment",
]

AT = "KAIKO_DEMO_AT"
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
    *, clock: Clock, new_id: Callable[[], str], llm: Llm, archive: Archive | None = None
) -> DemoService:
    """Return a service with data.

    Arguments:
        clock: Returns the time.
        new_id: Makes the names of new contexts.
        llm: The language models to call.
        archive: The archive to call; by default one that is down.
    """
    contexts = ContextStore(clock, new_id)
    contexts.create(context_id=LIVE_CONTEXT)
    contexts.create(context_id=EXPIRED_CONTEXT, created_at=clock() - timedelta(hours=25))
    found = DownArchive() if archive is None else archive
    return DemoService(contexts=contexts, llm=llm, archive=found)


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
        environment: Holds the three variables.
    """
    at, llm, archive = (environment.get(name) for name in (AT, LLM, ARCHIVE))
    down = DownLlm()
    moment = None if at is None else datetime.fromisoformat(at).astimezone(UTC)
    return demo_service(
        clock=utc_now if moment is None else frozen(moment),
        new_id=_random_id if moment is None else _counted_ids(),
        llm=down if llm is None else Llms(HttpLlm(llm), {DOWN_MODEL: down}),
        archive=None if archive is None else HttpArchive(archive, key=ARCHIVE_KEY),
    )


def _random_id() -> str:
    return f"ctx_{secrets.token_hex(8)}"


def _counted_ids() -> Callable[[], str]:
    numbers = itertools.count(1)

    def new_id() -> str:
        return f"ctx_{next(numbers)}"

    return new_id

"""Verifiers for keys in the database; put a cache in front of them."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.utils import timezone

from kaiko_guards._stored_keys import answer_for, lookup_of
from kaiko_guards._verdicts import ValidKey
from kaiko_guards.django_keys.models import ApiKey

if TYPE_CHECKING:
    from datetime import datetime

    from kaiko_guards._verdicts import KeyAnswer

__all__ = ["AsyncModelKeys", "ModelKeys"]

_USED = timedelta(minutes=1)
"""How exact `last_used_at` is: a write for every request would cost more than the check."""


def _answer(key: str, found: ApiKey | None) -> tuple[KeyAnswer, datetime | None]:
    """Return the answer, and the time to note as the last use, if any."""
    now = timezone.now()
    answer = answer_for(key, None if found is None else found.as_stored(), lambda: now)
    if found is None or not isinstance(answer, ValidKey):
        return answer, None
    noted = found.last_used_at is not None and now - found.last_used_at < _USED
    return answer, None if noted else now


class ModelKeys:
    """Looks keys up in the database; the principal is the `ApiKey`.

    It cannot run on an event loop, where Django allows no plain query.
    """

    @property
    def needs_thread(self) -> bool:
        """Whether no event loop can call it: unless `DJANGO_ALLOW_ASYNC_UNSAFE` allows it."""
        return not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")

    def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`."""
        found = ApiKey.find(lookup_of(key))
        answer, used = _answer(key, found)
        if found is not None and used is not None:
            ApiKey.objects.filter(pk=found.pk).update(last_used_at=used)
        return answer


class AsyncModelKeys:
    """The same for asynchronous stacks."""

    async def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`."""
        found = await sync_to_async(ApiKey.find)(lookup_of(key))
        answer, used = _answer(key, found)
        if found is not None and used is not None:
            await ApiKey.objects.filter(pk=found.pk).aupdate(last_used_at=used)
        return answer

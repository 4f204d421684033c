"""API keys in the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from kaiko_guards._keys import is_prefix
from kaiko_guards._names import NAME_ALLOWED, is_name
from kaiko_guards._stored_keys import StoredKey, new_key
from kaiko_guards._verdicts import ValidKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

__all__ = ["ApiKey"]

_SCOPES = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: (?!$)|$))*")


def validate_scopes(value: str) -> None:
    """Refuse what are no scopes separated by single spaces; raises `ValidationError`."""
    if not _SCOPES.fullmatch(value):
        raise ValidationError("Write scopes separated by single spaces, such as contexts:read.")


class ApiKey(models.Model):
    """A key, as its digest."""

    name: models.CharField[str, str] = models.CharField(
        max_length=100, help_text="Whose key it is."
    )
    lookup: models.CharField[str, str] = models.CharField(
        max_length=64, unique=True, editable=False
    )
    digest: models.CharField[str, str] = models.CharField(max_length=64, editable=False)
    scopes: models.CharField[str, str] = models.CharField(
        max_length=500,
        blank=True,
        validators=[validate_scopes],
        help_text="What the key permits, separated by spaces.",
    )
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(
        default=timezone.now, editable=False
    )
    expires_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True, blank=True
    )
    revoked_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True, blank=True, editable=False
    )
    last_used_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(
        null=True, blank=True, editable=False
    )

    class Meta:
        """The newest first."""

        ordering: Sequence[str] = ("-created_at",)
        verbose_name = "API key"

    def __str__(self) -> str:
        """Return whose key it is, and what it is found by."""
        return f"{self.name} ({self.lookup}…)"

    def clean(self) -> None:
        """Refuse a name that a terminal would not show on one line; raises `ValidationError`."""
        if self.name and not is_name(self.name):
            raise ValidationError({"name": f"Write {NAME_ALLOWED}."})

    @classmethod
    def make(
        cls,
        name: str,
        *,
        scopes: Iterable[str] = (),
        expires_at: datetime | None = None,
        prefix: str = "kaiko_live_",
    ) -> tuple[ApiKey, str]:
        """Make and store a key; return it and its text, which is nowhere afterwards.

        Arguments:
            name: whose key it is.
            scopes: what it permits.
            expires_at: until when it is valid; for ever when left out.
            prefix: what it begins with.

        Raises:
            django.core.exceptions.ValidationError: a value is not allowed.

        """
        made = cls(name=name, scopes=" ".join(scopes), expires_at=expires_at)
        key = made.fill(prefix)
        made.full_clean()
        made.save()
        return made, key

    @classmethod
    def find(cls, lookup: str) -> ApiKey | None:
        """Return the entry under `lookup`, if there is one.

        In one statement, which Django does not put together anew for each request: that takes
        three times as long as all the rest.
        """
        query = f"SELECT * FROM {cls._meta.db_table} WHERE lookup = %s"  # noqa: S608 - our table
        found: Any = cls.objects.raw(query, [lookup])
        first: ApiKey | None = next(iter(found), None)
        return first

    def fill(self, prefix: str = "kaiko_live_") -> str:
        """Give this entry, which is not stored yet, a key; return the key's text.

        Raises:
            django.core.exceptions.ValidationError: keys cannot begin with `prefix`.

        """
        if not is_prefix(prefix):
            raise ValidationError("Write a prefix such as kaiko_live_, in lower case.")
        key, self.lookup, self.digest = new_key(prefix)
        return key

    def revoke(self) -> None:
        """Make the key invalid from now on."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])

    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def as_stored(self) -> StoredKey:
        """Return what the rules want to know of it; the principal is this entry."""
        valid = ValidKey(self, self.name, frozenset(self.scopes.split()))
        revoked = self.revoked_at is not None
        return StoredKey(self.lookup, self.digest, valid, self.expires_at, revoked)

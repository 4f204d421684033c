"""Makes, lists and revokes API keys: `manage.py kaiko_key create|list|revoke`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from kaiko_guards._names import is_name, on_one_line
from kaiko_guards.django_keys.models import ApiKey

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """The command."""

    help = "Make, list and revoke API keys."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of three verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a key and show it, once")
        create.add_argument("name", help="whose key it is")
        create.add_argument("--scope", action="append", default=[], help="what it permits")
        create.add_argument("--expires", help="until when, such as 2027-01-01 or with a time")
        create.add_argument("--prefix", default="kaiko_live_", help="what it begins with")
        verbs.add_parser("list", help="show all keys, without their secrets")
        revoke = verbs.add_parser("revoke", help="make a key invalid")
        revoke.add_argument("lookup", help="the start of the key, as list shows it")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Do what is asked."""
        getattr(self, f"_{given['verb']}")(given)

    def _create(self, given: dict[str, Any]) -> None:
        expires = given["expires"]
        try:
            until = None if expires is None else datetime.fromisoformat(expires)
            if until is not None:
                until = (until if until.tzinfo else until.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise CommandError(f"--expires {expires}: write a date such as 2027-01-01") from None
        try:
            made, key = ApiKey.make(
                given["name"], scopes=given["scope"], expires_at=until, prefix=given["prefix"]
            )
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from None
        self.stderr.write(f"{made.name}: the key is shown once")
        self.stdout.write(key)

    def _list(self, _given: dict[str, Any]) -> None:
        for each in ApiKey.objects.all():
            state = "revoked" if each.revoked_at else "expired" if each.is_expired() else "valid"
            used = f"{each.last_used_at:%Y-%m-%d %H:%M}" if each.last_used_at else "never used"
            line = f"{each.lookup}  {state:7}  {used:16}  {each.name}  {each.scopes}"
            self.stdout.write(on_one_line(line).rstrip())

    def _revoke(self, given: dict[str, Any]) -> None:
        lookup = given["lookup"].rstrip("…")
        # Not every database can be asked for every text.
        found = ApiKey.objects.filter(lookup=lookup).first() if is_name(lookup) else None
        if found is None:
            raise CommandError(f"there is no key that begins with {on_one_line(lookup)}")
        found.revoke()
        self.stdout.write(on_one_line(f"{found} is revoked"))

"""Keys in a database: made and shown once, found by their start, revoked, and never logged."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from starlette.applications import Starlette

from kaiko_guards import ApiKeys, AsyncCachedKeys, CachedKeys, ValidKey, new_key
from kaiko_guards.asgi import GuardMiddleware
from kaiko_guards.django import GuardMiddleware as DjangoGuards
from kaiko_guards.django_keys.models import ApiKey
from kaiko_guards.django_keys.verifiers import AsyncModelKeys, ModelKeys
from kaiko_guards.fastapi import ApiKeySecurity
from kaiko_guards.litestar import ApiKeyGuard, guard_middleware
from kaiko_guards.ninja import AsyncApiKeyAuth
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kaiko_guards import KeyAnswer


@pytest.fixture(autouse=True)
def database(tmp_path: Path) -> Iterator[None]:
    """A database of its own, made by the migrations."""
    default: Any = connections.settings["default"]
    name = default["NAME"]
    _forget_connections()
    default["NAME"] = str(tmp_path / "db.sqlite3")
    call_command("migrate", "kaiko_keys", verbosity=0)
    yield
    _forget_connections()
    default["NAME"] = name


def _forget_connections() -> None:
    """Forget those of this thread, and of the one in which asynchronous code asks a database.

    One to a database in memory, which another test left, would stay open when it is closed.
    """

    def forget() -> None:
        for connection in connections.all(initialized_only=True):
            connection.close()
            del connections[connection.alias]

    forget()
    asyncio.run(sync_to_async(forget)())


def _sync(key: str) -> KeyAnswer:
    return ModelKeys().verify(key)


def _async(key: str) -> KeyAnswer:
    async def main() -> KeyAnswer:
        answer = await AsyncModelKeys().verify(key)
        await sync_to_async(connections.close_all)()  # in the thread that has them
        return answer

    return asyncio.run(main())


each = pytest.mark.parametrize("verify", [_sync, _async], ids=["sync", "async"])


def run(*arguments: str) -> tuple[str, str]:
    """Run the command; return what it prints and what it tells."""
    out, err = io.StringIO(), io.StringIO()
    call_command("kaiko_key", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_migrations_make_the_model() -> None:
    """Nothing is left to be made."""
    loader = MigrationExecutor(connections["default"]).loader
    from django.apps import apps

    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(
        graph=loader.graph
    )
    assert "kaiko_keys" not in changes


@each
def test_a_key_is_what_its_entry_says(verify: Callable[[str], KeyAnswer]) -> None:
    """The entry is the principal."""
    entry, key = ApiKey.make("billing", scopes=["contexts:read", "contexts:write"])
    answer = verify(key)
    assert isinstance(answer, ValidKey)
    assert (answer.principal, answer.name) == (entry, "billing")
    assert answer.scopes == {"contexts:read", "contexts:write"}
    assert verify(new_key().key) == "unknown"
    assert verify(entry.lookup + new_key().key[-32:]) == "unknown"
    entry.expires_at = timezone.now()
    entry.save()
    assert verify(key) == "expired"
    entry.revoke()
    assert verify(key) == "revoked"


@each
def test_the_last_use_is_noted_by_the_minute(verify: Callable[[str], KeyAnswer]) -> None:
    """A write for every request would cost more than the check."""
    entry, key = ApiKey.make("billing")
    verify(key)
    entry.refresh_from_db()
    first = entry.last_used_at
    assert first is not None
    verify(key)
    entry.refresh_from_db()
    assert entry.last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    verify(key)
    entry.refresh_from_db()
    assert entry.last_used_at is not None
    assert entry.last_used_at >= first
    other, _ = ApiKey.make("unused")
    verify(other.lookup + "a" * 32)
    other.refresh_from_db()
    assert other.last_used_at is None


def test_a_check_is_one_query_however_many_keys_there_are() -> None:
    """By an index."""
    _, key = ApiKey.make("billing")
    ApiKey.objects.bulk_create(
        ApiKey(name="other", lookup=made.lookup, digest=made.digest)
        for made in (new_key() for _ in range(1000))
    )
    ModelKeys().verify(key)
    with CaptureQueriesContext(connections["default"]) as queries:
        assert isinstance(ModelKeys().verify(key), ValidKey)
    assert len(queries) == 1


def test_no_key_is_stored() -> None:
    """What is stored is not enough to make one."""
    _, key = ApiKey.make("billing")
    assert key[-32:] not in repr(ApiKey.objects.values().get())


@pytest.mark.parametrize("scopes", [["two words", ""], ["a\tb"], ['say "x"']])
def test_what_is_no_scope_is_refused(scopes: list[str]) -> None:
    """Before a key is made."""
    with pytest.raises(ValidationError):
        ApiKey.make("billing", scopes=scopes)
    assert not ApiKey.objects.exists()


# --- the command ----------------------------------------------------------------------


def test_the_command_makes_a_key_and_shows_it_once() -> None:
    """On standard output alone, so that it can be put where it belongs."""
    out, told = run("create", "billing", "--scope", "read", "--scope", "write")
    assert "shown once" in told
    key = out.strip()
    answer = ModelKeys().verify(key)
    assert isinstance(answer, ValidKey)
    assert answer.name == "billing"
    assert answer.scopes == {"read", "write"}
    assert key not in run("list")[0]


def test_the_command_lists_and_revokes() -> None:
    """By the start that the list shows."""
    key = run("create", "billing", "--prefix", "kaiko_test_", "--expires", "2999-01-01")[0].strip()
    old = run("create", "old", "--expires", "2020-01-01T00:00:00+00:00")[0].strip()
    assert ModelKeys().verify(old) == "expired"
    entry = ApiKey.objects.get(name="billing")
    assert entry.expires_at == datetime(2999, 1, 1, tzinfo=UTC)
    ModelKeys().verify(key)
    lines = {line.split()[0]: line for line in run("list")[0].splitlines()}
    assert "valid" in lines[entry.lookup]
    assert "never used" not in lines[entry.lookup]
    assert "expired" in lines[old[:19]]
    assert "never used" in lines[old[:19]]
    assert f"billing ({entry.lookup}…) is revoked" in run("revoke", entry.lookup)[0]
    assert "revoked" in run("list")[0]
    first = ApiKey.objects.get(name="billing").revoked_at
    run("revoke", f"{entry.lookup}…")
    assert ApiKey.objects.get(name="billing").revoked_at == first


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "billing", "--expires", "tomorrow"),
        ("create", "x" * 200),
        ("create", ""),
        ("create", "a\0"),
        ("create", "a\nb"),
        ("create", "\x1b[2Ja"),
        ("create", "a\ud800"),
        ("revoke", "\ud800"),
        ("create", "billing", "--scope", "two words\t"),
        ("revoke", "kaiko_live_nothing"),
        (),
    ],
    ids=lambda arguments: ascii(" ".join(arguments)[:20]),
)
def test_the_command_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    """And does nothing."""
    with pytest.raises(CommandError):
        run(*arguments)
    assert not ApiKey.objects.exists()


def test_the_list_shows_no_control_characters() -> None:
    """Whoever wrote the database."""
    entry, _ = ApiKey.make("billing")
    ApiKey.objects.filter(pk=entry.pk).update(name="\x1b[2J\nroot")
    (line,) = run("list")[0].splitlines()
    assert line.endswith(r"\x1b[2J\nroot")
    assert "\x1b" not in run("revoke", entry.lookup)[0]


# --- the admin ------------------------------------------------------------------------


class _Messages:
    """Takes what the admin tells a person."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def add(self, _level: int, message: str, _tags: str = "", **_how: object) -> None:
        self.told.append(message)


@override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "django.contrib.admin"])
def test_the_admin_shows_a_new_key_once_and_revokes() -> None:
    """No digest is on its pages."""
    from django.contrib.admin import AdminSite

    from kaiko_guards.django_keys.admin import ApiKeyAdmin

    admin = ApiKeyAdmin(ApiKey, AdminSite())
    request: Any = RequestFactory().post("/")
    request._messages = messages = _Messages()
    entry = ApiKey(name="billing")
    admin.save_model(request, entry, None, change=False)
    (told,) = messages.told
    key = told.split()[3].rstrip(".")
    assert isinstance(ModelKeys().verify(key), ValidKey)
    entry.name = "billing 2"
    admin.save_model(request, entry, None, change=True)
    assert len(messages.told) == 1
    assert isinstance(ModelKeys().verify(key), ValidKey)
    admin.revoke(request, ApiKey.objects.all())
    assert ModelKeys().verify(key) == "revoked"
    assert "digest" not in [*admin.get_fields(request), *admin.list_display]


# --- on an event loop -----------------------------------------------------------------


async def _view(_request: object) -> Any:
    """Answer nothing."""


@pytest.mark.parametrize(
    "make",
    [
        lambda _keys: DjangoGuards(_view),
        lambda keys: GuardMiddleware(Starlette(), guards=[keys]),
        guard_middleware,
        ApiKeyGuard,
        ApiKeySecurity,
        AsyncApiKeyAuth,
    ],
    ids=["Django", "ASGI", "Litestar", "guard", "FastAPI", "django-ninja"],
)
def test_a_verifier_that_needs_a_thread_is_refused_on_an_event_loop(
    make: Callable[[ApiKeys], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the application is made, and not by a 503 for each request."""
    keys = ApiKeys(CachedKeys(ModelKeys()))
    with override_settings(KAIKO_GUARDS={"guards": [keys]}):
        with pytest.raises(ConfigError, match=r"verifier: .*AsyncModelKeys"):
            make(keys)
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        assert make(keys) is not None
    monkeypatch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE")
    keys = ApiKeys(AsyncCachedKeys(AsyncModelKeys()))
    with override_settings(KAIKO_GUARDS={"guards": [keys]}):
        assert make(keys) is not None


def test_a_verifier_that_needs_a_thread_is_taken_where_there_is_one() -> None:
    """On a synchronous stack."""
    with override_settings(KAIKO_GUARDS={"guards": [ApiKeys(CachedKeys(ModelKeys()))]}):
        assert DjangoGuards(lambda _request: HttpResponse()) is not None

"""The `KAIKO_MIDDLEWARE` setting: read once, checked, and read again when a test changes it.

The keys are those of `kaiko_middleware.Config`. Since a settings module should import as
little as it can, `mapping` and the entries of `on_error` may also be dotted import paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict, TypeGuard

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from kaiko_middleware import Config, ConfigError, ErrorReport, ExceptionMapping
from kaiko_wsgi.setup import Setup

__all__ = ["SETTING", "Settings", "current", "current_setup", "load_config"]

SETTING = "KAIKO_MIDDLEWARE"


class Settings(TypedDict, total=False):
    """The setting `KAIKO_MIDDLEWARE`: what `Config` takes, every key optional.

    >>> KAIKO_MIDDLEWARE: Settings = {"paths": ["/v2"], "on_error": ["shop.errors.count"]}
    """

    request_id_header: str
    request_id_digits: int
    trust_request_id: bool
    paths: Iterable[str]
    exclude_paths: Iterable[str]
    rewrite_answers: bool
    keep_protocol_errors: bool
    hold_event_streams: bool
    challenge: str
    mapping: ExceptionMapping | str
    on_error: Iterable[Callable[[ErrorReport], object] | str]
    reraise: bool


current: list[Setup] = []
"""What the setting says now; empty until `current_setup` has read it."""


def current_setup() -> Setup:
    """Return what the setting says now.

    Raises:
        ConfigError: it is wrong; the message names the key, the value and what is allowed.

    """
    if not current:
        current[:] = [Setup(load_config())]
    return current[0]


def load_config() -> Config:
    """Read and check the setting; raises as above."""
    given: object = getattr(settings, SETTING, {})
    if not _is_mapping(given):
        msg = f"{SETTING}: {given!a:.80} is not allowed; it must be a dict, such as {{}}"
        raise ConfigError(msg)
    values: dict[str, object] = {str(key): value for key, value in given.items()}
    try:
        return Config.from_mapping(_resolved(values), source=SETTING)
    except ConfigError as exc:
        text = str(exc).removeprefix(f"{SETTING}: ")
        msg = f"{SETTING}: {text}"
        raise ConfigError(msg) from exc


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_iterable(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable)


def _resolved(values: dict[str, object]) -> dict[str, object]:
    """Return the values with import paths replaced by what they name."""
    mapping, hooks = values.get("mapping"), values.get("on_error")
    if mapping is not None:
        values["mapping"] = _imported("mapping", mapping)
    if isinstance(hooks, str):
        msg = f"on_error: {hooks!a} is not allowed; it must be a list, such as [{hooks!a}]"
        raise ConfigError(msg)
    if _is_iterable(hooks):
        values["on_error"] = [_imported("on_error", hook) for hook in hooks]
    return values


def _imported(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as exc:
        msg = f"{key}: {value!a} is not allowed; it must be a path that can be imported ({exc})"
        raise ConfigError(msg) from exc


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == SETTING:
        current.clear()


setting_changed.connect(_forget, dispatch_uid=SETTING)

"""The `KAIKO_MIDDLEWARE` setting: read once, checked, and read again when a test changes it.

The keys are those of `kaiko_middleware.Config`. Since a settings module should import as
little as it can, `mapping` and the entries of `on_error` may also be dotted import paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from kaiko_middleware import Config, ErrorReport, ExceptionMapping
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.settings_check import refuse

__all__ = ["SETTING", "Settings", "current", "current_pipeline", "load_config"]

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


current: list[Pipeline] = []
"""What the setting says now; empty until `current_pipeline` has read it."""


def current_pipeline() -> Pipeline:
    """Return what the setting says now.

    Raises:
        ConfigError: it is wrong; the message names the key, the value and what is allowed.

    """
    if not current:
        current[:] = [Pipeline(load_config())]
    return current[0]


def load_config() -> Config:
    """Read and check the setting; raises as above."""
    given: object = getattr(settings, SETTING, {})
    if isinstance(given, Mapping):
        items = cast("Mapping[str, object]", given).items()  # its keys are checked
        given = {key: _imported(key, value) for key, value in items}
    return Config.from_mapping(cast("dict[str, object]", given), source=SETTING)  # likewise


def _imported(key: str, value: object) -> object:
    """Return the value of a key, with what its import paths name."""
    if key == "on_error" and isinstance(value, Iterable) and not isinstance(value, str):
        return [_named(key, hook) for hook in cast("Iterable[object]", value)]  # each is checked
    return _named(key, value) if key == "mapping" else value


def _named(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return import_string(value)
    except ImportError as exc:
        refuse(f"{SETTING}: {key}", value, f"a path that can be imported ({exc})")


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == SETTING:
        current.clear()


setting_changed.connect(_forget, dispatch_uid=SETTING)

"""Several projects in the one that a process can have: each has its routes and settings."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.test import override_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.driver import Driver, Result, Sent


class AtUrls:
    """A driver whose project has other routes."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, urlconf: str, driver: Driver) -> None:
        self.name = driver.name
        self._urlconf = urlconf
        self._driver = driver

    def send(self, sent: Sent) -> Result:
        """Send a request."""
        with override_settings(ROOT_URLCONF=self._urlconf):
            return self._driver.send(sent)


class InProject:
    """A driver whose project has other settings, also while its application is made."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, name: str, make: Callable[[], Driver], settings: dict[str, Any]) -> None:
        self.name = name
        self._make = make
        self._settings = settings

    @cached_property
    def _driver(self) -> Driver:
        return self._make()

    def send(self, sent: Sent) -> Result:
        """Send a request."""
        with override_settings(**self._settings):
            return self._driver.send(sent)

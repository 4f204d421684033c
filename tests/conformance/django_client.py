"""Several applications in the one Django project that a process can have: each has its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.test import override_settings

if TYPE_CHECKING:
    from conformance.driver import Driver, Result
    from conformance.scenarios import Scenario


class AtUrls:
    """A driver whose project has other routes."""

    def __init__(self, urlconf: str, driver: Driver) -> None:
        self.name = driver.name
        self._urlconf = urlconf
        self._driver = driver

    def run(self, scenario: Scenario) -> Result:
        """Send the scenario's request."""
        with override_settings(ROOT_URLCONF=self._urlconf):
            return self._driver.run(scenario)

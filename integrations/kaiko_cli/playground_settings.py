"""What the command `demo --serve` tells the process of its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kaiko_cli.firing import Address

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SETTINGS", "Settings"]

SETTINGS = "KAIKO_DEMO_PLAYGROUND"
"""The variable with the settings, as JSON."""


class Settings(NamedTuple):
    """What the command tells the page's process.

    Arguments:
        stacks: the running stacks.
        behind: the services that they call.
        logs: the folder of their logs.
        clock: the file of their clock.
    """

    stacks: Sequence[Address]
    behind: Sequence[Address]
    logs: Path
    clock: Path

    def to_json(self) -> str:
        """Return the settings as text."""
        return json.dumps([self.stacks, self.behind, str(self.logs), str(self.clock)])

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Return the settings of `to_json`."""
        stacks, behind, logs, clock = json.loads(text)
        return cls(
            [Address(*each) for each in stacks],
            [Address(*each) for each in behind],
            Path(logs),
            Path(clock),
        )

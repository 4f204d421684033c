"""The command `kaiko-middleware`: see the contract at work, and look up its codes.

Each subcommand is a module with `add_arguments` and `run`; `main` finds and calls them.
"""

from __future__ import annotations

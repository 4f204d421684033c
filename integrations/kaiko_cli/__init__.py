"""The command `kaiko-middleware`: run the demo of the contract, and list its codes.

Each subcommand is a module with `add_arguments` and `run`; `main` finds and calls them.
"""

from __future__ import annotations

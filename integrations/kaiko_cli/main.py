"""The command line itself: which subcommands there are, and what each needs installed.

A subcommand's module is imported when it is asked for, so that `--help` works with the core
alone, and what an extra would bring is named in a sentence instead of a traceback.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


class _Command(NamedTuple):
    name: str
    summary: str
    extra: str
    needs: tuple[str, ...]


class _Module(Protocol):
    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, options: argparse.Namespace, /) -> int: ...


_COMMANDS = (
    _Command(
        "demo",
        "serve a small V2 service on Starlette and Django and compare their answers",
        "demo",
        ("rich", "starlette", "django", "uvicorn", "waitress"),
    ),
    _Command("catalog", "list the rows of the contract and the codes known", "cli", ("rich",)),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Arguments:
        argv: what was typed after the command's name; the process's arguments by default.

    Returns:
        The exit code: 0 where all went well, 1 where not, 2 where the command line was wrong.

    """
    parser = argparse.ArgumentParser(
        prog="kaiko-middleware", description="One error contract for every answer of a service."
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {version('kaiko-middleware')}"
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for command in _COMMANDS:
        subparser = commands.add_parser(
            command.name, help=command.summary, description=command.summary
        )
        subparser.set_defaults(chosen=command)
        if _missing(command):
            # Its module cannot be imported; whatever was asked of it, the answer is below.
            subparser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        else:
            _module(command).add_arguments(subparser)
    options = parser.parse_args(argv)
    chosen: _Command = options.chosen
    missing = _missing(chosen)
    if missing:
        print(
            f"kaiko-middleware {chosen.name} needs {', '.join(missing)}: "
            f"pip install 'kaiko-middleware[{chosen.extra}]'",
            file=sys.stderr,
        )
        return 1
    try:
        return _module(chosen).run(options)
    except KeyboardInterrupt:
        return 130


def _missing(command: _Command) -> list[str]:
    return [module for module in command.needs if find_spec(module) is None]


def _module(command: _Command) -> _Module:
    module: _Module = importlib.import_module(f"kaiko_cli.{command.name}")
    return module


if __name__ == "__main__":
    sys.exit(main())

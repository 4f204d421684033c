"""The command line itself: which subcommands there are, and what each needs installed.

A subcommand's module is imported when it is asked for, so that `--help` works with the core
alone, and what an extra would bring is named in a sentence instead of a traceback.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


_Parts: TypeAlias = tuple[
    Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]
]


class _Command(NamedTuple):
    name: str
    summary: str
    extra: str
    needs: tuple[str, ...]
    load: Callable[[], _Parts]


def _demo() -> _Parts:
    from kaiko_cli import demo  # noqa: PLC0415 - imports what its extra brings

    return demo.add_arguments, demo.run


def _catalog() -> _Parts:
    from kaiko_cli import catalog  # noqa: PLC0415 - imports what its extra brings

    return catalog.add_arguments, catalog.run


_COMMANDS = (
    _Command(
        "demo",
        "serve a small V2 service on Starlette and Django and compare their answers",
        "demo",
        ("rich", "starlette", "django", "uvicorn", "waitress"),
        _demo,
    ),
    _Command(
        "catalog", "list the rows of the contract and the codes known", "cli", ("rich",), _catalog
    ),
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
        missing = [module for module in command.needs if find_spec(module) is None]
        if missing:
            subparser.set_defaults(run=partial(_install_first, command, missing), any_option=True)
        else:
            add_arguments, run = command.load()
            add_arguments(subparser)
            subparser.set_defaults(run=run, any_option=False)
    options, unknown = parser.parse_known_args(argv)
    if unknown and not options.any_option:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    chosen: Callable[[argparse.Namespace], int] = options.run
    try:
        return chosen(options)
    except KeyboardInterrupt:
        return 130


def _install_first(command: _Command, missing: list[str], _: argparse.Namespace) -> int:
    print(
        f"kaiko-middleware {command.name} needs {', '.join(missing)}: "
        f"pip install 'kaiko-middleware[{command.extra}]'",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

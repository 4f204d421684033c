"""The command line: its subcommands, and the packages that each of them needs.

A subcommand's module is imported only when it is used. So `--help` works with the core alone,
and a missing extra is reported in a sentence, not a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from kaiko_middleware.extras import is_missing

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


def _check() -> _Parts:
    from kaiko_check import command  # noqa: PLC0415 - imports what its extra brings

    return command.add_arguments, command.run


def _explain() -> _Parts:
    from kaiko_cli import explain  # noqa: PLC0415 - imports what its extra brings

    return explain.add_arguments, explain.run


_COMMANDS = (
    _Command(
        "demo",
        "serve a V2 service on Starlette, Litestar, Flask and Django and compare their answers",
        "demo",
        (
            "rich",
            "starlette",
            "litestar",
            "flask",
            "django",
            "httpx2",
            "stamina",
            "uvicorn",
            "waitress",
        ),
        _demo,
    ),
    _Command(
        "check",
        "check a service, in any language, against the contract",
        "check",
        ("rich", "httpx2"),
        _check,
    ),
    _Command("catalog", "list the codes that a service answers with", "cli", ("rich",), _catalog),
    _Command("explain", "say what an error means and what to do", "cli", ("rich",), _explain),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Arguments:
        argv: the words after the command's name; the process's arguments by default.

    Returns:
        The exit code: 0 for success, 1 for failure, 2 for a wrong command line.

    """
    words = sys.argv[1:] if argv is None else list(argv)
    asked = next((word for word in words if not word.startswith("-")), None)
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
        if command.name != asked:
            continue
        missing = [module for module in command.needs if is_missing(module)]
        if missing:
            return _install_first(command, missing)
        add_arguments, run = command.load()
        add_arguments(subparser)
        subparser.set_defaults(run=run)
    options = parser.parse_args(words)
    chosen: Callable[[argparse.Namespace], int] = options.run
    try:
        code = chosen(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the output has stopped, like `head`: discard the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _install_first(command: _Command, missing: list[str]) -> int:
    print(
        f"kaiko-middleware {command.name} needs {', '.join(missing)}: "
        f"pip install 'kaiko-middleware[{command.extra}]'",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

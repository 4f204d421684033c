"""A service with codes of every origin, written into a folder and imported by a process."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

from support_program import a_persons_environment

if TYPE_CHECKING:
    from pathlib import Path

SHOP = {
    "shop/__init__.py": "",
    "shop/errors.py": '''
        from kaiko_middleware import ConflictError, InvalidRequestError, NotFoundError

        print("a module that prints when it is imported")


        class OrderNotFound(
            NotFoundError,
            code="order_not_found",
            param="order_id",
            message="The order does not exist",
            resolution="Check the order_id.",
        ):
            """Orders are kept for | ten years."""


        class OrderGone(NotFoundError, code="order_gone", status=410, retryable=True):
            pass


        class Spoilt(InvalidRequestError, code="spoilt", message="a\\x1b[31m \\ud800<b>"):
            pass
    ''',
    "shop/domain.py": """
        class Sold(Exception):
            pass


        class Burnt(Exception):
            pass


        class Lost(Exception):
            pass


        class Closed(Exception):
            pass


        class Late(Exception):
            pass
    """,
    "shop/mapped.py": """
        import functools
        import sys
        import types

        import kaiko_middleware
        from kaiko_middleware import (
            ConflictError, ExceptionMapping, InvalidValueError, MissingFieldError, NotFoundError,
        )

        from shop import domain, errors

        mapping = ExceptionMapping()
        sys.modules["shop.made"] = types.ModuleType("shop.made")


        @mapping.register(domain.Sold)
        def _(exc):
            if exc.args:
                return ConflictError("Sold to somebody else", code="already_sold")
            return errors.OrderNotFound()


        def closed(hours, exc):
            return kaiko_middleware.ServiceUnavailableError(code="shop_closed")


        mapping.register(domain.Closed, functools.partial(closed, 9))
        mapping.register(domain.Lost, errors.OrderNotFound)
        mapping.register(domain.Burnt, lambda exc: InvalidValueError(param="lines[0].toast"))
        mapping.register(KeyError, lambda exc: MissingFieldError("order_id"))
        mapping.register(domain.Late, lambda exc: made[0]())
        mapping.register(OSError, len)
        made = [NotFoundError]
    """,
    "shop/app.py": """
        from kaiko_asgi import KaikoMiddleware
        from kaiko_middleware import Config, ForbiddenError, RateLimitError
        from shop import mapped

        config = Config(mapping=mapped.mapping, request_id_header="X-Trace-ID")


        class Views:
            async def create(self):
                raise ForbiddenError("Only the owner may", code="not_the_owner", param="order_id")

            def again(self):
                raise RateLimitError(code="only_once", retryable=False)

            def computed(self, reason):
                raise ForbiddenError(code=reason)


        def wrong():
            raise ForbiddenError(code="Not-A-Code")


        def also():
            raise ForbiddenError("Only owners", code="not_the_owner")


        async def serve(scope, receive, send):
            pass


        app = KaikoMiddleware(serve, config)
    """,
    "shop/__main__.py": "raise SystemExit('it would run')",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write the files of a service; return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder


def command(
    *arguments: str, cwd: Path, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `kaiko-middleware` as a person does, in a folder."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kaiko_cli.main", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        env=a_persons_environment() | environment,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )

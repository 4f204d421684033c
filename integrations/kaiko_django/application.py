"""The applications for `wsgi.py` and `asgi.py`: Django's, in a layer that nothing escapes.

No middleware sees a request whose headers Django cannot read, a URLconf that does not
import, a `handler500` that fails, or a receiver of `request_started` that does. A layer
around the whole application does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from kaiko_asgi import KaikoMiddleware
from kaiko_django.conf import load_config
from kaiko_django.wsgi import WSGIWrapper
from kaiko_middleware.layers import REQUEST_ID, layers_of

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp, Receive, Scope, Send

__all__ = ["get_asgi_application", "get_wsgi_application"]


def get_wsgi_application() -> WSGIWrapper:
    """Return the WSGI application of the project; in `wsgi.py`, in place of Django's.

    >>> from kaiko_django import get_wsgi_application
    >>> application = get_wsgi_application()  # doctest: +SKIP

    Raises:
        ConfigError: the setting `KAIKO_MIDDLEWARE` is wrong.

    """
    django.setup(set_prefix=False)
    return WSGIWrapper(WSGIHandler(), load_config())


def get_asgi_application() -> ASGIApp:
    """Return the ASGI application of the project; in `asgi.py`, in place of Django's.

    >>> from kaiko_django import get_asgi_application
    >>> application = get_asgi_application()  # doctest: +SKIP

    Raises:
        ConfigError: the setting `KAIKO_MIDDLEWARE` is wrong.

    """
    django.setup(set_prefix=False)
    # Its stub asks for a dict where ASGI knows any mutable mapping.
    handler = cast("ASGIApp", ASGIHandler())  # its stubs have types of their own
    return _ASGIWrapper(_raising(handler), load_config())


class _ASGIWrapper(KaikoMiddleware):
    def covers(self, scope: Scope) -> bool:
        """Whether answers are ours, by Django's `path_info`."""
        prefix: str = settings.FORCE_SCRIPT_NAME or scope.get("root_path") or ""
        return super().covers({**scope, "root_path": prefix.rstrip("/")})


def _raising(handler: ASGIApp) -> ASGIApp:
    """Have what ends the process raised outside of the task in which Django runs the view.

    The answer then goes out first.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        exits: list[BaseException] = []
        request_id: str | None = scope.get("state", {}).get(REQUEST_ID)
        layers = None  # where the path is not ours
        if request_id is not None:
            layers = layers_of(scope["state"], request_id)
            layers.exit_taker = exits.append
        await handler(scope, receive, send)
        if exits and layers is not None:
            layers.reported = exits[0]
            raise exits.pop()

    return application

"""CORS headers for error answers that Litestar's own CORS layer has not seen, or lets go without.

It puts none on the answer to a preflight that it refuses, and what leaves the application as an
exception never comes through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware import current_request_id
from kaiko_middleware.headers import merge_expose

if TYPE_CHECKING:
    from litestar.config.cors import CORSConfig

    from kaiko_asgi import Message, Scope, Send

__all__ = ["CorsHeaders"]

_ALLOWED = "access-control-allow-origin"


class CorsHeaders:
    """The CORS headers of one application.

    Arguments:
        config: Litestar's settings.
        id_header: the name of the request id's header.

    """

    def __init__(self, config: CORSConfig, id_header: str) -> None:
        self._config = config
        self._id_header = id_header

    def around(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that adds the headers; `send` itself where there is no origin."""
        said = dict(scope["headers"])
        if b"origin" not in said:
            return send
        origin = said[b"origin"].decode("latin-1")
        has_cookie = b"cookie" in said

        async def adding(message: Message) -> None:
            if (
                message["type"] == "http.response.start"
                and message["status"] >= 400
                and current_request_id() is not None  # not on an uncovered path
            ):
                message = self._added(message, origin, has_cookie=has_cookie)
            await send(message)

        return adding

    def _added(self, start: Message, origin: str, *, has_cookie: bool) -> Message:
        config = self._config
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]
        ]
        names = {name.lower() for name, _ in pairs}
        if _ALLOWED in names:
            return start
        added = {name.lower(): value for name, value in config.simple_headers.items()}
        any_origin = config.is_allow_all_origins
        if has_cookie if any_origin else config.is_origin_allowed(origin):
            added |= {_ALLOWED: origin, "vary": "Origin"}
        pairs += [(name, value) for name, value in added.items() if name not in names]
        if _ALLOWED in added:
            pairs = list(merge_expose(pairs, self._id_header))
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs
        ]
        return {**start, "headers": headers}

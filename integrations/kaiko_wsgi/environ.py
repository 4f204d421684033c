"""What is read of a WSGI environ, and the key of ours in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.layers import ENVIRON_ID, LAYERS, REQUEST_ID, layers_of
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any
    from wsgiref.types import WSGIEnvironment

    from kaiko_middleware.pipeline import Pipeline

__all__ = ["ENVIRON_ID", "id_around", "path_in", "request_id_of", "request_info"]

_ASGI_SCOPE = "asgi.scope"
"""The key of the environ under which a2wsgi keeps the scope that it made the environ from."""


def id_around(environ: WSGIEnvironment) -> object:
    """Return the id that a layer of ours outside gave the request, if there is one.

    An ASGI layer outside of a2wsgi then shares what the layers know, too.
    """
    known: object = environ.get(ENVIRON_ID)
    scope: dict[str, Any] | None = environ.get(_ASGI_SCOPE)
    if known is None and scope is not None:
        state: dict[str, Any] = scope.get("state") or {}
        known = state.get(REQUEST_ID)
        if isinstance(known, str):
            environ[LAYERS] = layers_of(state, known)
    return known


def path_in(environ: Mapping[str, object], *names: str) -> str:
    """Return the path that is stored under `names`, decoded from UTF-8."""
    raw = "".join(str(environ.get(name, "")) for name in names)
    return raw.encode("latin-1", "replace").decode("utf-8", "replace") or "/"


def request_info(environ: Mapping[str, object], request_id: str) -> RequestInfo:
    """Return what the core wants to know of a request."""
    return RequestInfo(
        request_id,
        str(environ.get("REQUEST_METHOD", "-")),
        path_in(environ, "SCRIPT_NAME", "PATH_INFO"),
        str(environ.get("CONTENT_TYPE", "")),
        str(environ.get("HTTP_CONNECT_PROTOCOL_VERSION", "")),
    )


def request_id_of(environ: Mapping[str, object], pipeline: Pipeline) -> str:
    """Return the id of the request that came with an environ, or with Django's `META`."""
    if not pipeline.config.trust_request_id:
        return pipeline.ids()
    inbound = environ.get(f"HTTP_{pipeline.id_header.upper().replace('-', '_')}")
    return pipeline.request_id((inbound,) if isinstance(inbound, str) else ())

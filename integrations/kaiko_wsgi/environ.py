"""What is read of a WSGI environ, and the key of ours in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaiko_middleware.pipeline import Pipeline

__all__ = ["ENVIRON_ID", "path_in", "request_id_of", "request_info"]

ENVIRON_ID = "kaiko.request_id"
"""The key of the request id."""


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

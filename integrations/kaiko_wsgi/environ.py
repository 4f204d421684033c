"""What is read of a WSGI environ, and the key of ours in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

__all__ = ["ENVIRON_ID", "path_of", "request_info"]

ENVIRON_ID = "kaiko.request_id"
"""The key of the request id."""


def path_of(environ: WSGIEnvironment) -> str:
    """Return the path as the client sent it: decoded from UTF-8, with the script's name."""
    raw = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return raw.encode("latin-1", "replace").decode("utf-8", "replace") or "/"


def request_info(environ: WSGIEnvironment, request_id: str) -> RequestInfo:
    """Return what the core wants to know of a request."""
    method = str(environ.get("REQUEST_METHOD", "-"))
    kind = str(environ.get("CONTENT_TYPE", ""))
    connect_version = str(environ.get("HTTP_CONNECT_PROTOCOL_VERSION", ""))
    return RequestInfo(request_id, method, path_of(environ), kind, connect_version)

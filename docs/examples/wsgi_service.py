"""A service without a framework: a function in the middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from kaiko_middleware import Config, NotFoundError, parse_body
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str


def service(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    match environ["REQUEST_METHOD"], environ["PATH_INFO"].split("/"):
        case "POST", ["", "v2", "contexts"]:
            new = parse_body(NewContext, read(environ))
            return answer(start_response, "201 Created", new.model_dump_json().encode())
        case "GET", ["", "v2", "contexts", name]:
            raise ContextNotFound(f"Context '{name}' has expired")
        case "GET", ["", "v2", "average"]:
            return answer(start_response, "200 OK", b"%d" % (0 / 0))  # a bug: nothing to average
        case _:
            return answer(start_response, "404 Not Found", b"nothing here", "text/plain")


def read(environ: WSGIEnvironment) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def answer(
    start_response: StartResponse, status: str, body: bytes, kind: str = "application/json"
) -> list[bytes]:
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


app = KaikoMiddleware(service, Config(paths=("/v2",)))

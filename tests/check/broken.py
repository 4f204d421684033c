"""Spoiling one thing in a right answer: around any ASGI or WSGI application.

A spoiler gets the whole exchange after the right service has answered, and changes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kaiko_middleware import KaikoError, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Spoil = "Callable[[Exchange], None]"


@dataclass(slots=True)
class Exchange:
    """A request and its answer."""

    method: str
    target: str
    asked: dict[str, str]
    sent: bytes
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def get(self, name: str) -> str:
        return next((value for other, value in self.headers if other.lower() == name), "")

    def drop(self, *names: str) -> None:
        self.headers = [pair for pair in self.headers if pair[0].lower() not in names]

    def set(self, name: str, value: str) -> None:
        self.drop(name.lower())
        self.headers.append((name, value))

    def write(self, body: bytes) -> None:
        self.body = body
        self.set("Content-Length", str(len(body)))

    @property
    def error(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["error"])

    def edit(self, **members: object) -> None:
        """Change members of the error; `...` takes one away."""
        found = {**self.error, **members}
        kept = {name: value for name, value in found.items() if value is not ...}
        self.write(json.dumps({"error": kept}, separators=(",", ":")).encode())

    def identify(self, request_id: str) -> None:
        """Give it another id, in the header and in the body."""
        self.set("X-Request-ID", request_id)
        if self.status >= 400:
            self.edit(request_id=request_id)

    def answer(self, error: KaikoError, **members: object) -> None:
        """Answer a right error instead, with the same id, and with members of it changed."""
        reply = render(error, self.get("x-request-id"))
        self.status, self.headers, self.body = reply.status, list(reply.headers), reply.body
        if members:
            self.edit(**members)


def spoiled_asgi(app: Any, spoil: Callable[[Exchange], None]) -> Any:
    """Return an ASGI application whose answers are spoiled."""

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        message = await receive()
        query = scope["query_string"].decode("latin-1")
        exchange = Exchange(
            scope["method"],
            scope["raw_path"].decode("latin-1") + (f"?{query}" if query else ""),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            message.get("body", b""),
        )
        given = [message]

        async def again() -> Any:
            return given.pop() if given else await receive()

        async def keep(sent: Any) -> None:
            if sent["type"] == "http.response.start":
                exchange.status = sent["status"]
                exchange.headers = [
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in sent["headers"]
                ]
            else:
                exchange.body += sent.get("body", b"")

        # A spoiler of errors needs the body that an answer to HEAD has not.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await app(asked, again, keep)
        except Exception:
            if not exchange.status:
                raise
        spoil(exchange)
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in exchange.headers
        ]
        start = {"type": "http.response.start", "status": exchange.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": exchange.body})

    return outer


def spoiled_wsgi(app: Any, spoil: Callable[[Exchange], None]) -> Any:
    """Return a WSGI application whose answers are spoiled."""

    def outer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        query = environ["QUERY_STRING"]
        sent = environ["wsgi.input"].read()
        environ["wsgi.input"].seek(0)
        exchange = Exchange(
            environ["REQUEST_METHOD"],
            quote(environ["PATH_INFO"].encode("latin-1")) + (f"?{query}" if query else ""),
            {
                name[5:].lower().replace("_", "-"): value
                for name, value in environ.items()
                if name.startswith("HTTP_")
            }
            | {"content-type": environ.get("CONTENT_TYPE", "")},
            sent,
        )

        def keep(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            del exc_info
            exchange.status, exchange.headers = int(status[:3]), list(headers)

        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        chunks = app({**environ, "REQUEST_METHOD": method}, keep)
        try:
            exchange.body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        spoil(exchange)
        start(f"{exchange.status} Spoiled", exchange.headers)
        return [exchange.body]

    return outer

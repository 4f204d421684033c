"""What servers answer themselves: each cell of the table in docs/servers.md, by experiment."""

from __future__ import annotations

import http.client
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.scenarios import BY_NAME
from servers.asking import on_servers, send

if TYPE_CHECKING:
    from servers.running import Running

PAGE = Path(__file__).parents[2] / "docs/servers.md"
_GET = b"GET /s/ok HTTP/1.1\r\n"
_POST = b"POST /s/parsed HTTP/1.1\r\n"
_HOST = b"Host: 127.0.0.1\r\n"
_UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"

# By the names that the page gives them.
REQUESTS = {
    "Request line that is none": b"NONSENSE\r\n\r\n",
    "Header without a colon": _GET + _HOST + b"nonsense\r\n\r\n",
    "No `Host`": _GET + b"\r\n",
    "Path of 20 kB": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n",
    "Header of 20 kB": _GET + _HOST + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n",
    "150 headers": _GET + _HOST + b"".join(b"X-%d: a\r\n" % i for i in range(150)) + b"\r\n",
    "`Content-Length: abc`": _POST + _HOST + b"Content-Length: abc\r\n\r\n",
    "Broken chunk": _POST + _HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "Unknown `Transfer-Encoding`": _POST + _HOST + b"Transfer-Encoding: abc\r\n\r\n",
    "`CONNECT`": b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    "WebSocket without a key": b"GET /echoes HTTP/1.1\r\n" + _HOST + _UPGRADE + b"\r\n",
}
# gunicorn's uvicorn worker is uvicorn.
COLUMNS = {"gunicorn-uvicorn": "uvicorn-httptools"}


def _table() -> dict[tuple[str, str], str]:
    """Read the page's first table: what it says of each request and server."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().partition("\n| Request |")[2].partition("\n\n")[0].splitlines()
    ]
    names = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in rows[0] if name]
    return {
        (row[0], name): cell for row in rows[2:] for name, cell in zip(names, row[1:], strict=True)
    }


def _answer(port: int, raw: bytes) -> str:
    """Send bytes, and say in the page's words what came of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(raw)
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
            body = response.read()
        except (ConnectionError, http.client.HTTPException):
            return "closed"
        finally:
            response.close()
    if response.headers["x-request-id"]:
        return "passed on"
    kind = (response.headers["content-type"] or "text/plain").partition(";")[0]
    told = {"text/plain": "text", "text/html": "HTML"}[kind] if body else "empty"
    return f"{response.status} {told}"


@on_servers()
@pytest.mark.parametrize("name", REQUESTS)
def test_refusal(server: Running, name: str) -> None:
    """The server does with the request what the page says, and serves on."""
    column = COLUMNS.get(server.server.name, server.server.name)
    assert _answer(server.port, REQUESTS[name]) == _table()[name, column]
    assert send(server, server.server.apps[0], BY_NAME["ok"]).status == 200


def test_the_page_tells_all() -> None:
    """Each request that is tried is on the page, and no other."""
    assert {row for row, _ in _table()} == REQUESTS.keys()

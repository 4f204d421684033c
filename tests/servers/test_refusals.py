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
    from servers.server_list import Server

PAGE = Path(__file__).parents[2] / "docs/servers.md"
_GET = b"GET /s/ok HTTP/1.1\r\n"
_POST = b"POST /s/parsed HTTP/1.1\r\n"
_HOST = b"Host: 127.0.0.1\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
_UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"


def _many_headers(number: int) -> bytes:
    return _GET + _HOST + b"".join(b"X-%d: a\r\n" % i for i in range(number)) + b"\r\n"


# By the names that the page gives them.
REQUESTS = {
    "Request line that is none": b"NONSENSE\r\n\r\n",
    "HTTP/0.9": b"GET /s/ok\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "Unknown method": b"BREW /s/ok HTTP/1.1\r\n" + _HOST + b"\r\n",
    "`OPTIONS *`": b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n",
    "`CONNECT`": b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    "Space in the target": b"GET /s/ok?a b HTTP/1.1\r\n" + _HOST + b"\r\n",
    "Byte 0xFF in the target": b"GET /s/ok?a=\xff HTTP/1.1\r\n" + _HOST + b"\r\n",
    "Header without a colon": _GET + _HOST + b"nonsense\r\n\r\n",
    "Space before the colon": _GET + _HOST + b"X-A : a\r\n\r\n",
    "Header name with `(`": _GET + _HOST + b"X(: a\r\n\r\n",
    "Header on two lines": _GET + _HOST + b"X-A: a\r\n b\r\n\r\n",
    "Header value with 0xFF": _GET + _HOST + b"X-A: \xff\r\n\r\n",
    "Header value with 0x00": _GET + _HOST + b"X-A: a\0b\r\n\r\n",
    "No `Host`": _GET + b"\r\n",
    "Two `Host`s": _GET + _HOST + b"Host: a.test\r\n\r\n",
    "Path of 20 kB": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n",
    "Header of 20 kB": _GET + _HOST + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n",
    "150 headers": _many_headers(150),
    "2,000 headers": _many_headers(2_000),
    "`Content-Length: abc`": _POST + _HOST + b"Content-Length: abc\r\n\r\n",
    "Two `Content-Length`s": _POST + _HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "`Content-Length` and chunks": (
        _POST + _HOST + b"Content-Length: 2\r\n" + _CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "Broken chunk": _POST + _HOST + _CHUNKED + b"zz\r\n\r\n",
    "Broken chunk after a good one": _POST + _HOST + _CHUNKED + b"1\r\n{\r\nzz\r\n\r\n",
    "Unknown `Transfer-Encoding`": _POST + _HOST + b"Transfer-Encoding: abc\r\n\r\n",
    "`Expect: 100-continue`": (
        _POST + _HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    ),
    "Unknown `Expect`": _POST + _HOST + b"Expect: abc\r\nContent-Length: 2\r\n\r\n{}",
    "WebSocket without a key": b"GET /echoes HTTP/1.1\r\n" + _HOST + _UPGRADE + b"\r\n",
    "Body that ends too soon": _POST + _HOST + b"Content-Length: 100\r\n\r\n0123456789",
}
# After these the client says that it will send no more.
HALF = {"Body that ends too soon"}
_HTTP2 = b"\x04\x00\x00\x00\x00\x00"  # the type of a SETTINGS frame, its flags and stream
# gunicorn's uvicorn worker is uvicorn; its other WSGI workers read requests as the first does.
COLUMNS = {
    "gunicorn-uvicorn": "uvicorn-httptools",
    "gunicorn-gthread": "gunicorn-sync",
    "gunicorn-gevent": "gunicorn-sync",
}


def table(first: str) -> dict[tuple[str, str], str]:
    """Read a table of the page, by its first column: what it says of each row and server."""
    lines = PAGE.read_text().partition(f"\n| {first} |")[2].partition("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    names = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in rows[0] if name]
    return {
        (row[0], name): cell for row in rows[2:] for name, cell in zip(names, row[1:], strict=True)
    }


def said(first: str, row: str, server: Server) -> str:
    """Return what a table of the page says of a server; WSGI servers have tables of their own."""
    cells = table(first if server.is_asgi else f"WSGI {first.lower()}")
    name = server.name if (row, server.name) in cells else COLUMNS[server.name]
    return cells[row, name]


def answer(port: int, raw: bytes, *, half: bool = False) -> str:
    """Send bytes, and say in the page's words what came of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(raw)
        if half:
            connection.shutdown(socket.SHUT_WR)
        try:
            begin = connection.recv(9, socket.MSG_PEEK | socket.MSG_WAITALL)
        except ConnectionError:
            return "closed"
        if begin[3:] == _HTTP2:
            return "HTTP/2"
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
    seen = answer(server.port, REQUESTS[name], half=name in HALF)
    assert seen in said("Request", name, server.server).split(" or ")
    assert send(server, server.server.apps[0], BY_NAME["ok"]).status == 200


def test_the_page_tells_all() -> None:
    """Each request that is tried is on the page, and no other."""
    for first in ("Request", "WSGI request"):
        assert {row for row, _ in table(first)} == REQUESTS.keys()

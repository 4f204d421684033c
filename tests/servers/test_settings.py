"""The settings on docs/servers.md: each limit that shows without waiting, and what is beyond it.

Not here are the time limits that are counted in seconds, and the workers that are killed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from servers.running import running
from servers.server_list import SERVERS
from servers.test_refusals import PAGE, REQUESTS, answer

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = b"GET /s/ok HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_OK = _HEAD + b"\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n" + b"x" * 20
BY_NAME = {server.name: server for server in SERVERS}


def _begun(size: int) -> bytes:
    """Return a head that is not complete yet."""
    return _HEAD + b"X-A: " + b"a" * size


@dataclass(frozen=True)
class Limit:
    """A limit of a server's, and what is beyond it."""

    server: str
    setting: str
    """As the page names it; `none` for a limit that is fixed."""
    becomes: str
    request: bytes
    options: tuple[str, ...] = ()
    config: str = ""
    """Of hypercorn's file, where no option sets it."""


H11, HEAD_SIZE = "uvicorn-h11", "--h11-max-incomplete-event-size"
LIMITS = (
    Limit(H11, HEAD_SIZE, "400 text", _begun(2_000), (f"{HEAD_SIZE}=1000",)),
    Limit(H11, HEAD_SIZE, "400 text", _begun(66_000)),  # by default
    Limit(
        "hypercorn",
        "h11_max_incomplete_size",
        "431 empty",
        _begun(2_000),
        config="h11_max_incomplete_size = 1000",
    ),
    Limit("hypercorn", "h11_max_incomplete_size", "431 empty", _begun(17_000)),
    Limit(
        "granian",
        "--http1-buffer-size",
        "431 empty",
        _begun(9_000),
        ("--http1-buffer-size=8192",),
    ),
    Limit("granian", "--http1-buffer-size", "431 empty", _begun(420_000)),
    *(
        limit
        for name, kind in (("gunicorn-sync", "HTML"), ("gunicorn-asgi", "text"))
        for limit in (
            Limit(
                name,
                "--limit-request-line",
                f"414 {kind}",
                b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                ("--limit-request-line=100",),
            ),
            Limit(
                name,
                "--limit-request-field_size",
                f"431 {kind}",
                _begun(100) + b"\r\n\r\n",
                ("--limit-request-field_size=100",),
            ),
            Limit(
                name,
                "--limit-request-fields",
                f"431 {kind}",
                _HEAD + b"A: a\r\nB: b\r\n\r\n",
                ("--limit-request-fields=2",),
            ),
        )
    ),
    Limit("daphne", "none", "closed", _begun(17_000)),
    Limit("waitress", "max_request_header_size", "431 text", _begun(270_000)),
    Limit("waitress", "max_request_body_size", "413 text", _POST, ("max_request_body_size=10",)),
    Limit(
        "cheroot",
        "max_request_header_size",
        "413 text",
        _begun(2_000) + b"\r\n\r\n",
        ("max_request_header_size=1000",),
    ),
    Limit("cheroot", "max_request_body_size", "413 text", _POST, ("max_request_body_size=10",)),
    Limit("uwsgi", "--buffer-size", "closed", _begun(5_000) + b"\r\n\r\n"),
    Limit("uwsgi", "--limit-post", "closed", _POST, ("limit-post=10",)),
    Limit("granian", "none", "414 empty", REQUESTS["Path of 20 kB"].replace(b"a", b"aaaa")),
    Limit("granian", "none", "431 empty", REQUESTS["150 headers"]),
    # The connection that asks is counted, too.
    Limit(H11, "--limit-concurrency", "503 text", _OK, ("--limit-concurrency=1",)),
    Limit("uvicorn-httptools", "--limit-concurrency", "503 text", _OK, ("--limit-concurrency=1",)),
    Limit(
        "hypercorn", "keep_alive_timeout", "closed", _begun(1), config="keep_alive_timeout = 0.01"
    ),
    Limit(
        "granian",
        "--http1-header-read-timeout",
        "closed",
        _begun(1),
        ("--http1-header-read-timeout=1",),
    ),
)


each_limit = pytest.mark.parametrize(
    "limit", LIMITS, ids=lambda each: f"{each.server}{each.setting}-{len(each.request)}"
)


@each_limit
def test_beyond_a_limit(limit: Limit, tmp_path: Path) -> None:
    """The client gets what the page says."""
    server = BY_NAME[limit.server]
    module, *arguments, served = server.command
    # Without a framework, it starts at once.
    bare = f"servers.dying:{served.partition(':')[2]}"
    options = list(limit.options)
    if limit.config:
        config = tmp_path / "hypercorn.toml"
        config.write_text(limit.config)
        options.append(f"--config={config}")
    limited = replace(server, command=(module, *arguments, *options, bare))
    with running(limited, tmp_path / "log") as started:
        assert answer(started.port, limit.request) == limit.becomes


@each_limit
def test_the_page_has_the_limit(limit: Limit) -> None:
    """The table names the setting, and what a client gets beyond it."""
    table = PAGE.read_text().partition("\n## The settings\n")[2].partition("\n## ")[0]
    rows = re.findall(r"\n\|[^|]*\| ([a-z]+)[^|]*\| ([^|]*) \|[^|]*\| ([^|]*) \|", table)
    told = [
        re.split("[ ,]+", becomes)
        for server, setting, becomes in rows
        if limit.server.startswith(server) and limit.setting in re.split("[`, ]+", setting)
    ]
    assert any(set(limit.becomes.split()) <= set(words) for words in told)

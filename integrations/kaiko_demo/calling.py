"""Calling what the service depends on, with as much patience as a demo has.

`kaiko_httpx` makes calls again, sends the request's id along and raises the typed errors. A
service would leave it at the client's own 30 seconds; here all waits are short, and each
attempt that failed is a line in the log.
"""

from __future__ import annotations

import logging
import socket
import weakref
from typing import TYPE_CHECKING

from kaiko_httpx import Client, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaiko_httpx import RetryEvent
    from kaiko_middleware.upstream import Upstream

__all__ = ["Nobody", "client"]

_log = logging.getLogger("kaiko_demo.calling")


def client(upstream: Upstream, url: str, headers: Mapping[str, str]) -> Client:
    """A client for one dependency.

    Arguments:
        upstream: What it is, and how much of it is believed.
        url: Where it is.
        headers: What every request carries: our key there.
    """
    policy = RetryPolicy(
        upstream,
        deadline=10.0,
        max_wait=1.0,
        wait_initial=0.05,
        wait_jitter=0.05,
        on_attempt=[_log_attempt],
    )
    # What is called is on this machine, whatever proxy the environment names.
    return Client(policy=policy, base_url=url, headers=headers, timeout=2.0, trust_env=False)


def _log_attempt(event: RetryEvent) -> None:
    said = event.error.upstream
    _log.info(
        "attempt %d at %s failed: %s, %s",
        event.attempt,
        event.upstream,
        "no answer" if said is None or said.status is None else said.status,
        f"again in {event.wait:.2f} s" if event.reason == "retrying" else event.reason,
    )


class Nobody:
    """An address that refuses every connection, for as long as this object lives.

    A port that is merely free could be given to another program; one that is bound but
    does not listen stays refused.
    """

    def __init__(self) -> None:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        weakref.finalize(self, bound.close)
        bound.bind(("127.0.0.1", 0))
        self.url: str = f"http://127.0.0.1:{bound.getsockname()[1]}"

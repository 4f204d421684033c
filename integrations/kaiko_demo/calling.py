"""Calling the service's dependencies, with short waits.

`kaiko_httpx` retries calls, sends the request's id along and raises the typed errors. A real
service would keep the client's default of 30 seconds. Here all waits are short, and each failed
attempt is a line in the log.
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
    """Return a client for one dependency.

    Arguments:
        upstream: Its name, and how much of it is believed.
        url: Its address.
        headers: Headers of every request: our key.
    """
    policy = RetryPolicy(
        upstream,
        deadline=10.0,
        max_wait=1.0,
        wait_initial=0.05,
        wait_jitter=0.05,
        on_attempt=[_log_attempt],
    )
    # The dependency is on this machine, so no proxy of the environment applies.
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
    """An address that refuses every connection, as long as this object lives.

    A free port could be given to another program. A port that is bound but does not listen keeps
    refusing.
    """

    def __init__(self) -> None:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        weakref.finalize(self, bound.close)
        bound.bind(("127.0.0.1", 0))
        self.url: str = f"http://127.0.0.1:{bound.getsockname()[1]}"

"""Requests for the rules, without a framework."""

from __future__ import annotations

from kaiko_guards._request import GuardedRequest, TrustedProxies


def request(
    path: str = "/",
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    peer: str | None = "192.0.2.1",
    proxies: tuple[str, ...] = (),
) -> GuardedRequest:
    """Return a request; header names are lower-case."""
    found = headers or {}
    return GuardedRequest(method, path, found.get, peer, TrustedProxies("proxies", proxies))

"""Whose address a request is counted for: the client's, as far as a proxy can be believed."""

from __future__ import annotations

import pytest

from guards.requests import request
from kaiko_guards._request import TrustedProxies
from kaiko_middleware.settings_check import ConfigError

PROXIES = ("10.0.0.0/8", "2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # anyone can send one
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),  # what the client wrote itself
        ("10.0.0.1", "198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:2:3:4::5]:4711", "2001:db8:2:3::/64"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, _hidden", "10.0.0.1"),
        ("10.0.0.1", "1" * 5000, "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:1::9", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:2:3:4:5:6:7", None, "2001:db8:2:3::/64"),  # a client has all of its network
        ("fe80::1%eth0", None, "fe80::/64"),
        ("::ffff:203.0.113.7", None, "203.0.113.7"),
        ("not:an:address", None, "not:an:address"),
        ("testclient", "198.51.100.1", "testclient"),
    ],
)
def test_the_nearest_address_that_is_no_trusted_proxys(
    peer: str, forwarded: str | None, address: str
) -> None:
    """Read from the end, where the nearest proxy wrote."""
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert request(headers=headers, peer=peer, proxies=PROXIES).address == address


def test_without_trusted_proxies_nobodys_word_counts() -> None:
    """The default."""
    asked = request(headers={"x-forwarded-for": "198.51.100.1"}, peer="10.0.0.1")
    assert asked.address == "10.0.0.1"
    assert request(peer=None, proxies=PROXIES).address is None


@pytest.mark.parametrize("peer", [None, ""])
def test_a_proxy_on_a_unix_socket_is_believed_where_it_is_named(peer: str | None) -> None:
    """The server knows no address of it, and whoever may open the socket is a proxy."""
    headers = {"x-forwarded-for": "192.0.2.66, 198.51.100.1"}
    asked = request(headers=headers, peer=peer, proxies=("unix:",))
    assert asked.address == "198.51.100.1"
    assert request(headers=headers, peer=peer, proxies=PROXIES).address is None
    assert request(peer=peer, proxies=("unix:",)).address is None
    assert request(headers=headers, peer="10.0.0.1", proxies=("unix:",)).address == "10.0.0.1"
    further = {"x-forwarded-for": "198.51.100.1, 10.2.3.4"}
    asked = request(headers=further, peer=peer, proxies=("unix:", *PROXIES))
    assert asked.address == "198.51.100.1"


def test_ten_thousand_addresses_are_not_read() -> None:
    """Nor believed: the proxies in a row are few."""
    forwarded = ", ".join(["10.0.0.2"] * 10_000)
    asked = request(headers={"x-forwarded-for": forwarded}, peer="10.0.0.1", proxies=PROXIES)
    assert asked.address == "10.0.0.2"


@pytest.mark.parametrize("proxies", ["10.0.0.0/8", ["10.0.0.1/8"], ["proxy"]])
def test_a_proxy_is_an_address_or_a_network(proxies: list[str]) -> None:
    """Named in the message."""
    with pytest.raises(ConfigError, match=r"^trusted_proxies: "):
        TrustedProxies("trusted_proxies", proxies)

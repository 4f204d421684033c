"""What the guards know of a request, whatever the framework: an adapter makes it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Protocol, cast

from kaiko_middleware.settings_check import refuse

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Network

    from kaiko_guards._verdicts import ValidKey

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

__all__ = ["GuardedRequest", "ReadHeader", "TrustedProxies", "is_preflight"]

_HOPS = 32  # proxies in a row; what is further away is not believed
_SOCKET = "unix:"  # as in nginx's set_real_ip_from
_LONGEST = 45  # characters of an address: an IPv6 address with an IPv4 one at its end


class ReadHeader(Protocol):
    """Returns a request header's value, its values joined by commas, or None."""

    def __call__(self, name: str, /) -> str | None:
        """Return the value of the header `name`, which is lower-case."""
        ...


def is_preflight(method: object, read_header: ReadHeader) -> bool:
    """Whether a request is a CORS preflight (Fetch, "CORS-preflight request")."""
    return (
        method == "OPTIONS"
        and read_header("origin") is not None
        and read_header("access-control-request-method") is not None
    )


class GuardedRequest:
    """One request, as far as a guard or a callable of a guard may want to know it.

    Arguments:
        method: the method; `WEBSOCKET` of a WebSocket's handshake.
        path: the path that the application's router matches.
        read_header: finds a header.
        peer: the address of who connected, or None where the server does not know it.
        proxies: whose word on the client's address counts.

    """

    __slots__ = ("_find", "_peer", "_proxies", "key", "method", "path", "valid_key")

    def __init__(
        self,
        method: str,
        path: str,
        read_header: ReadHeader,
        peer: str | None,
        proxies: TrustedProxies,
    ) -> None:
        self.method: str = method
        self.path: str = path
        self._find = read_header
        self.key: str | None = None
        """The key that the key guard found to be valid; None before, and on public paths."""
        self.valid_key: ValidKey | None = None
        """What the verifier said of it."""
        self._peer = peer
        self._proxies = proxies

    def read_header(self, name: str, /) -> str | None:
        """Return a header's value, its values joined by commas; `name` is lower-case."""
        return self._find(name)

    @property
    def address(self) -> str | None:
        """The client's address; of IPv6 the /64 network, since a client has all of it."""
        peer, proxies = self._connection()
        if proxies:
            forwarded = self.read_header("x-forwarded-for")
            if forwarded:
                peer = proxies.client_of(peer, forwarded)
        if not peer:
            return None
        return _network_of(peer) if ":" in peer else peer

    def _connection(self) -> tuple[str | None, TrustedProxies]:
        """Return who connected, and whose word on the client's address counts."""
        return self._peer, self._proxies

    @property
    def is_preflight(self) -> bool:
        """Whether a browser asks if it may send a request: it does that without the key."""
        return is_preflight(self.method, self.read_header)

    @property
    def principal(self) -> object:
        """Whom the key belongs to, or None."""
        return None if self.valid_key is None else self.valid_key.principal


class TrustedProxies:
    """The proxies whose `X-Forwarded-For` is believed; none by default.

    Arguments:
        key: the setting, for the message.
        proxies: addresses and networks, such as `10.0.0.0/8`, and `unix:` for whoever connects
            to the server's Unix socket.

    Raises:
        ConfigError: one of them is none of these.

    """

    def __init__(self, key: str, proxies: Iterable[str] = ()) -> None:
        self._networks: list[Network] = []
        self._trusts_socket = False
        anything = cast("object", proxies)  # callers may give anything
        if isinstance(anything, str | bytes) or not isinstance(anything, Iterable):
            refuse(key, proxies, "a sequence of addresses or networks")
        for proxy in proxies:
            if proxy == _SOCKET:
                self._trusts_socket = True
                continue
            try:
                self._networks.append(ip_network(proxy))
            except ValueError:
                refuse(key, proxy, "an address, a network such as '10.0.0.0/8', or 'unix:'")

    def __bool__(self) -> bool:
        return self._trusts_socket or bool(self._networks)

    def client_of(self, peer: str | None, forwarded: str) -> str | None:
        """Return the nearest address that is no trusted proxy's.

        Each proxy appends whom it was called by, so that the list is read from its end; what
        a client wrote before it was called is never reached.

        Arguments:
            peer: who connected; None or empty on a Unix socket.
            forwarded: the values of `X-Forwarded-For`, joined by commas.

        """
        client = peer
        named = forwarded.rsplit(",", _HOPS)[1:] if forwarded.count(",") >= _HOPS else None
        for name in reversed(forwarded.split(",") if named is None else named):
            if not self._trusts(client):
                break
            found = _address_in(name.strip())
            if found is None:
                break
            client = found
        return client

    def _trusts(self, name: str | None) -> bool:
        if not name:
            return self._trusts_socket
        try:
            address = ip_address(name)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _address_in(name: str) -> str | None:
    """Return the address that a proxy wrote, without a port; None where it is none."""
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if len(name) > _LONGEST:
        return None
    try:
        return str(ip_address(name))
    except ValueError:
        return None


def _network_of(name: str) -> str:
    """Return the /64 network of an IPv6 address, and an address that was mapped into IPv6."""
    try:
        address = IPv6Address(name.partition("%")[0])
    except ValueError:
        return name
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"

"""Telling another protocol's error answer, by the same table as the middleware.

It is no envelope and need not be one: its clients know it by its own shape. Implements "Another
protocol's error stays that protocol's" of section 8 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.content_coding import decode_body
from kaiko_middleware.known_protocols import Exchange
from kaiko_middleware.protocol_errors import protocol_of

from .envelope import octets

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["text_of_protocol_error"]


def text_of_protocol_error(
    status: int,
    headers: Mapping[str, list[str]],
    body: bytes,
    method: str,
    request_headers: Mapping[str, list[str]],
) -> str | None:
    """Return the text of another protocol's error answer; None for any other answer.

    Arguments:
        status: the answer's status.
        headers: its headers, by lower-case name.
        body: its body, as it was sent over the wire.
        method: the request's method.
        request_headers: its headers, by lower-case name.

    """

    def said(of: Mapping[str, list[str]], name: str) -> str:
        return ",".join(of.get(name, ()))

    plain = decode_body(octets(body), said(headers, "content-encoding"))
    exchange = Exchange(
        status,
        said(headers, "content-type"),
        method.upper(),
        said(request_headers, "content-type"),
        said(request_headers, "connect-protocol-version"),
    )
    if plain is None or protocol_of(exchange, plain) is None:
        return None
    return plain.decode("latin-1")

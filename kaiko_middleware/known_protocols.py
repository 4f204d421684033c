"""The table of protocols whose error answers stay as they are, and how each is known.

It is strict: what a service says in similar words of its own is in no protocol. Bodies are
hostile: nothing here raises, whatever they hold. HTML, plain text, Twirp, JSON:API and OCI have no
row, since nothing tells their errors from a service's own. Implements the table of section 8 of
the V2 contract.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    Members = dict[str, object]

__all__ = [
    "PROTOCOLS_IN_JSON",
    "Exchange",
    "ProtocolInJson",
    "may_depend_on_request",
    "protocol_of_xml",
]


class Exchange(NamedTuple):
    """What is known of an error answer besides its body, and of its request.

    Arguments:
        status: the answer's status.
        content_type: its Content-Type, empty if it has none.
        method: the request's method.
        request_type: the request's Content-Type, empty if it has none or it is not known.
        connect_version: the request's `Connect-Protocol-Version`, empty if it has none.

    """

    status: int
    content_type: str = ""
    method: str = "GET"
    request_type: str = ""
    connect_version: str = ""


def _is_object(value: object) -> TypeGuard[Members]:
    return type(value) is dict


def _is_list(value: object) -> TypeGuard[list[object]]:
    return type(value) is list


def _items(value: object) -> list[object]:
    return value if _is_list(value) else []


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _is_json_rpc(data: object, _exchange: Exchange) -> bool:
    errors = [data] if _is_object(data) else _items(data)
    return bool(errors) and all(map(_is_rpc_error, errors))


def _is_rpc_error(value: object) -> bool:
    if not _is_object(value) or value.get("jsonrpc") != "2.0":
        return False
    error = value.get("error")
    return (
        value.keys() <= {"jsonrpc", "id", "error"}
        and _is_object(error)
        and type(error.get("code")) is int
        and type(error.get("message")) is str
    )


_REGISTRATION = frozenset({
    "invalid_client_metadata", "invalid_redirect_uri", "invalid_software_statement",
    "unapproved_software_statement",
})  # fmt: skip
"""RFC 7591: the answers to a client that registers itself, which it does in JSON."""
_OAUTH = _REGISTRATION | {
    "access_denied", "authorization_pending", "expired_token", "insufficient_scope",
    "insufficient_user_authentication", "interaction_required", "invalid_authorization_details",
    "invalid_binding_message", "invalid_client", "invalid_dpop_proof", "invalid_grant",
    "invalid_request", "invalid_request_object", "invalid_request_uri", "invalid_scope",
    "invalid_target", "invalid_token", "invalid_user_code", "login_required",
    "missing_user_code", "request_not_supported", "request_uri_not_supported", "slow_down",
    "temporarily_unavailable", "transaction_failed", "unauthorized_client",
    "unknown_user_id", "unsupported_grant_type", "unsupported_response_type",
    "unsupported_token_type", "use_dpop_nonce",
}  # fmt: skip
"""What endpoints that take forms answer: RFC 6749, 6750, 7009, 8628, 8707, 9101, 9126, 9396,
9449 and 9470, OpenID Connect and CIBA. Names that say too little to be OAuth's beyond doubt
(`not_found`, `server_error`) are left out."""


_ERROR = re.compile(r'"error"\s*+:\s*+"([a-z_]++)"')
_CODE = re.compile(r'"code"\s*+:\s*+"([a-z_]++)"')


def _says(pattern: re.Pattern[str], text: str, codes: frozenset[str]) -> bool:
    found = pattern.search(text)
    return found is not None and found[1] in codes


def _asks_oauth(exchange: Exchange, text: str) -> bool:
    if exchange.method != "POST":
        return False
    if _is_form(exchange):
        return _says(_ERROR, text, _OAUTH)
    return exchange.status == 400 and _says(_ERROR, text, _REGISTRATION)


def _is_form(exchange: Exchange) -> bool:
    return _essence(exchange.request_type) == "application/x-www-form-urlencoded"


def _is_oauth(data: object, exchange: Exchange) -> bool:
    return (
        _is_object(data)
        and data.keys() <= {"error", "error_description", "error_uri"}
        and all(type(value) is str for value in data.values())
        and data.get("error") in (_OAUTH if _is_form(exchange) else _REGISTRATION)
    )


def _is_scim(data: object, _exchange: Exchange) -> bool:
    error = "urn:ietf:params:scim:api:messages:2.0:Error"
    return _is_object(data) and data.get("schemas") == [error]


def _is_acme(data: object, _exchange: Exchange) -> bool:
    kind = data.get("type") if _is_object(data) else None
    return type(kind) is str and kind.startswith("urn:ietf:params:acme:error:")


def _is_problem(exchange: Exchange, _text: str) -> bool:
    return _essence(exchange.content_type) == "application/problem+json"


_ERRCODE = re.compile(r"M_[A-Z0-9_]+")


def _is_matrix(data: object, _exchange: Exchange) -> bool:
    if not _is_object(data) or type(data.get("error")) is not str:
        return False
    code = data.get("errcode")
    return type(code) is str and _ERRCODE.fullmatch(code) is not None


def _is_graphql(data: object, _exchange: Exchange) -> bool:
    if not _is_object(data) or not data.keys() <= {"errors", "data", "extensions"}:
        return False
    errors = _items(data.get("errors"))
    return (
        data.get("data") is None
        and all(map(_is_graphql_error, errors))
        and any(map(_says_where, errors))
    )


def _is_graphql_error(value: object) -> bool:
    return (
        _is_object(value)
        and type(value.get("message")) is str
        and value.keys() <= {"message", "locations", "path", "extensions"}
    )


def _says_where(error: object) -> bool:
    places = _items(error.get("locations")) if _is_object(error) else []
    return bool(places) and all(
        _is_object(place)
        and place.keys() == {"line", "column"}
        and all(type(number) is int for number in place.values())
        for place in places
    )


_CONNECT = frozenset({
    "aborted", "already_exists", "canceled", "data_loss", "deadline_exceeded",
    "failed_precondition", "internal", "invalid_argument", "not_found", "out_of_range",
    "permission_denied", "resource_exhausted", "unauthenticated", "unavailable",
    "unimplemented", "unknown",
})  # fmt: skip


def _is_connect(data: object, _exchange: Exchange) -> bool:
    return (
        _is_object(data)
        and data.keys() <= {"code", "message", "details"}
        and type(data.get("code")) is str
        and data["code"] in _CONNECT
        and type(data.get("message", "")) is str
        and type(data.get("details", [])) is list
    )


def _asks_connect(exchange: Exchange, text: str) -> bool:
    return exchange.connect_version == "1" and _says(_CODE, text, _CONNECT)


def _is_a2a(data: object, exchange: Exchange) -> bool:
    error = data.get("error") if _is_object(data) and len(data) == 1 else None
    return (
        _is_object(error)
        and type(error.get("code")) is int
        and error["code"] == exchange.status
        and any(map(_is_a2a_detail, _items(error.get("details"))))
    )


def _is_a2a_detail(detail: object) -> bool:
    return (
        _is_object(detail)
        and detail.get("domain") == "a2a-protocol.org"
        and detail.get("@type") == "type.googleapis.com/google.rpc.ErrorInfo"
    )


def may_depend_on_request(body: bytes) -> bool:
    """Whether an error answer may be another protocol's to one request, and not to the next."""
    text = body.decode("latin-1")
    return _says(_ERROR, text, _OAUTH) or _says(_CODE, text, _CONNECT)


def _anyhow(_exchange: Exchange, _text: str) -> bool:
    return True


class ProtocolInJson(NamedTuple):
    """One row of the table."""

    protocol: str
    token: str
    """What no body of the protocol is without: looked for before anything is read."""
    also_5xx: bool
    fits: Callable[[Exchange, str], bool]
    """Whether the request may be answered so by the protocol, at a glance at the body."""
    matches: Callable[[object, Exchange], bool]
    """Whether the body is."""


PROTOCOLS_IN_JSON: tuple[ProtocolInJson, ...] = (
    ProtocolInJson("JSON-RPC", '"jsonrpc"', True, _anyhow, _is_json_rpc),
    ProtocolInJson("OAuth", '"error"', False, _asks_oauth, _is_oauth),
    ProtocolInJson("SCIM", '"schemas"', False, _anyhow, _is_scim),
    ProtocolInJson("ACME", '"type"', False, _is_problem, _is_acme),
    ProtocolInJson("Matrix", '"errcode"', False, _anyhow, _is_matrix),
    ProtocolInJson("GraphQL", '"locations"', False, _anyhow, _is_graphql),
    ProtocolInJson("Connect", '"code"', True, _asks_connect, _is_connect),
    ProtocolInJson("A2A", "a2a-protocol.org", False, _anyhow, _is_a2a),
)

_LOOKED_AT = 1024
_PROLOG = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_NAME = r"[^\s:<>/=\"'!?]++"
_ROOT = re.compile(rf"<(?:({_NAME}):)?({_NAME})")
_ATTRIBUTE = re.compile(rf"\s++({_NAME}(?::{_NAME})?)\s*+=\s*+(?:\"([^\"<]*+)\"|'([^'<]*+)')")
_S3 = re.compile(r"<Error\s*+>\s*+<Code\s*+>")
_SOAP = frozenset(
    {"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"}
)


def protocol_of_xml(text: str, status: int) -> str | None:
    """Return the protocol that the first start tag says; nothing more is read of a body."""
    text = text[:_LOOKED_AT]
    begin = cast("re.Match[str]", _PROLOG.match(text)).end()  # no prolog matches as well
    if _S3.match(text, begin):
        return "S3"
    root = _ROOT.match(text, begin)
    if root is None:
        return None
    prefix, name = root.groups()
    namespace = _namespace(text, root.end(), f"xmlns:{prefix}" if prefix else "xmlns")
    if name == "Envelope" and namespace in _SOAP:
        return "SOAP"
    return "WebDAV" if namespace == "DAV:" and status < 500 else None


def _namespace(text: str, position: int, declared: str) -> str | None:
    while (attribute := _ATTRIBUTE.match(text, position)) is not None:
        if attribute[1] == declared:
            return attribute[2] or attribute[3]
        position = attribute.end()
    return None

"""Error answers of other protocols: each is known by all of its shape, and nothing like it is."""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_middleware.content_coding import BODY_LIMIT
from kaiko_middleware.known_protocols import Exchange, may_depend_on_request
from kaiko_middleware.protocol_errors import protocol_of

FORM = {"method": "POST", "request_type": "application/x-www-form-urlencoded; charset=utf-8"}
POST = {"method": "POST", "request_type": "application/json"}
CONNECT = {"method": "POST", "connect_version": "1"}
PROBLEM = {"content_type": "application/problem+json; charset=utf-8"}
RPC = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no order 7"}}
SCIM = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "409"}
ACME = {"type": "urn:ietf:params:acme:error:badNonce", "detail": "x"}
MATRIX = {"errcode": "M_LIMIT_EXCEEDED", "error": "x", "retry_after_ms": 5}
PLACE = {"line": 1, "column": 1}
GRAPHQL = {"errors": [{"message": "x", "locations": [PLACE]}]}
INFO = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "TASK_NOT_FOUND",
    "domain": "a2a-protocol.org",
}
A2A = {"error": {"code": 404, "status": "NOT_FOUND", "message": "x", "details": [INFO]}}
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
FAULT = f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body><s:Fault/></s:Body></s:Envelope>'
DAV = '<?xml version="1.0"?><error xmlns="DAV:"><resource-must-be-null/></error>'
S3 = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code></Error>'


def changed(value: dict[str, Any], **changes: object) -> dict[str, object]:
    """Return an object with members changed; `...` leaves one out."""
    return {name: item for name, item in {**value, **changes}.items() if item is not ...}


def graphql(**changes: object) -> dict[str, object]:
    """Return an answer of GraphQL whose one error has members changed."""
    return {"errors": [changed(GRAPHQL["errors"][0], **changes)]}


def a2a(**changes: object) -> dict[str, object]:
    """Return an answer of A2A over REST, with members of its error changed."""
    return {"error": changed(A2A["error"], **changes)}


# Protocol, status, what else is known of the exchange, body.
KNOWN: list[tuple[str, int, dict[str, str], object]] = [
    ("JSON-RPC", 404, {}, RPC),
    ("JSON-RPC", 500, POST, changed(RPC, id=None)),
    ("JSON-RPC", 400, {}, changed(RPC, id=...)),
    ("JSON-RPC", 400, {}, changed(RPC, id="server-error", error={"code": 7, "message": "", "data": [1]})),
    ("JSON-RPC", 400, {}, [RPC, RPC]),
    ("JSON-RPC", 400, {}, b"\xef\xbb\xbf \r\n" + json.dumps(RPC, indent=1).encode()),
    ("OAuth", 400, FORM, {"error": "invalid_grant"}),
    ("OAuth", 401, FORM, {"error": "invalid_client", "error_description": "x", "error_uri": "https://x"}),
    ("OAuth", 400, FORM, {"error": "authorization_pending"}),
    ("OAuth", 429, FORM, {"error": "slow_down"}),
    ("OAuth", 400, FORM, {"error": "access_denied"}),
    ("OAuth", 400, FORM, {"error": "use_dpop_nonce"}),
    ("OAuth", 400, POST, {"error": "invalid_client_metadata", "error_description": "x"}),
    ("OAuth", 400, POST, {"error": "unapproved_software_statement"}),
    ("OAuth", 400, FORM, {"error": "invalid_redirect_uri"}),
    ("SCIM", 409, {}, SCIM),
    ("SCIM", 400, {}, changed(SCIM, scimType="invalidFilter", detail="x")),
    ("ACME", 400, PROBLEM, ACME),
    ("Matrix", 429, {}, MATRIX),
    ("Matrix", 401, {}, {"errcode": "M_UNKNOWN_TOKEN", "error": "", "soft_logout": True}),
    ("GraphQL", 400, {}, GRAPHQL),
    ("GraphQL", 400, {}, {"data": None, "extensions": {"a": 1}, "errors": [{"message": "x", "path": ["a", 0]}, {"message": "y", "locations": [PLACE, PLACE], "extensions": {}}]}),
    ("Connect", 404, CONNECT, {"code": "not_found", "message": "x"}),
    ("Connect", 503, CONNECT, {"code": "unavailable"}),
    ("Connect", 499, CONNECT, {"code": "canceled", "details": []}),
    ("A2A", 404, {}, A2A),
    ("A2A", 404, {}, a2a(details=[{"@type": "x"}, INFO])),
    ("SOAP", 500, {}, f'<?xml version="1.0"?>{FAULT}'),
    ("SOAP", 400, {}, f"\n<Envelope a='>' xmlns = '{SOAP_12}' b=\"'\">"),
    ("SOAP", 400, {}, f'<!-- <x> --><?a b?>\n<s:Envelope\n xmlns:a="b" xmlns:s="{SOAP_12}"'),
    ("SOAP", 500, {}, b"\xef\xbb\xbf" + FAULT.encode()),
    ("WebDAV", 409, {}, DAV),
    ("WebDAV", 423, {}, '<D:error xmlns:D="DAV:"/>'),
    ("S3", 404, {}, S3),
    ("S3", 503, {}, "<Error >\n <Code>SlowDown</Code></Error>"),
]  # fmt: skip

STRANGERS: list[tuple[str, int, dict[str, str], object]] = [
    ("no version", 400, {}, changed(RPC, jsonrpc=...)),
    ("version 1", 400, {}, changed(RPC, jsonrpc="1.0")),
    ("a number as the version", 400, {}, changed(RPC, jsonrpc=2.0)),
    ("JSON-RPC and more", 400, {}, changed(RPC, detail="x")),
    ("a result", 400, {}, changed(RPC, error=..., result=1)),
    ("a text as the error", 400, {}, changed(RPC, error="x")),
    ("a text as the code", 400, {}, changed(RPC, error={"code": "1", "message": "x"})),
    ("true as the code", 400, {}, changed(RPC, error={"code": True, "message": "x"})),
    ("a fraction as the code", 400, {}, changed(RPC, error={"code": 1.0, "message": "x"})),
    ("no message", 400, {}, changed(RPC, error={"code": 1})),
    ("an empty list", 400, {}, b'[] "jsonrpc"'),
    ("a list with another", 400, {}, [RPC, {"jsonrpc": "2.0"}]),
    ("a list in a list", 400, {}, [[RPC]]),
    ("a success", 200, {}, RPC),
    ("no status", 700, {}, RPC),
    ("an answer to HEAD", 404, {"method": "HEAD"}, RPC),
    ("a member twice", 400, {}, b'{"jsonrpc":"2.0","id":1,"id":2,"error":{"code":1,"message":"x"}}'),
    ("NaN", 400, {}, b'{"jsonrpc":"2.0","id":NaN,"error":{"code":1,"message":"x"}}'),
    ("a huge number", 400, {}, b'{"jsonrpc":"2.0","error":{"code":%b,"message":"x"}}' % (b"1" * 5000)),
    ("deep", 400, {}, b'{"jsonrpc":' + b"[" * 60_000),
    ("cut short", 400, {}, json.dumps(RPC)[:-1]),
    ("no UTF-8", 400, {}, json.dumps(RPC).encode().replace(b"no", b"\xff")),
    ("UTF-16", 400, {}, json.dumps(RPC).encode("utf-16")),
    ("too large", 400, {}, changed(RPC, id="x" * BODY_LIMIT)),
    ("a word of OAuth's to JSON", 400, POST, {"error": "invalid_request"}),
    ("a word of OAuth's to a GET", 400, {**FORM, "method": "GET"}, {"error": "invalid_request"}),
    ("a word of OAuth's to an upload", 400, {"method": "POST", "request_type": "multipart/form-data; boundary=x"}, {"error": "invalid_request"}),
    ("another word to a form", 400, FORM, {"error": "bad_form"}),
    ("a word of OAuth's and more", 400, FORM, {"error": "invalid_request", "message": "x"}),
    ("a list as the description", 400, FORM, {"error": "invalid_request", "error_description": ["x"]}),
    ("a list as the error", 400, FORM, {"error": ["invalid_request"]}),
    ("null as the description", 400, FORM, {"error": "invalid_request", "error_description": None}),
    ("no error", 400, FORM, {"error_description": '"error"'}),
    ("a 500 to a form", 500, FORM, {"error": "invalid_request"}),
    ("a list to a form", 400, FORM, [{"error": "invalid_grant"}]),
    ("a form of an unknown request", 400, {"method": "POST"}, {"error": "invalid_grant"}),
    ("a registration at 403", 403, POST, {"error": "invalid_client_metadata"}),
    ("access_denied", 403, {}, {"error": "access_denied"}),
    ("another schema", 400, {}, changed(SCIM, schemas=["urn:ietf:params:scim:schemas:core:2.0:User"])),
    ("two schemas", 400, {}, changed(SCIM, schemas=[*SCIM["schemas"], "x"])),
    ("a schema as a text", 400, {}, changed(SCIM, schemas=SCIM["schemas"][0])),
    ("a list of schemas", 400, {}, [SCIM]),
    ("SCIM's 500", 500, {}, SCIM),
    ("ACME's word in JSON", 400, {"content_type": "application/json"}, ACME),
    ("another problem", 404, PROBLEM, {"type": "about:blank", "title": "x"}),
    ("a problem without a type", 404, PROBLEM, {"title": '"type"'}),
    ("a list as a problem", 404, PROBLEM, [ACME]),
    ("ACME's word inside", 404, PROBLEM, changed(ACME, type="https://x/urn:ietf:params:acme:error:x")),
    ("a number as the type", 404, PROBLEM, changed(ACME, type=1)),
    ("another errcode", 400, {}, changed(MATRIX, errcode="LIMIT")),
    ("an errcode in small letters", 400, {}, changed(MATRIX, errcode="M_limit")),
    ("an errcode with no error", 400, {}, changed(MATRIX, error=...)),
    ("a list as the errcode", 400, {}, changed(MATRIX, errcode=["M_X"])),
    ("an object as Matrix' error", 400, {}, changed(MATRIX, error={})),
    ("a list of Matrix", 400, {}, [MATRIX]),
    ("errors without places", 400, {}, {"errors": [{"message": "x", "path": ["a"]}]}),
    ("errors of JSON:API", 422, {}, {"errors": [{"status": "422", "title": "x", "locations": [PLACE]}]}),
    ("no errors", 400, {}, {"errors": [], "extensions": {"locations": 1}}),
    ("data as well", 400, {}, changed(GRAPHQL, data={"a": 1})),
    ("errors and more", 400, {}, changed(GRAPHQL, status=400)),
    ("a text as the errors", 400, {}, {"errors": '"locations"'}),
    ("a text among the errors", 400, {}, {"errors": ["x", *GRAPHQL["errors"]]}),
    ("an object as the message", 400, {}, graphql(message={})),
    ("no place", 400, {}, graphql(locations=[])),
    ("a place without a column", 400, {}, graphql(locations=[{"line": 1}])),
    ("a place in words", 400, {}, graphql(locations=[{"line": "1", "column": "1"}])),
    ("a place and more", 400, {}, graphql(locations=[{**PLACE, "file": "x"}])),
    ("a place as a list", 400, {}, graphql(locations=[[1, 1]])),
    ("pydantic's errors", 400, {}, graphql(type="missing", loc=["a"])),
    ("GraphQL's 500", 500, {}, GRAPHQL),
    ("a list of GraphQL", 400, {}, [GRAPHQL]),
    ("code and message", 404, POST, {"code": "not_found", "message": "x"}),
    ("another version of Connect", 404, {**CONNECT, "connect_version": "2"}, {"code": "not_found"}),
    ("another code to Connect", 404, CONNECT, {"code": "context_not_found"}),
    ("a number to Connect", 404, CONNECT, {"code": 5}),
    ("a list of codes to Connect", 404, CONNECT, {"code": ["not_found"]}),
    ("more to Connect", 404, CONNECT, {"code": "not_found", "detail": "x"}),
    ("a number as Connect's message", 404, CONNECT, {"code": "not_found", "message": 1}),
    ("a text as Connect's details", 404, CONNECT, {"code": "not_found", "details": "x"}),
    ("a code inside, and none outside", 404, CONNECT, {"details": [{"code": "not_found"}], "code": ["x"]}),
    ("a code inside, and another outside", 404, CONNECT, {"details": [{"code": "not_found"}], "code": "x"}),
    ("a list to Connect", 404, CONNECT, [{"code": "not_found"}]),
    ("another status than A2A's code", 400, {}, A2A),
    ("a fraction as A2A's code", 404, {}, a2a(code=404.0)),
    ("a text as A2A's code", 404, {}, a2a(code="404")),
    ("another domain", 404, {}, a2a(details=[{**INFO, "domain": "x", "metadata": "a2a-protocol.org"}])),
    ("another detail", 404, {}, a2a(details=[{**INFO, "@type": "x"}])),
    ("A2A's detail as a text", 404, {}, a2a(details=["a2a-protocol.org"])),
    ("A2A's detail bare", 404, {}, a2a(details=INFO)),
    ("A2A and more", 404, {}, {**A2A, "request_id": "x"}),
    ("a text as A2A's error", 404, {}, {"error": "a2a-protocol.org"}),
    ("a list of A2A", 404, {}, [A2A]),
    ("XML of DRF's renderer", 404, {}, '<?xml version="1.0" encoding="utf-8"?>\n<root><detail>x</detail></root>'),
    ("HTML", 404, {}, '<!DOCTYPE html><html lang="en"><Error><Code>'),
    ("XHTML", 404, {}, '<html xmlns="http://www.w3.org/1999/xhtml">'),
    ("an envelope of no namespace", 500, {}, "<Envelope><Body><Fault/></Body></Envelope>"),
    ("an envelope of another", 500, {}, f'<s:Envelope xmlns:t="{SOAP_11}" xmlns:s="urn:x">'),
    ("an unbound prefix", 500, {}, f'<s:Envelope xmlns="{SOAP_11}">'),
    ("a fault without an envelope", 500, {}, f'<Fault xmlns="{SOAP_11}">'),
    ("a namespace in the text", 400, {}, f'<Envelope> xmlns="{SOAP_11}"'),
    ("SOAP inside", 400, {}, f"<x>{FAULT}</x>"),
    ("SOAP in a comment", 400, {}, f"<!-- {FAULT} --><x/>"),
    ("an open comment", 400, {}, f"<!-- {FAULT}"),
    ("SOAP too far in", 500, {}, f"<!-- {'x' * 1024} -->{FAULT}"),
    ("SOAP's namespace too far in", 500, {}, f'<s:Envelope xmlns:x="{"x" * 1024}" xmlns:s="{SOAP_11}">'),
    ("a document type", 500, {}, f"<!DOCTYPE x>{FAULT}"),
    ("WebDAV's 507", 507, {}, DAV),
    ("Error without Code", 404, {}, "<Error><Message>x</Message></Error>"),
    ("Code without Error", 404, {}, "<Code>NoSuchKey</Code>"),
    ("an error with attributes", 404, {}, '<Error a="b"><Code>x</Code></Error>'),
    ("an opening bracket", 404, {}, "<"),
    ("text", 404, {}, '"jsonrpc"'),
    ("nothing", 404, {}, b""),
    ("white space", 404, {}, b" \n"),
]  # fmt: skip


def raw(body: object) -> bytes:
    """Return a body as bytes."""
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@pytest.mark.parametrize(
    "row", KNOWN, ids=[f"{row[0]} {number}" for number, row in enumerate(KNOWN)]
)
def test_each_protocol_is_known(row: tuple[str, int, dict[str, str], object]) -> None:
    """By the shape that its own specification gives to an error."""
    protocol, status, asked, body = row
    assert protocol_of(Exchange(status, **asked), raw(body)) == protocol


@pytest.mark.parametrize("row", STRANGERS, ids=lambda row: row[0])
def test_nothing_else_is(row: tuple[str, int, dict[str, str], object]) -> None:
    """One thing that is not as it must be, and the answer is a service's own."""
    _, status, asked, body = row
    assert protocol_of(Exchange(status, **asked), raw(body)) is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error":"invalid_grant"}', True),
        (b'{"code":"not_found"}', True),
        (b'{"error":"access_granted"}', False),
        (b'{"code":"no_such_model","message":"x"}', False),
        (b"Not Found", False),
    ],
)
def test_what_the_request_decides(body: bytes, *, told: bool) -> None:
    """An answer that is remembered must not be taken for the same to every request."""
    assert may_depend_on_request(body) is told


_JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from(["2.0", "not_found", "invalid_grant", "M_X", *SCIM["schemas"], ACME["type"]]),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*RPC, *ACME, *MATRIX, *GRAPHQL, *INFO, *PLACE, "data", "schemas", "code", "message", "locations", "details"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    body=st.one_of(_JSON_VALUES.map(json.dumps).map(str.encode), st.binary(max_size=60)),
    status=st.sampled_from([400, 404, 500]),
    asked=st.sampled_from([{}, FORM, POST, CONNECT, PROBLEM]),
    start=st.sampled_from([b"", b"<", b"<?xml?><s:Envelope ", b"{", b'["jsonrpc"']),
)
def test_no_body_can_do_harm(body: bytes, status: int, asked: dict[str, str], start: bytes) -> None:
    """Members of any type, bytes of any kind: the answer is a name or None."""
    assert protocol_of(Exchange(status, **asked), start + body) in {
        None,
        *(row[0] for row in KNOWN),
    }

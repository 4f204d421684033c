"""What seldom happens: odd documents, peers that speak no HTTP, requests that cannot be sent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from check.http_service import serving
from check.right_services import asgi, wsgi
from kaiko_check import Report, TargetError, load_app, load_target, write_baseline
from kaiko_check._exchange import Limits, Request
from kaiko_check._formats import render_report
from kaiko_check._openapi import read_document
from kaiko_check._operations import INSTALL, operation_probes
from kaiko_check._probe import Options as Asked
from kaiko_check._probes import Places
from kaiko_check._wire import Address, send_alone, send_pipelined

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def document(**members: Any) -> bytes:
    return json.dumps({"openapi": "3.1.0", "paths": {}, **members}).encode()


THING: dict[str, Any] = {
    "parameters": [{"$ref": "#/components/parameters/a~1b"}],
    "get": {"parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}]},
    "post": {
        "requestBody": {"$ref": "#/components/requestBodies/Thing"},
        "responses": {"200": {"description": "x"}},
    },
}
COMPONENTS = {
    "parameters": {
        "a/b": {
            "name": "size",
            "in": "query",
            "schema": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        }
    },
    "requestBodies": {
        "Thing": {
            "content": {
                "application/json": {
                    "schema": {
                        "required": ["tags", "name"],
                        "properties": {"name": {"type": "string"}, "tags": {"type": "array"}},
                    }
                }
            }
        }
    },
}


def test_what_a_document_refers_to_is_found() -> None:
    """Within itself: parameters, bodies, and one type or none."""
    found = read_document(document(paths={"/things": THING}, components=COMPONENTS))
    fields = {(field.method, field.name): field for field in found.fields(unsafe=True)}
    assert fields.keys() == {("GET", "size"), ("GET", "limit"), ("POST", "name")}
    assert fields["POST", "name"].spoiled("x") == {"name": {"x": "x"}, "tags": []}
    assert (found.first("GET"), found.first("POST")) == ("/things", "/things")


def test_a_document_may_be_yaml_or_odd() -> None:
    """What is odd in it is left out, and refers to itself without end."""
    assert read_document(b"openapi: 3.1.0\npaths: {}\n").first("GET") is None
    loop = {"$ref": "#/paths/~1x/get/parameters/0"}
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    need = {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}
    paths = {
        "/x": {"get": {"parameters": [loop]}, "post": {}, "head": 5},
        "/y/{id}": {"get": {"parameters": [path, need]}, "post": {"requestBody": {"content": 5}}},
        "/z": {"get": {"parameters": [need]}, "put": {}},
        "/w/{id}": {"get": {"parameters": [path]}},
        "/v": {"post": {"requestBody": {"content": {"application/json": {"schema": {}}}}}},
    }
    found = read_document(document(paths=paths))
    assert found.first("GET") == "/x"
    assert [(field.path, field.name) for field in found.fields(unsafe=True)] == [("/w/{id}", "id")]


@pytest.mark.parametrize(
    ("members", "prefix"),
    [
        ({"servers": [{"url": "https://api.example/v2/"}]}, "/v2"),
        ({"servers": [{"url": "/v2"}, {"url": "/v3"}]}, "/v2"),
        ({"servers": [{"url": "/{version}"}]}, ""),
        ({"servers": [5]}, ""),
        ({"basePath": "/v1"}, "/v1"),
        ({}, ""),
    ],
)
def test_the_paths_of_a_document_are_put_behind_its_server(
    members: dict[str, Any], prefix: str
) -> None:
    """Unless the user named it in the address already."""
    found = read_document(document(**members))
    assert found.prefix("http://127.0.0.1:8000") == prefix
    assert found.prefix(f"http://127.0.0.1:8000{prefix}") == ""


def test_yaml_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which schemathesis brings."""
    monkeypatch.setattr("kaiko_check._openapi.is_missing", lambda _name: True)
    with pytest.raises(TargetError, match="The OpenAPI document is no JSON"):
        read_document(b"openapi: 3.1.0")


def test_operations_need_schemathesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan leaves them out; whoever asks all the same is told what to install."""
    found = read_document(document())
    monkeypatch.setattr("kaiko_check._operations.is_missing", lambda _name: True)
    with pytest.raises(TargetError) as refused:
        list(operation_probes(Places(Asked()), found, "", unsafe=True, cases=2))
    assert str(refused.value) == INSTALL


def test_what_cannot_be_made_or_sent_is_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation whose bad requests cannot be made has only good ones."""
    paths = {
        "/text": {
            "post": {
                "requestBody": {"content": {"text/plain": {"schema": {"type": "string"}}}},
                "responses": {"200": {"description": "x"}},
            }
        },
        "/none": {"get": {"responses": {"200": {"description": "x"}}}},
    }
    found = read_document(document(paths=paths, info={"title": "x", "version": "1"}))
    places = Places(Asked(headers=(("Authorization", "Bearer x"),)))
    probes = list(operation_probes(places, found, "/v2", unsafe=False, cases=3))
    assert {probe.requests[0].target for probe in probes} == {"/v2/none"}
    assert all(probe.requests[0].values("authorization") == ["Bearer x"] for probe in probes)
    probes = list(operation_probes(places, found, "", unsafe=True, cases=1))
    assert {probe.requests[0].method for probe in probes} == {"GET", "POST"}
    assert all("User-Agent" not in dict(probe.requests[0].headers) for probe in probes)
    requests = pytest.importorskip("requests")

    def refuse(*_arguments: Any, **_named: Any) -> None:
        raise ValueError

    monkeypatch.setattr(requests, "Request", refuse)
    assert list(operation_probes(places, found, "", unsafe=True, cases=1)) == []


# --- the wire --------------------------------------------------------------------------


@contextlib.contextmanager
def peer(*answers: bytes) -> Generator[Address]:
    """Listen once, say something, and close."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for answer in answers:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Address("127.0.0.1", port, f"127.0.0.1:{port}", "", tls=False)
        finally:
            thread.join()


def test_a_peer_that_speaks_no_http_gives_no_answer() -> None:
    """Alone, pipelined, and to a client."""
    head, limits = Request("HEAD", "/"), Limits(5)
    with peer(b"220 mail.example ESMTP\r\n") as address:
        assert send_alone(address, head, limits).note == "the answer is no HTTP"
    with peer() as address:
        assert send_alone(address, head, limits).note == "no answer in time"
    with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as address:
        assert len(send_pipelined(address, [head, head], limits)) == 1
    with peer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") as address:
        target = load_target(f"http://{address.netloc}")
        answer = target.send(Request("GET", "/"), limits)
        assert (answer.body, answer.end) == (b"abc", "cut")
        target.close()


def test_a_peer_that_does_not_close_is_waited_for_once() -> None:
    """What came until then is the answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address("127.0.0.1", listener.getsockname()[1], "h", "", tls=False)
        assert send_alone(address, Request("HEAD", "/"), Limits(0.05)).status == 0
        target = load_target(f"http://127.0.0.1:{address.port}")
        answer = target.send(Request("GET", "/"), Limits(0.05))
        assert answer.note == "no answer in time"
        target.close()


def test_https_that_is_none_gives_no_answer() -> None:
    """The socket is closed."""
    with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        answer = send_alone(address._replace(tls=True), Request("HEAD", "/"), Limits(5))
    assert answer.status == 0


def test_what_no_client_can_send_is_not_judged() -> None:
    """It is our fault, not the service's."""
    with serving("") as url:
        target = load_target(url)
        answer = target.send(Request("GET", "/", (("X", "a\nb"),)), Limits(5))
        target.close()
    assert answer.end == "unsent"


@pytest.mark.parametrize("make", [asgi, wsgi])
def test_an_application_has_no_connection(make: Any) -> None:
    """Nothing can be pipelined to it."""
    target = load_app(make(), "app")
    assert target.pipeline([Request("GET", "/")], Limits()) is None
    target.close()


# --- reports ---------------------------------------------------------------------------


def test_an_interrupted_run_is_no_baseline(tmp_path: Path) -> None:
    """It would say that what was not asked is fine; and each format says that it is not all."""
    report = Report(target="x", planned={"paths": 6}, sent=2, interrupted=True)
    with pytest.raises(TargetError, match="An interrupted run is no baseline"):
        write_baseline(str(tmp_path / "known.json"), report)
    assert '<error message="Interrupted after 2 of 6 requests' in render_report(report, "junit")
    assert '"executionSuccessful": false' in render_report(report, "sarif")
    assert '"interrupted": true' in render_report(report, "json")
    assert "Interrupted after 2 of 6 requests" in render_report(report, "markdown")

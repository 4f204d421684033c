"""Faults of a server and of the network, over real sockets, in every way of calling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.httpx.faulty import Connection, answers, free_port, says, serving
from adapters.httpx.over_sockets import NOBODY, TRUSTING, Over
from adapters.httpx.ways import Way, every_way, our_clients
from kaiko_middleware import KaikoError, ServerError, ServiceUnavailableError

if TYPE_CHECKING:
    from adapters.httpx.faulty import Behaviour

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def _reset_unasked(connection: Connection) -> None:
    connection.request()
    connection.reset()


NO_ANSWER: dict[str, tuple[Behaviour, str]] = {
    "reset": (_reset_unasked, "ReadError"),
    "reset in the head": (says(HEAD, then=Connection.reset), "ReadError"),
    "closed": (says(b""), "RemoteProtocolError"),
    "closed in the head": (says(HEAD), "RemoteProtocolError"),
    "no http": (says(b"SSH-2.0-OpenSSH\r\n\r\n"), "RemoteProtocolError"),
    "bad header": (says(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), "RemoteProtocolError"),
}
"""The request was sent, and no answer came: nobody knows whether it was acted on."""
BROKEN_BODY: dict[str, tuple[Behaviour, str]] = {
    "reset": (says(HEAD + b"Content-Length: 9\r\n\r\nhalf", then=Connection.reset), "ReadError"),
    "short": (says(HEAD + b"Content-Length: 9\r\n\r\nhalf"), "RemoteProtocolError"),
    "bad chunk": (
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n"),
        "RemoteProtocolError",
    ),
    "no last chunk": (
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        "RemoteProtocolError",
    ),
}
"""An answer began well."""
FAULTS = {
    f"{what}: {name}": fault
    for what, faults in (("answer", NO_ANSWER), ("body", BROKEN_BODY))
    for name, (fault, _) in faults.items()
}
no_answer = pytest.mark.parametrize(("fault", "failure"), NO_ANSWER.values(), ids=list(NO_ANSWER))
broken_body = pytest.mark.parametrize(
    ("fault", "failure"), BROKEN_BODY.values(), ids=list(BROKEN_BODY)
)


@every_way
@no_answer
def test_a_lost_answer_is_asked_for_again(way: Way, fault: Behaviour, failure: str) -> None:
    """Where that does no harm; nothing of the lost connection stays open."""
    with serving(fault, answers()) as server:
        went = Over(way).call(f"http://127.0.0.1:{server.port}/", "GET")
    assert (went.outcomes, went.reasons, went.open) == ([200], ["retrying"], 0)
    assert went.failures == [failure]
    assert server.requests == [b"GET /", b"GET /"]


@every_way
@no_answer
def test_a_request_that_may_have_been_acted_on_is_not_sent_twice(
    way: Way, fault: Behaviour, failure: str
) -> None:
    """The caller sees what happened."""
    with serving(fault, answers()) as server:
        went = Over(way).call(f"http://127.0.0.1:{server.port}/", "POST", content=b"pay")
    assert (went.outcomes, went.reasons, went.open) == ([failure], ["not_idempotent"], 0)
    assert server.requests == [b"POST /"]


@every_way
@broken_body
def test_an_answer_that_breaks_off_is_retried_where_nobody_used_it(
    way: Way, fault: Behaviour, failure: str
) -> None:
    """Our clients know that; of a POST, and of a stream, nobody does."""
    for method, stream in (("GET", False), ("GET", True), ("POST", False)):
        with serving(fault, answers()) as server:
            url = f"http://127.0.0.1:{server.port}/"
            went = Over(way).call(url, method, stream=stream)
        again = way.ours and method == "GET" and not stream
        assert (went.outcomes, went.open) == ([200] if again else [failure], 0)
        assert len(server.requests) == (2 if again else 1)


@our_clients
@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_a_typed_error(way: Way, name: str) -> None:
    """503, and the request may have been acted on."""
    with serving(FAULTS[name]) as server:
        url = f"http://127.0.0.1:{server.port}/"
        went = Over(way).call(url, "POST", raise_errors=True)
    assert type(went.error) is ServiceUnavailableError
    assert went.error.upstream is not None
    assert went.error.upstream.processed
    assert went.open == 0
    assert len(server.requests) == 1


@every_way
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_is_tried_three_times(way: Way, method: str) -> None:
    """Nothing was sent: there is no harm in it."""
    went = Over(way).call(f"http://127.0.0.1:{free_port()}/", method)
    assert (went.outcomes, went.open) == (["ConnectError"], 0)
    assert went.reasons == ["retrying", "retrying", "attempts"]


@every_way
def test_an_error_whose_body_is_short_is_retried_by_its_status(way: Way) -> None:
    """On a new connection: the broken one serves nobody."""
    fault = says(b"HTTP/1.1 503 X\r\nContent-Length: 99\r\n\r\nhalf")
    with serving(fault, answers()) as server:
        went = Over(way).call(f"http://127.0.0.1:{server.port}/", "POST")
    assert (went.outcomes, went.open) == ([200], 0)
    assert len(server.connections) == 2


@every_way
def test_a_kept_connection_serves_the_retry_and_the_next_call(way: Way) -> None:
    """An error that was read to its end costs no connection."""

    def behave(connection: Connection) -> None:
        says(b"HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\n{}", then=answers())(connection)

    with serving(behave) as server:
        went = Over(way).call(f"http://127.0.0.1:{server.port}/", "POST", "GET")
    assert (went.outcomes, went.open) == ([200, 200], 0)
    assert len(server.connections) == 1
    assert len(server.requests) == 3


@every_way
@pytest.mark.parametrize(
    ("method", "outcomes"), [("GET", [200, 200]), ("POST", [200, "ReadError"])]
)
def test_a_half_open_connection_is_noticed(way: Way, method: str, outcomes: list[object]) -> None:
    """A server that forgot a connection resets it: the second request on it may be lost."""

    def forgets(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.request()
        connection.reset()

    with serving(forgets, answers()) as server:
        went = Over(way).call(f"http://127.0.0.1:{server.port}/", method, method)
    assert went.outcomes == outcomes
    assert went.open == 0
    assert len(server.requests) == (3 if method == "GET" else 2)


@every_way
def test_tls_works_through_the_watched_connections(way: Way) -> None:
    """Retries as well."""

    def behave(connection: Connection) -> None:
        connection.encrypt()
        says(b"HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\n{}", then=answers())(connection)

    with serving(behave) as server:
        went = Over(way, verify=TRUSTING).call(f"https://127.0.0.1:{server.port}/", "POST")
    assert (went.outcomes, went.open) == ([200], 0)


@every_way
def test_a_certificate_nobody_trusts_is_refused_once(way: Way) -> None:
    """It is no more to be trusted the second time: an operator must act."""
    with serving(Connection.encrypt) as server:
        url = f"https://127.0.0.1:{server.port}/"
        went = Over(way, verify=NOBODY).call(url, "GET", raise_errors=True)
    assert went.reasons == ["not_retryable"]
    assert went.open == 0
    if way.ours:
        assert type(went.error) is ServerError
        assert not went.error.retryable
    else:
        assert went.outcomes == ["ConnectError"]


@every_way
def test_a_handshake_that_fails_is_a_connection_that_failed(way: Way) -> None:
    """Tried again for any method: nothing was sent."""

    def plain(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 400 X\r\n\r\n")

    with serving(plain) as server:
        went = Over(way).call(f"https://127.0.0.1:{server.port}/", "POST", raise_errors=True)
    assert went.reasons == ["retrying", "retrying", "attempts"]
    assert went.open == 0
    assert len(server.connections) == 3
    if way.ours:
        assert isinstance(went.error, KaikoError)
        assert went.error.status == 503

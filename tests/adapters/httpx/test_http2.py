"""What an HTTP/2 peer says of a request that it does not answer, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
import pytest
from h2.errors import ErrorCodes

from adapters.httpx.faulty import Connection, serving
from adapters.httpx.over_sockets import Over
from adapters.httpx.ways import WAYS, Way, every_way, our_clients
from kaiko_middleware import ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.httpx.faulty import Behaviour

    Act = Callable[[h2.connection.H2Connection, int], object]

LARGE = b"x" * 300_000  # more than the peer's window: sending it waits for the peer


def speaks(*acts: Act, at_once: bool = False) -> Behaviour:
    """Do one thing for each request of a connection, and answer those that follow.

    `at_once` acts when the head has come, else when the whole request has.
    """

    def behave(connection: Connection) -> None:
        peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        peer.initiate_connection()
        connection.send(peer.data_to_send())
        left = list(acts)
        moment = h2.events.RequestReceived if at_once else h2.events.StreamEnded
        while data := connection.receive():
            for event in peer.receive_data(data):
                if isinstance(event, moment):
                    (left.pop(0) if left else answer)(peer, event.stream_id)
                    if peer.state_machine.state is h2.connection.ConnectionState.CLOSED:
                        connection.send(peer.data_to_send())
                        return
                if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                    peer.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            connection.send(peer.data_to_send())

    return behave


def answer(peer: h2.connection.H2Connection, stream: int) -> None:
    """Answer 200."""
    peer.send_headers(stream, [(":status", "200")])
    peer.send_data(stream, b"{}", end_stream=True)


def reset(code: ErrorCodes) -> Act:
    """Reset the stream."""
    return lambda peer, stream: peer.reset_stream(stream, code)


def go_away(last: int) -> Act:
    """Close the connection; streams up to `last` may have been processed."""
    return lambda peer, _: peer.close_connection(last_stream_id=last)


def _nonsense(peer: h2.connection.H2Connection, _: int) -> None:
    # A frame of headers for no stream; the transmitted data is the peer's own otherwise.
    peer._data_to_send += b"\0\0\5\1\0\0\0\0\0xxxxx"


NOT_PROCESSED: dict[str, tuple[Act, ...]] = {
    "refused": (reset(ErrorCodes.REFUSED_STREAM),),
    "goes away at once": (go_away(0),),
    "goes away before the second": (answer, go_away(1)),
}
PERHAPS_PROCESSED: dict[str, tuple[Act, ...]] = {
    "failed": (reset(ErrorCodes.INTERNAL_ERROR),),
    "goes away after it": (go_away(1),),
    "goes away after the second": (answer, go_away(3)),
    "speaks no http": (_nonsense,),
}


def call(way: Way, *acts: Act, at_once: bool = False, **request: Any) -> Over:
    """Make as many calls as the peer has plans; it answers on further connections."""
    with serving(speaks(*acts, at_once=at_once), speaks()) as server:
        url = f"http://127.0.0.1:{server.port}/"
        methods = ["POST"] * len(acts)
        return Over(way, http1=False, http2=True).call(url, *methods, **request)


@every_way
@pytest.mark.parametrize("acts", NOT_PROCESSED.values(), ids=list(NOT_PROCESSED))
def test_a_request_that_was_not_processed_is_sent_again(way: Way, acts: tuple[Act, ...]) -> None:
    """Whatever its method is; the second time on a new connection where the old one is gone."""
    went = call(way, *acts, content=b"pay")
    assert (went.outcomes, went.open) == ([200] * len(acts), 0)


@every_way
@pytest.mark.parametrize("acts", PERHAPS_PROCESSED.values(), ids=list(PERHAPS_PROCESSED))
def test_a_request_that_may_have_been_processed_is_not(way: Way, acts: tuple[Act, ...]) -> None:
    """A payment is not made twice."""
    went = call(way, *acts, content=b"pay")
    assert went.outcomes[:-1] == [200] * (len(acts) - 1)
    assert went.outcomes[-1] in {"RemoteProtocolError", "LocalProtocolError"}
    assert went.reasons == ["not_idempotent"]


# httpx 0.28 drops the generator of a body that it could not send, of which trio warns.
@pytest.mark.parametrize("way", [way for way in WAYS if str(way) != "trio-httpx"], ids=str)
@pytest.mark.parametrize("acts", [(go_away(0),), (answer, go_away(1))], ids=["first", "second"])
def test_the_peer_may_go_while_the_body_is_sent(way: Way, acts: tuple[Act, ...]) -> None:
    """httpcore then does not say which stream it was."""
    went = call(way, *acts, at_once=True, content=LARGE)
    assert went.outcomes[-1] == 200


@every_way
def test_a_body_that_cannot_be_sent_again_is_not(way: Way) -> None:
    """The caller sees the refusal."""
    went = call(way, reset(ErrorCodes.REFUSED_STREAM), content=way.stream_of(b"once"))
    assert (went.outcomes, went.reasons) == (["RemoteProtocolError"], ["not_replayable"])


@our_clients
def test_a_peer_that_speaks_no_http_is_unavailable(way: Way) -> None:
    """It is not our request that is wrong, though httpcore says so."""
    went = call(way, _nonsense, raise_errors=True)
    assert type(went.error) is ServiceUnavailableError

"""What an HTTP/2 peer says about a request that it did not answer.

httpcore raises h2's event. A refused stream was not processed, and neither was a stream that is
newer than the last one that the peer names when it goes away (RFC 9113, sections 6.8 and 8.7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.safe_exception import root_of, traceback_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_REFUSED_STREAM = 7


def was_not_processed(exc: BaseException) -> bool:
    """Whether the peer says that it did not process the request."""
    said: object = exc.args[0] if exc.args else None
    if root_of(type(said)) != "h2":
        return False
    kind = type(said).__name__
    if kind == "StreamReset":
        return getattr(said, "error_code", None) == _REFUSED_STREAM
    last: object = getattr(said, "last_stream_id", None)
    if kind != "ConnectionTerminated" or not isinstance(last, int):
        return False
    # httpcore says nowhere else which stream the request had.
    ids = (frame.f_locals.get("stream_id") for frame in _frames(exc))
    return any(isinstance(stream, int) and stream > last for stream in ids)


def is_peers_fault(exc: BaseException) -> bool:
    """Whether h2 found the fault in what it received; httpcore calls each one its own."""
    return root_of(type(exc)) == "h2" and any(
        frame.f_code.co_name == "receive_data" for frame in _frames(exc)
    )


def _frames(exc: BaseException) -> Iterator[FrameType]:
    traceback = traceback_of(exc)
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next

"""What returned error answers became: a service returns the same few, each is encoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.exchange_driver import encode_fields

if TYPE_CHECKING:
    from kaiko_asgi._types import Message
    from kaiko_middleware import KaikoError
    from kaiko_middleware.pipeline import Pipeline
    from kaiko_middleware.render import Repeated

__all__ = ["KnownAnswer", "KnownAnswers"]

_KEPT = 256


class KnownAnswer:
    """What an error answer becomes, but for the request id.

    Arguments:
        error: what is reported.
        reply: what is answered.

    """

    def __init__(self, error: KaikoError, reply: Repeated) -> None:
        self.error: KaikoError = error
        self._status, self._start = reply.status, reply.start
        self._first, *self._rest = encode_fields((reply.first, *reply.rest))

    def events(self, header: bytes, request_id: bytes) -> tuple[Message, Message]:
        """Return the events of the answer to another request.

        Arguments:
            header: the name of the id's header.
            request_id: that request's id.

        """
        body = b'%b%b"}}' % (self._start, request_id)
        length = b"%d" % len(body)
        fields = [self._first, (b"content-length", length), (header, request_id), *self._rest]
        return (
            {"type": "http.response.start", "status": self._status, "headers": fields},
            {"type": "http.response.body", "body": body},
        )


class KnownAnswers:
    """The error answers that one middleware has seen.

    Arguments:
        pipeline: the core's steps, which know which answers always become the same.

    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._known: dict[object, KnownAnswer] = {}

    def recall(self, head: Message, body: Message) -> KnownAnswer | None:
        """Return what the error answer of these two events became, if it was seen before."""
        if body.get("more_body") or body["type"] != "http.response.body":
            return None
        try:
            return self._known.get((head["status"], tuple(head["headers"]), body.get("body", b"")))
        except (TypeError, ValueError):  # an application may give anything for a header or a body
            return None

    def remember(self, head: Message, body: Message) -> None:
        """Keep what the error answer of these two events became."""
        if body.get("more_body") or body["type"] != "http.response.body":
            return
        status, fields, data = head["status"], head["headers"], body.get("body", b"")
        if type(data) is not bytes:  # a view would keep what it is a view of
            return
        try:
            texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
            found = self._pipeline.recall(status, texts, data)
            if found is not None:
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[status, tuple(fields), data] = KnownAnswer(*found)
        except (AttributeError, TypeError, ValueError):  # as above
            return

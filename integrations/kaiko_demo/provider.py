"""A stand-in for a provider of language models, which fails when it is asked to.

It speaks like OpenAI's chat completions, answers any model by repeating what it was told,
and fails in the way that the model's name chooses (`faults`). It is not a service of ours:
nothing of the toolkit is in here, and what it sends can be no HTTP at all, so it writes to
the connection itself.
"""

from __future__ import annotations

import logging
import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from pydantic import BaseModel

from kaiko_demo.completions import (
    CONTENT_END,
    Answer,
    chunk,
    completion,
    json_answer,
    streamed,
)
from kaiko_demo.faults import FAULTS, FLAKY, PROVIDER_KEY

__all__ = ["serve"]

_log = logging.getLogger("kaiko_demo.asked")


class _Message(BaseModel):
    content: str


class _Asked(BaseModel):
    model: str
    messages: list[_Message]
    stream: bool = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    wbufsize = -1  # an answer leaves as a whole
    # Ids of calls whose first attempt has failed. A set's own methods need no lock.
    failed_once: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        """Answer a request for a completion."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {PROVIDER_KEY}":
            self._send(json_answer(401, {"error": {"code": "invalid_api_key"}}))
        elif self.path != "/v1/chat/completions":
            self._send(json_answer(404, {"error": {"code": "unknown_url"}}))
        else:
            asked = _Asked.model_validate_json(raw)
            request_id = self.headers["X-Request-ID"] or "-"
            _log.info("for %s", asked.model, extra={"request_id": request_id})
            self._send(self._fault(asked.model, request_id) or _answer(asked))

    def _fault(self, model: str, request_id: str) -> Answer | None:
        if model == FLAKY:
            if request_id in self.failed_once:
                self.failed_once.discard(request_id)
                return None
            self.failed_once.add(request_id)
        return FAULTS.get(model)

    def _send(self, answer: Answer) -> None:
        self.close_connection = answer.ends != "length"
        if answer.ends == "never":
            self.rfile.read(1)  # which is over when the client has had enough
            return
        if answer.ends == "reset":
            # Closed while told not to linger, a connection is reset.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.ends == "close":
            self.send_header("Connection", "close")
        else:
            missing = 100 if answer.ends == "short" else 0
            self.send_header("Content-Length", str(len(answer.body) + missing))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep the log to what was asked."""


class _Server(ThreadingHTTPServer):
    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close a connection; one that is to be reset is not shut down first."""
        self.close_request(request)


def serve(listener: socket.socket) -> None:
    """Serve for ever on a socket that listens.

    Arguments:
        listener: The socket.
    """
    with _Server(listener.getsockname(), _Handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listener
        server.serve_forever()


def _answer(asked: _Asked) -> Answer:
    said = f"You said: {asked.messages[-1].content}"
    if not asked.stream:
        return json_answer(200, completion(asked.model, said))
    words = (chunk(asked.model, f"{word} ") for word in said.split())
    return streamed(chunk(asked.model, ""), *words, chunk(asked.model), CONTENT_END)

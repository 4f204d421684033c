"""A fake provider of language models, which fails on request.

It has the API of OpenAI's chat completions. It answers any model by repeating the question, and
the model's name can choose a failure (`faults`). It is not one of our services, so it does not
use the toolkit. It writes to the connection itself, since some of its answers are not valid
HTTP.
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
    wbufsize = -1  # an answer is sent as a whole
    # Ids of calls whose first attempt has failed. A set's methods need no lock.
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
            self.rfile.read(1)  # returns when the client gives up
            return
        if answer.ends == "reset":
            # Closing without lingering resets the connection.
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
        """Keep the server's own lines out of the log."""


class _Server(ThreadingHTTPServer):
    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close a connection without a shutdown, which would prevent a reset."""
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

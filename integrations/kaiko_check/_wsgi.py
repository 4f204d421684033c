"""A WSGI application in this process, called as a server would call it, in a thread a request."""

from __future__ import annotations

import io
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote_to_bytes

from ._asgi import SERVER_ERROR
from ._exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ._exchange import End, Limits, Request

    WsgiApp: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

__all__ = ["WsgiTarget"]


class WsgiTarget:
    """A WSGI application.

    Arguments:
        app: the application.
        name: its name in reports.
        host: the value of `Host`.
        framework: the framework, as `recognize` names it.

    """

    in_process = True

    def __init__(
        self, app: WsgiApp, name: str, *, host: str = "localhost", framework: str | None = None
    ) -> None:
        self.name = name
        self.base = f"http://{host}"
        self.framework = framework
        self._app = app
        self._host = host

    def send(self, request: Request, limits: Limits) -> Answer:
        """Call the application; see `Target`."""
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        call = _Call(self._app, request, self._host, limits)
        threading.Thread(target=lambda: answers.put(call.run()), daemon=True).start()
        try:
            return answers.get(timeout=limits.seconds + 0.5)
        except queue.Empty:
            return call.so_far()

    def pipeline(self, requests: Sequence[Request], limits: Limits) -> None:
        """There is no connection; see `Target`."""
        del requests, limits

    def alone(self, request: Request, limits: Limits) -> Answer:
        """Call the application: there is no connection; see `Target`."""
        return self.send(request, limits)

    def close(self) -> None:
        """There is nothing to release."""


class _Call:
    """One call of the application."""

    def __init__(self, app: WsgiApp, request: Request, host: str, limits: Limits) -> None:
        self._app = app
        self._request = request
        self._environ = _environ(request, host)
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self._status = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self._received = bytearray()
        self._sent = False

    def run(self) -> Answer:
        end: End = "whole"
        try:
            chunks = self._app(self._environ, self._start)
            try:
                for chunk in chunks:
                    self._sent = True
                    self._received += chunk
                    if len(self._received) > self._limits.body or time.monotonic() > self._deadline:
                        del self._received[self._limits.body :]
                        end = "unread"
                        break
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        except BaseException:  # noqa: BLE001 - whatever an application raises: the thread is its own
            if not self._sent:
                return _for(self._request, SERVER_ERROR)
            end = "cut"
        if not self._status:
            return _for(self._request, SERVER_ERROR)
        note = {"cut": "the application raised", "unread": "it did not end within the limits"}
        body = bytes(self._received)
        answer = Answer(self._status, self._headers, body, end, note.get(end, ""))
        return _for(self._request, answer)

    def so_far(self) -> Answer:
        """Return what there is when the time is over."""
        if not self._sent:
            return Answer(0, note="no answer in time")
        body = bytes(self._received)
        return Answer(self._status, self._headers, body, "unread", "it did not end in time")

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        del exc_info
        self._status = int(status[:3]) if status[:3].isdigit() else 0
        self._headers = tuple(headers)
        return self._received.extend


def _for(request: Request, answer: Answer) -> Answer:
    """Return an answer as a server sends it to a method."""
    if request.method != "HEAD":
        return answer
    return Answer(answer.status, answer.headers, b"", answer.end, answer.note)


def _environ(request: Request, host: str) -> dict[str, Any]:
    path, _, query = request.target.partition("?")
    body = request.body or b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": request.target,
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if request.body is not None:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name in dict.fromkeys(name.lower() for name, _ in request.headers):
        # As servers do: a repeated header is joined.
        value = ",".join(request.values(name))
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ

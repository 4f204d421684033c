"""A strict WSGI server, and an application that does what a program says."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from fuzz.outcome import Outcome
from fuzz.raising import make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fuzz.programs import Op, Program

    Environ = dict[str, Any]
    App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]*")
_STATUS = re.compile(r"[1-9][0-9]{2} [^\x00-\x1f\x7f]*")


class Refused(AssertionError):
    """The server refuses what PEP 3333 does not allow."""


class _Closing:
    """A body with `close`, as frameworks return it."""

    def __init__(self, program: Program, chunks: Iterable[bytes]) -> None:
        self._program = program
        self._chunks = iter(chunks)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        """Count."""
        self.closed += 1
        if self._program["close"] == "raise":
            raise make("bug")


class Application:
    """Does what a program says, and keeps the bodies that it gave."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.bodies: list[_Closing] = []

    def __call__(self, _environ: Environ, start_response: Callable[..., Any], /) -> Iterable[bytes]:
        run = _Run(start_response)
        for op in self._program["call"]:
            run.play(op)
        chunks = run.chunks(self._program["later"])
        if self._program["result"] == "list":
            return list(chunks)
        if self._program["result"] == "generator":
            return chunks
        body = _Closing(self._program, chunks)
        self.bodies.append(body)
        return body


class _Run:
    """One call of an application."""

    def __init__(self, start_response: Callable[..., Any]) -> None:
        self._start_response = start_response
        self._write: Any = None

    def play(self, op: Op) -> None:
        """Do one thing that gives no chunk."""
        if op[0] == "raise":
            raise make(op[1])
        if op[0] == "write":
            self._write(op[1].encode("latin-1", "replace"))
            return
        fields = [(name, value) for name, value in op[2]]
        if not op[3]:
            self._write = self._start_response(op[1], fields)
            return
        try:
            raise make("caught")
        except RuntimeError as exc:
            info = (type(exc), exc, exc.__traceback__)
            self._write = self._start_response(op[1], fields, info)

    def chunks(self, ops: list[Op]) -> Iterator[bytes]:
        """Do the rest while the body is read."""
        for op in ops:
            if op[0] == "yield":
                yield op[1].encode("latin-1", "replace")
            elif op[0] == "odd":
                yield _ODD[op[1]]
            else:
                self.play(op)


_ODD: dict[str, Any] = {"str": "text", "none": None, "int": 7, "bytearray": bytearray(b"a")}


def serve(app: App, program: Program) -> Outcome:
    """Serve one exchange, and return what came of it."""
    server = _Server(program)
    environ: Environ = {
        "REQUEST_METHOD": program["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": program["path"],
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in program["headers"]:
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    outcome = server.outcome
    result: Any = None
    try:
        result = app(environ, server.start_response)
        outcome.early_head = server.head is not None
        for chunk in result:
            server.take(chunk)
        server.finish()
    except BaseException as exc:  # noqa: BLE001 - an application raises anything
        outcome.raised = exc
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            try:
                close()
            except BaseException as exc:  # noqa: BLE001 - likewise
                outcome.raised = outcome.raised or exc
    return outcome


class _Server:
    """One connection of a server that takes nothing but what PEP 3333 allows."""

    def __init__(self, program: Program) -> None:
        self.outcome = Outcome()
        self.head: tuple[int, list[tuple[str, str]]] | None = None
        self._program = program
        self._length: int | None = None
        self._chunks = 0

    def start_response(
        self, status: Any, headers: Any, exc_info: Any = None, /
    ) -> Callable[[bytes], None]:
        """Take a head."""
        if exc_info is not None and self.outcome.status is not None:
            raise exc_info[1]
        if exc_info is None and self.head is not None:
            self._refuse("a second head")
        if type(status) is not str or not _STATUS.fullmatch(status):
            self._refuse(f"status {status!r}")
        if type(headers) is not list:
            self._refuse(f"fields in a {type(headers).__name__}")
        for name, value in headers:
            if type(name) is not str or type(value) is not str:
                self._refuse(f"header {name!r}: {value!r}")
            try:
                value.encode("latin-1")
            except UnicodeError:
                self._refuse(f"header {name!r}: {value!r}")
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                self._refuse(f"header {name!r}: {value!r}")
        lengths = {value for name, value in headers if name.lower() == "content-length"}
        if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
            self._refuse(f"lengths {lengths}")
        self._length = int(lengths.pop()) if lengths else None
        self.head = int(status[:3]), headers
        return self.take

    def _refuse(self, why: str) -> None:
        self.outcome.refused.append(why)
        self.outcome.refused_after_head = self.outcome.status is not None
        raise Refused(why)

    def take(self, chunk: Any) -> None:
        """Take a part of the body."""
        outcome = self.outcome
        if type(chunk) not in (bytes, bytearray):  # which Waitress and granian send
            self._refuse(f"a chunk of {type(chunk).__name__}")
        if self.head is None:
            self._refuse("a chunk before a head")
        if not chunk:
            return
        self._send_head()
        self._chunks += 1
        if 0 <= self._program["leaves"] < self._chunks:
            outcome.gone = True
            raise BrokenPipeError("the client is gone")
        if self._program["method"] == "HEAD" or outcome.status in (204, 304):
            return
        outcome.body += chunk
        if self._length is not None and len(outcome.body) > self._length:
            self._refuse("a body that is too long")

    def _send_head(self) -> None:
        if self.outcome.status is None and self.head is not None:
            self.outcome.status, headers = self.head
            self.outcome.headers = list(headers)

    def finish(self) -> None:
        """Take note that the body is over."""
        if self.head is None:
            self._refuse("no head")
        self._send_head()
        bodiless = self._program["method"] == "HEAD" or self.outcome.status in (204, 304)
        if not bodiless and self._length is not None and len(self.outcome.body) < self._length:
            self._refuse("a body that is too short")
        self.outcome.ended = True

"""Sending a cause to every stack at one moment, and reading the streams that come back.

The stacks share a clock, a file that only this module writes. It stands still while a cause is
sent, so rate limits and times are the same on every stack, and it goes on in between.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kaiko_cli.wire import Received, send

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from kaiko_demo import Cause, Request

__all__ = ["Address", "Answered", "CutOffError", "Fired", "OpenStream", "SharedClock", "Stacks"]

_A = TypeVar("_A")
_PATIENCE = 30.0
_KEPT = 16


class Address(NamedTuple):
    """A running service: its name in the logs, its name for people, and its port."""

    name: str
    title: str
    port: int

    @property
    def url(self) -> str:
        """Its address, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"


class Answered(NamedTuple):
    """An answer, and the seconds that it took."""

    received: Received
    seconds: float


class Fired(NamedTuple):
    """A cause, and each stack's answer by the stack's name."""

    cause: Cause
    answers: dict[str, Answered]


class SharedClock:
    """The clock of all stacks; see `kaiko_demo.clock.told_by`.

    Arguments:
        file: where the moment is written.

    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def standing_still(self) -> Generator[None]:
        """Tell the time, and keep it until the end; one at a time."""
        with self._lock:
            self._tell()
            yield

    def tick(self) -> None:
        """Tell the time, unless it stands still."""
        if self._lock.acquire(blocking=False):
            try:
                self._tell()
            finally:
                self._lock.release()

    def _tell(self) -> None:
        # Replaced as a whole: a service reads it at any moment.
        new = self._file.with_suffix(".new")
        new.write_text(datetime.now(UTC).isoformat(), encoding="ascii")
        os.replace(new, self._file)  # noqa: PTH105 - the same as Path.replace


class CutOffError(Exception):
    """The stream was cut off: there is no more of it, and it did not end."""


class OpenStream:
    """An answer that is still arriving.

    Arguments:
        address: the stack.
        request: the request.

    """

    def __init__(self, address: Address, request: Request) -> None:
        self._began = time.monotonic()
        self._connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=_PATIENCE)
        self._response: http.client.HTTPResponse | None = None
        self._body = bytearray()
        self._broken: str | None = None
        self._seconds = 0.0
        self.is_over: bool = False
        """Whether nothing more arrives."""
        try:
            self._connection.request(
                request.method, request.path, request.body, dict(request.headers)
            )
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as exc:
            self._broken = f"no answer: {exc!r}"
            self.close()

    def received(self) -> Received:
        """Return what has arrived until now."""
        if self._response is None:
            return Received(0, (), b"", self._broken)
        headers = tuple(self._response.getheaders())
        return Received(self._response.status, headers, bytes(self._body), self._broken)

    def answered(self) -> Answered:
        """Return what has arrived, and the seconds that it took."""
        return Answered(self.received(), self._seconds)

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives.

        Raises:
            CutOffError: it was cut off.

        """
        if self._response is None or self.is_over:
            return
        self._broken = "the reader left"
        try:
            while piece := self._response.read1(65_536):
                self._body += piece
                yield piece
            if self._response.length:
                raise http.client.IncompleteRead(b"", self._response.length)
            self._broken = None
        except (OSError, http.client.HTTPException) as exc:
            self._broken = "the answer was cut off"
            raise CutOffError from exc
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self.is_over = True
        self._seconds = time.monotonic() - self._began
        self._connection.close()
        if self._response is not None:
            self._response.close()


class _OpenSet(NamedTuple):
    cause: Cause
    streams: dict[str, OpenStream]


class Stacks:
    """The running stacks.

    Arguments:
        addresses: where they are.
        clock: their clock.

    """

    def __init__(self, addresses: Sequence[Address], clock: SharedClock) -> None:
        self.addresses: tuple[Address, ...] = tuple(addresses)
        self._clock = clock
        self._open: dict[str, _OpenSet] = {}
        self._last: dict[str, Fired] = {}

    def fire(self, cause: Cause) -> Fired:
        """Send a cause to all stacks, and wait for their answers."""

        def ask(address: Address) -> Answered:
            for request in cause.before:
                send(address.port, request)
            began = time.monotonic()
            received = send(address.port, cause.request)
            return Answered(received, time.monotonic() - began)

        with self._clock.standing_still(), self._pool() as pool:
            answers = pool.map(ask, self.addresses)
            return self._keep(Fired(cause, self._by_name(answers)))

    def last(self, cause: Cause) -> Fired:
        """Return the last answers to a cause; if there are none, send it."""
        return self._last.get(cause.name) or self.fire(cause)

    def open_streams(self, cause: Cause) -> tuple[str, dict[str, OpenStream]]:
        """Send a cause to all stacks; return the name of the set, and the streams."""

        def ask(address: Address) -> OpenStream:
            for request in cause.before:
                send(address.port, request)
            return OpenStream(address, cause.request)

        with self._clock.standing_still(), self._pool() as pool:
            streams = self._by_name(pool.map(ask, self.addresses))
        name = secrets.token_urlsafe(12)
        self._open[name] = _OpenSet(cause, streams)
        for old in list(self._open)[:-_KEPT]:
            for stream in self._open.pop(old).streams.values():
                stream.close()
        return name, streams

    def is_known(self, name: str) -> bool:
        """Whether there is a set with this name."""
        return name in self._open

    def stream(self, name: str, stack: str) -> OpenStream | None:
        """Return a stream of a set; None if there is none."""
        found = self._open.get(name)
        return None if found is None else found.streams.get(stack)

    def ended(self, name: str) -> Fired | None:
        """Return what the streams of a set brought; None if one of them is still arriving."""
        found = self._open[name]
        if not all(stream.is_over for stream in found.streams.values()):
            return None
        answers = {stack: stream.answered() for stack, stream in found.streams.items()}
        return self._keep(Fired(found.cause, answers))

    def close(self) -> None:
        """Close all streams."""
        for found in self._open.values():
            for stream in found.streams.values():
                stream.close()

    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(len(self.addresses))

    def _by_name(self, answers: Iterator[_A]) -> dict[str, _A]:
        names = (address.name for address in self.addresses)
        return dict(zip(names, answers, strict=True))

    def _keep(self, fired: Fired) -> Fired:
        self._last[fired.cause.name] = fired
        return fired

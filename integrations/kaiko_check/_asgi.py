"""An ASGI application in this process, called as a server would call it.

It runs on a loop of its own in a thread, with its lifespan. What a server answers where an
application raises before it answered is answered here: an empty-handed 500.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import unquote

from ._exchange import Answer
from ._target import TargetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence

    from ._exchange import End, Limits, Request

    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    AsgiApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

__all__ = ["AsgiTarget"]

SERVER_ERROR = Answer(
    500,
    (("content-type", "text/plain; charset=utf-8"), ("content-length", "21")),
    b"Internal Server Error",
    note="the application raised and answered nothing; this is what a server sends then",
)
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_T = TypeVar("_T")


class AsgiTarget:
    """An ASGI application.

    Arguments:
        app: the application.
        name: its name in reports.
        host: the value of `Host`.
        framework: the framework, as `recognize` names it.

    Raises:
        TargetError: its startup fails.

    """

    in_process = True

    def __init__(
        self, app: AsgiApp, name: str, *, host: str = "localhost", framework: str | None = None
    ) -> None:
        self.name = name
        self.base = f"http://{host}"
        self.framework = framework
        self._app = app
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._lifespan = _Lifespan(app)
        try:
            failed = self._wait(self._lifespan.start(), _START_SECONDS)
        except FutureTimeoutError:
            failed = f"there is no answer within {_START_SECONDS:.0f} s"
        if failed:
            self.close()
            raise TargetError(f"{name} does not start: {failed}")

    def send(self, request: Request, limits: Limits) -> Answer:
        """Call the application; see `Target`."""
        call = _Call(self._app, request, self._host, self._lifespan.state, limits)
        future = asyncio.run_coroutine_threadsafe(call.run(), self._loop)
        try:
            # The loop ends the call itself; this is for an application that blocks the loop.
            return future.result(limits.seconds + 1.0)
        except FutureTimeoutError:
            future.cancel()
            return Answer(0, note="no answer in time: the application blocks its event loop")
        except BaseException:
            future.cancel()
            raise

    def pipeline(self, requests: Sequence[Request], limits: Limits) -> None:
        """There is no connection; see `Target`."""
        del requests, limits

    def alone(self, request: Request, limits: Limits) -> Answer:
        """Call the application: there is no connection; see `Target`."""
        return self.send(request, limits)

    def close(self) -> None:
        """End the application's lifespan, and the loop."""
        with contextlib.suppress(FutureTimeoutError):
            self._wait(self._ended(), _STOP_SECONDS + 1.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _ended(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._lifespan.stop(), _STOP_SECONDS)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)

    def _wait(self, work: Coroutine[Any, Any, _T], seconds: float) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)


class _Call:
    """One call of the application."""

    def __init__(
        self, app: AsgiApp, request: Request, host: str, state: Message, limits: Limits
    ) -> None:
        self._app = app
        self._request = request
        self._scope = _scope(request, host, state)
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self._body: bytes | None = request.body or b""
        self._status = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self._received = bytearray()
        self._end: End = "cut"
        self._note = ""
        self._done = asyncio.Event()

    async def run(self) -> Answer:
        task = _task_of(self._app, self._scope, self._receive, self._send)
        done = asyncio.ensure_future(self._done.wait())
        seconds = max(0.0, self._deadline - time.monotonic())
        await asyncio.wait({task, done}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._done.is_set() and not task.done():
            self._end, self._note = "unread", "it did not end in time"
        # A whole answer may have work behind it, which a server would let run.
        if self._done.is_set() and self._end == "whole":
            await asyncio.wait({task}, timeout=max(0.0, self._deadline - time.monotonic()))
        for each in (task, done):
            each.cancel()
        await asyncio.wait({task, done}, timeout=1.0)
        return self._answer(task)

    def _answer(self, task: asyncio.Future[None]) -> Answer:
        raised = None if task.cancelled() or not task.done() else task.exception()
        if not self._status:
            if raised is not None or (task.done() and not task.cancelled()):
                return SERVER_ERROR if self._request.method != "HEAD" else _bare(SERVER_ERROR)
            return Answer(0, note="no answer in time")
        if self._end == "cut":
            self._note = "the application ended before its answer did"
        if len(self._received) > self._limits.body:  # in one piece: as long as any other
            del self._received[self._limits.body :]
            self._end, self._note = "unread", "it did not end within the limits"
        body = b"" if self._request.method == "HEAD" else bytes(self._received)
        return Answer(self._status, self._headers, body, self._end, self._note)

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._done.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await asyncio.sleep(0)  # an endless stream must not keep the loop
        if self._done.is_set():
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple(
                (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
                for name, value in message.get("headers", ())
            )
        elif message["type"] == "http.response.body":
            self._received += message.get("body", b"")
            if not message.get("more_body", False):
                self._end = "whole"
                self._done.set()
            elif len(self._received) > self._limits.body:
                self._end = "unread"
                self._done.set()


def _bare(answer: Answer) -> Answer:
    return Answer(answer.status, answer.headers, b"", note=answer.note)


def _scope(request: Request, host: str, state: Message) -> Message:
    path, _, query = request.target.partition("?")
    headers = [(name.lower(), value) for name, value in request.headers]
    if not any(name == "host" for name, _ in headers):
        headers.insert(0, ("host", host))
    if request.body is not None:
        headers.append(("content-length", str(len(request.body))))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": (host, 80),
        "state": dict(state),
        "extensions": {},
    }


def _task_of(app: AsgiApp, scope: Message, receive: Receive, send: Send) -> asyncio.Task[None]:
    """Call an application in a task of its own, in which it fails even if it fails at once.

    One that exits fails too: it would end the loop that all requests run on.
    """

    async def call() -> None:
        try:
            await app(scope, receive, send)
        except (SystemExit, KeyboardInterrupt) as exc:
            raise RuntimeError("the application exits") from exc

    return asyncio.get_running_loop().create_task(call())


class _Lifespan:
    """The lifespan of an application, if it has one."""

    _task: asyncio.Task[None]

    def __init__(self, app: AsgiApp) -> None:
        self.state: Message = {}
        self._app = app
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()

    async def start(self) -> str:
        """Start it on the loop of all requests; return why it failed, or nothing."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        self._task = _task_of(self._app, scope, self._receive, self._send)
        said = await self._ask("lifespan.startup")
        return said.get("message") or said["type"] if said["type"].endswith("failed") else ""

    async def stop(self) -> None:
        """End it."""
        await self._ask("lifespan.shutdown")
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _ask(self, what: str) -> Message:
        """Wait for its answer; an application that ends or raises has no lifespan."""
        self._asked.put_nowait(what)
        answer = asyncio.ensure_future(self._answers.get())
        both: set[asyncio.Future[Any]] = {answer, self._task}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
        finally:
            answer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            self._task.exception()  # it is seen, and not reported when the task is collected
        return {"type": ""}

    async def _receive(self) -> Message:
        return {"type": await self._asked.get()}

    async def _send(self, message: Message) -> None:
        if not message["type"].startswith("lifespan."):
            raise RuntimeError("this is no answer to a lifespan")  # as servers refuse it
        await self._answers.put(message)

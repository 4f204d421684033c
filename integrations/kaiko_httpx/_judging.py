"""An LLM provider's successes: is there an error inside, and is the stream whole?

Judges what is text for programs (JSON, JSON lines, events, and HTML in their place), never a
download. Without it an SDK returns an empty answer for a 200 with an error inside, and ends a
stream that was cut as if it were whole.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from kaiko_httpx._notes import Explaining

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator

    import httpx2

    from kaiko_middleware.upstream import StreamWatch, Upstream

__all__ = ["judge", "watch_stream"]

_JUDGED = frozenset(
    {
        "application/json",
        "application/jsonl",
        "application/vnd.amazon.eventstream",
        "application/x-ndjson",
        "text/event-stream",
        "text/html",
    }
)


def _is_judged(response: httpx2.Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.is_success and kind in _JUDGED and response.request.method != "HEAD"


def judge(upstream: Upstream, response: httpx2.Response) -> None:
    """Raise the typed error inside a success that was read."""
    if upstream.trust == "llm" and _is_judged(response):
        with Explaining():
            upstream.raise_for_status(response)


def watch_stream(upstream: Upstream, response: httpx2.Response) -> None:
    """Make a success that is about to be streamed raise the typed error in it, and for its end."""
    if upstream.trust != "llm" or not _is_judged(response):
        return
    watch = upstream.watch(response.headers)
    # On the instance: every other way of reading the decoded body uses these two.
    vars(response).update(
        iter_bytes=_watching(response.iter_bytes, watch),
        aiter_bytes=_watching_async(response.aiter_bytes, watch),
    )


def _watching(
    read: Callable[..., Iterator[bytes]], watch: StreamWatch
) -> Callable[..., Generator[bytes]]:
    def iter_bytes(*args: Any, **options: Any) -> Generator[bytes]:
        for part in read(*args, **options):
            for piece in _pieces(part):
                with Explaining():
                    watch.feed(piece)
                yield piece
        with Explaining():
            watch.close()

    return iter_bytes


def _watching_async(
    read: Callable[..., AsyncIterator[bytes]], watch: StreamWatch
) -> Callable[..., AsyncGenerator[bytes]]:
    async def aiter_bytes(*args: Any, **options: Any) -> AsyncGenerator[bytes]:
        parts: Any = read(*args, **options)
        async with aclosing(parts):
            async for part in parts:
                for piece in _pieces(part):
                    with Explaining():
                        watch.feed(piece)
                    yield piece
        with Explaining():
            watch.close()

    return aiter_bytes


def _pieces(part: bytes) -> list[bytes]:
    """Cut a part after each event, so that the events before an error are handed on."""
    events = part.split(b"\n\n")
    last = events.pop()
    return [*(event + b"\n\n" for event in events), *([last] if last else ())]

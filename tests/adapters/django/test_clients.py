"""Django's test clients, and the threads that an asynchronous stack hops to."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from asgiref.sync import SyncToAsync
from django.core.signals import request_finished
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings

from adapters.django.row import returns
from adapters.django.stacks import STACKS, Project, Stack
from adapters.django.support import async_bug, bug, each_asgi_stack, fine, refused, typed, views
from adapters.django.test_streams import SSE, Streams
from kaiko_middleware import current_request_id


def test_client_raises_bugs_alone() -> None:
    """Django's test client raises what is unmapped, and returns what is typed."""
    with (
        override_settings(**Project(bug).all_settings()),
        pytest.raises(ValueError, match="secret"),
    ):
        Client().get("/x")
    with override_settings(**Project(typed).all_settings()):
        response = Client().get("/x")
    assert response.json()["error"]["message"] == "typed"


def test_async_client_raises_bugs_alone() -> None:
    """The asynchronous one as well."""

    async def get() -> Any:
        return await AsyncClient().get("/x")

    with (
        override_settings(**Project(async_bug).all_settings()),
        pytest.raises(ValueError, match="secret"),
    ):
        asyncio.run(get())
    with override_settings(**Project(typed).all_settings()):
        assert asyncio.run(get()).json()["error"]["message"] == "typed"


def test_client_reads_the_last_event() -> None:
    """A stream that fails is signalled while it is read: no request raises it, now or later."""
    client = Client()
    with override_settings(**Project(Streams(ValueError, b"data: 1\n\n", kind=SSE)).all_settings()):
        response: Any = client.get("/x")
        assert b"event: error" in b"".join(response.streaming_content)
        again: Any = client.get("/x")
        assert again.status_code == 200
        again.close()


@each_asgi_stack
@views(async_bug=async_bug, typed=typed, fine=fine, refused=refused)
def test_no_thread_hop(stack: Stack, view: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under ASGI, as many calls hop to a thread as without the middleware."""
    hops: list[object] = []
    called = SyncToAsync.__call__

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        hops.append(self.func)
        return called(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    counts: list[int] = []
    for ours in (True, False):
        hops.clear()
        with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False):
            (stack if ours else STACKS[2]).ask(Project(view), ours=ours)
        counts.append(len(hops))
    # An error that Django would make a 500 of is answered in one hop less.
    assert counts[0] <= counts[1]


class Source:
    """A source of a stream that fails at once."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> bytes:
        raise ValueError("secret")

    def close(self) -> None:
        """Be closed."""
        self.closed += 1


@pytest.mark.parametrize("raising", [True, False])
def test_client_and_a_stream_that_fails_first(*, raising: bool) -> None:
    """Its answer is no stream: it is closed whoever raises, and has a content."""
    source = Source()
    view = returns(lambda: StreamingHttpResponse(cast("Any", source)))  # Django says bytes
    finished: list[object] = []

    def note(**_kwargs: object) -> None:
        finished.append(current_request_id())

    request_finished.connect(note)
    try:
        with override_settings(**Project(view).all_settings()):
            if raising:
                with pytest.raises(ValueError, match="secret"):
                    Client().get("/x")
            else:
                answer = Client(raise_request_exception=False).get("/x")
                assert answer.json()["error"]["code"] == "internal"
    finally:
        request_finished.disconnect(note)
    assert (source.closed, len(finished), current_request_id()) == (1, 1, None)


def test_stream_that_fails_first_in_debug() -> None:
    """In debug, a browser sees Django's page of the very exception."""
    view = returns(lambda: StreamingHttpResponse(cast("Any", Source())))  # likewise
    with override_settings(**Project(view, settings={"DEBUG": True}).all_settings()):
        client = Client(raise_request_exception=False)
        answer = client.get("/x", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert b"<h1>ValueError" in answer.content

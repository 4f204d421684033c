"""The SDK of the Model Context Protocol: its client reads the server's own errors, not ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest
from fastapi import FastAPI

pytest.importorskip("mcp", reason="its pydantic is newer than the oldest one that is tested")

from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.types import INVALID_PARAMS, INVALID_REQUEST

from kaiko_fastapi import install
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.client.client import ConnectMode

    Step = Callable[[Client, httpx2.AsyncClient], Awaitable[object]]

URL = "http://127.0.0.1:8000/mcp"


def ask(step: Step, mode: ConnectMode, config: Config | None = None) -> MCPError:
    """Return the error that a client's step meets on a server with the toolkit on."""
    server = MCPServer("orders")

    @server.resource("orders://{number}")
    async def order(number: str) -> str:
        raise ResourceNotFoundError(f"There is no order {number}")

    @server.tool()
    async def cancel(number: int) -> str:
        raise MCPError(INVALID_PARAMS, f"There is no order {number}", {"uri": f"orders://{number}"})

    app = FastAPI()
    app.mount("/", server.streamable_http_app(json_response=True))
    install(app, Config() if config is None else config)

    async def run() -> MCPError:
        transport = httpx2.ASGITransport(app)
        async with (
            server.session_manager.run(),
            httpx2.AsyncClient(transport=transport) as http,
            Client(streamable_http_client(URL, http_client=http), mode=mode) as client,
        ):
            with pytest.raises(MCPError) as raised:
                await step(client, http)
            return raised.value

    return asyncio.run(run())


async def call_after_the_session_is_gone(client: Client, http: httpx2.AsyncClient) -> None:
    """End the session behind the client's back, as a restart of the server does."""
    http.event_hooks["request"].append(forget_session)
    await client.list_tools()


async def forget_session(request: httpx2.Request) -> None:
    """Have the server know nothing of the session."""
    if "mcp-session-id" in request.headers:
        request.headers["mcp-session-id"] = "0" * 32


async def read_resource(client: Client, _http: httpx2.AsyncClient) -> None:
    """Read a resource that is not there."""
    await client.read_resource("orders://7")


async def call_tool(client: Client, _http: httpx2.AsyncClient) -> None:
    """Call a tool that needs it."""
    await client.call_tool("cancel", {"number": 7})


def test_a_session_that_is_gone() -> None:
    """The client is told so by its server, with the code that makes it begin another."""
    error = ask(call_after_the_session_is_gone, "legacy")
    assert (error.code, error.message) == (INVALID_REQUEST, "Session not found")


@pytest.mark.parametrize("step", [read_resource, call_tool])
def test_a_resource_that_is_not_there(step: Step) -> None:
    """The client gets the code, the text and the resource's address."""
    error = ask(step, "auto")
    assert (error.code, error.message) == (INVALID_PARAMS, "There is no order 7")
    assert error.data == {"uri": "orders://7"}


def test_the_client_needs_them() -> None:
    """Of an answer in another shape it makes an error up: so what the toolkit keeps matters."""
    error = ask(read_resource, "auto", Config(keep_protocol_errors=False))
    assert "order" not in error.message

"""gql: its client shows GraphQL's own errors, with their places in the query."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import build_schema, graphql
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kaiko_starlette import install

if TYPE_CHECKING:
    from starlette.requests import Request

SCHEMA = build_schema("type Query { order: String }")


async def answer(request: Request) -> Response:
    """Answer a query by GraphQL over HTTP: 400 where it was not executed."""
    result = await graphql(SCHEMA, (await request.json())["query"])
    kind = "application/graphql-response+json"
    return JSONResponse(result.formatted, 400 if result.data is None else 200, media_type=kind)


app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])
install(app)


async def ask(query: str) -> object:
    """Send a query, which gql itself does not look into."""
    http = httpx2.ASGITransport(app)
    transport = HTTPXAsyncTransport("http://shop.test/graphql", transport=http)
    async with Client(transport=transport) as session:
        return await session.execute(GraphQLRequest(query))


def test_a_query_that_is_refused() -> None:
    """The developer sees what is wrong, and where."""
    with pytest.raises(TransportQueryError) as raised:
        asyncio.run(ask("{ orders }"))
    assert raised.value.errors is not None
    [error] = raised.value.errors
    assert error["message"] == "Cannot query field 'orders' on type 'Query'. Did you mean 'order'?"
    assert error["locations"] == [{"line": 2, "column": 3}]  # gql writes it anew


def test_a_query_that_is_not() -> None:
    """The server does answer."""
    assert asyncio.run(ask("{ order }")) == {"order": None}

"""Calling upstreams: retries that make sense, and typed errors.

>>> from kaiko_httpx import Client
>>> client = Client("billing", base_url="https://billing.example")

`Client` and `AsyncClient` are httpx2 clients with a retrying transport. `RetryTransport` and
`AsyncRetryTransport` go into any httpx2 client, including that of an LLM SDK. The transports in
`kaiko_httpx.httpx0` go into a client of httpx 0.28. Implements section 11 of the V2 contract.
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_httpx", "httpx2", "stamina", "anyio")

from kaiko_httpx._budget import RetryBudget
from kaiko_httpx._client import AsyncClient, Client
from kaiko_httpx._policy import Reason, RetryEvent, RetryPolicy
from kaiko_httpx._transports import AsyncRetryTransport, RetryTransport

__all__ = [
    "AsyncClient",
    "AsyncRetryTransport",
    "Client",
    "Reason",
    "RetryBudget",
    "RetryEvent",
    "RetryPolicy",
    "RetryTransport",
]

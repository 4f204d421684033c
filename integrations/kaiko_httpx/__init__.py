"""Calling upstreams well: retries that make sense, and typed errors back.

>>> from kaiko_httpx import Client
>>> client = Client("billing", base_url="https://billing.example")

`Client` and `AsyncClient` are httpx2's with a retrying transport inside; `RetryTransport`
and `AsyncRetryTransport` go into any httpx2 client, an LLM SDK's included, and those of
`kaiko_httpx.httpx0` into one of httpx 0.28. Implements section 11 of the V2 contract.
"""

from __future__ import annotations

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

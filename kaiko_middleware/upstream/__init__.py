"""Upstreams: what another service's failure means for our own callers.

>>> from kaiko_middleware.upstream import Upstream
>>> provider = Upstream("openai", trust="llm")
>>> error = provider.error_from_response(401, {}, b'{"error": {"code": "invalid_api_key"}}')
>>> error.status, error.code, error.retryable
(500, 'internal', False)

The refused key is ours, not the caller's: an operator must act, and the caller learns nothing
else. `with provider.translate():` does the same for exceptions of a client library. Implements
section 10 of the V2 contract.
"""

from __future__ import annotations

from kaiko_middleware.errors import Category, UpstreamDetails

from ._stream import StreamWatch
from ._tokens import Credential, Expects, Trust
from ._upstream import Upstream

__all__ = [
    "Category",
    "Credential",
    "Expects",
    "StreamWatch",
    "Trust",
    "Upstream",
    "UpstreamDetails",
]

"""The archive: another service with this contract, which keeps expired contexts.

Its errors are written for our callers, so `trust="peer"` passes them unchanged. Only its errors
about the key stay here: we call the archive with our own key.
"""

from __future__ import annotations

import re
import weakref
from typing import TYPE_CHECKING, Protocol

from kaiko_demo.calling import Nobody, client
from kaiko_demo.errors import ContextNotFound
from kaiko_demo.schemas import ContextView
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from kaiko_httpx import Client

__all__ = ["Archive", "DownArchive", "HttpArchive"]

_UPSTREAM = Upstream("archive", trust="peer")
_NAME = re.compile(r"ctx_[a-z0-9_]{1,60}", re.ASCII)


class Archive(Protocol):
    """A store of expired contexts."""

    def context(self, context_id: str, /) -> ContextView:
        """Return the context with this name."""
        ...


class HttpArchive:
    """The archive, called over HTTP.

    Arguments:
        url: Where it is.
        key: Our key there.
    """

    def __init__(self, url: str, *, key: str) -> None:
        self._client: Client = client(_UPSTREAM, url, {"x-api-key": key})
        weakref.finalize(self, self._client.close)

    def context(self, context_id: str, /) -> ContextView:
        """Return the context with this name.

        Raises:
            ContextNotFound: 404 if this cannot be a context's name. It must not become another
                path of the archive.
            KaikoError: What the archive raised, except errors about our key.
        """
        if _NAME.fullmatch(context_id) is None:
            raise ContextNotFound("A context's name is written like 'ctx_1'")
        answer = self._client.get(f"/v2/contexts/{context_id}")
        return ContextView.model_validate_json(answer.content)


class DownArchive(HttpArchive):
    """An archive that is down: its address refuses every connection."""

    def __init__(self) -> None:
        self._nobody = Nobody()
        super().__init__(self._nobody.url, key="")

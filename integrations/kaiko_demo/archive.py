"""The archive: another service with this contract, which keeps what has expired here.

Its errors are written for our own callers' eyes, so `trust="peer"` lets them pass as they
are. Only what it says about the key is about us: we call it with a key of our own.
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
    """Wherever contexts are kept that have expired."""

    def context(self, context_id: str, /) -> ContextView:
        """The context of this name."""
        ...


class HttpArchive:
    """The archive behind HTTP.

    Arguments:
        url: Where it is.
        key: Our key there.
    """

    def __init__(self, url: str, *, key: str) -> None:
        self._client: Client = client(_UPSTREAM, url, {"x-api-key": key})
        weakref.finalize(self, self._client.close)

    def context(self, context_id: str, /) -> ContextView:
        """The context of this name.

        Raises:
            ContextNotFound: 404 where it can be no context's name: what a caller writes
                becomes no other path of the archive.
            KaikoError: What the archive raised, but for what is about our key.
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

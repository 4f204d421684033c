"""The language models: a dependency that the service does not run itself, and that can be down.

`HttpLlm` asks over HTTP, with the standard library alone. The demo is served with
`DownLlm`, so that its 503 comes from a connection that really was refused.
"""

from __future__ import annotations

import http.client
import json
import socket
import weakref
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from kaiko_middleware import ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kaiko_demo.schemas import Message

__all__ = ["DownLlm", "HttpLlm", "Llm"]


class Llm(Protocol):
    """Whatever can continue a conversation."""

    def reply(self, model: str, messages: Sequence[Message], /) -> str:
        """What the model says next."""
        ...


class _Reply(BaseModel):
    reply: str


class HttpLlm:
    """A language model behind HTTP.

    Arguments:
        host: Where it is.
        port: Where it is.
        timeout: Seconds to wait for it.
        retry_after: Seconds after which a caller may try again when it is down.
    """

    def __init__(
        self, host: str, port: int, *, timeout: float = 30.0, retry_after: int = 5
    ) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout
        self._retry_after = retry_after

    def reply(self, model: str, messages: Sequence[Message], /) -> str:
        """What the model says next.

        Raises:
            ServiceUnavailableError: 503 where it cannot be reached.
        """
        body = json.dumps({"model": model, "messages": [m.model_dump() for m in messages]})
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request("POST", "/replies", body.encode())
            return _Reply.model_validate_json(connection.getresponse().read()).reply
        except (OSError, http.client.HTTPException) as exc:
            raise ServiceUnavailableError(
                "The language model is not reachable at the moment",
                retry_after=self._retry_after,
            ) from exc
        finally:
            connection.close()


class DownLlm(HttpLlm):
    """A language model that is down: its address refuses every connection.

    A port that is merely free could be given to another program; one that is bound but
    does not listen stays refused for as long as this object lives.
    """

    def __init__(self) -> None:
        nobody = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        weakref.finalize(self, nobody.close)
        nobody.bind(("127.0.0.1", 0))
        super().__init__(*nobody.getsockname())

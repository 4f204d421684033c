"""What the layers of one request tell each other: one record, made when a layer has news.

A request can pass several layers of the toolkit: a middleware, a framework's handlers, the
middleware of a mounted application, a layer around all of Django. The record is kept where
no client can put anything: in the state of an ASGI scope, or in the WSGI environ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .safe_exception import cause_of, leaves
from .unwrap import underlying

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any

    from .errors import KaikoError
    from .render import Reply

__all__ = ["COVERED", "ENVIRON_ID", "LAYERS", "PASS_THROUGH", "REQUEST_ID", "Layers", "layers_of"]

REQUEST_ID = "kaiko_request_id"
"""The key of the request id, for whoever runs outside of our middleware."""
ENVIRON_ID = "kaiko.request_id"
"""The same, in a WSGI environ."""
LAYERS = "kaiko_layers"
"""The key of the record."""
PASS_THROUGH = "kaiko_passthrough"  # noqa: S105 - no password
"""The key by which a service lets one error answer through as it is."""
COVERED = "kaiko_covered"
"""The key of what was found: in a scope by the configuration, in an environ the layers that it is
not for, on Django's request False if it is not ours."""


class Layers:
    """The news of one request.

    Arguments:
        request_id: the request's id; a record of another request is not believed.

    """

    # Defaults of the class: most records have one or two news.
    reply: Reply | None = None
    """What an inner layer answered, and reported."""
    error: KaikoError | None = None
    """What that answer was rendered from, if a framework sends it with headers of its own."""
    sent: object = None
    """The header fields of that answer in the form that the layer sent."""
    left_alone: bool = False
    """An inner layer lets its error answer pass as it is."""
    passed: BaseException | None = None
    """An unmapped exception that an inner layer left for an outer one to answer."""
    span: object | None = None
    """OpenTelemetry's span that was current when an exception first `passed`."""
    inner: tuple[Any, ...] = ()
    """What the inner layers that `passed` went through put on an answer."""
    reported: BaseException | None = None
    """The exception that an inner layer reported and raised again.

    The reference keeps its frames alive: the outermost layer drops the record, or calls
    `forget`."""
    promised: tuple[tuple[str, str], ...] = ()
    """Header fields that belong on whatever is answered to an exception, such as a limit's."""
    exit_taker: Callable[[BaseException], object] | None = None
    """Takes an exception that ends the process, to be raised once the request is answered."""

    def __init__(self, request_id: str) -> None:
        self.request_id: str = request_id

    def take_error(self, status: int) -> KaikoError | None:
        """Return, once, what an answer is rendered from that a framework sends with `status`."""
        error, self.error = self.error, None
        same = self.reply is not None and self.reply.status == status
        return error if same else None

    def was_reported(self, exc: BaseException) -> bool:
        """Whether an inner layer reported `exc`, or what a framework made it of."""
        if self.reported is None:
            return False
        told = list(leaves(self.reported))
        # A framework that finds the answer started raises another exception from what it caught.
        caught = cause_of(exc) if type(exc) is RuntimeError else underlying(exc)
        return any(
            all(any(leaf is each for each in told) for leaf in leaves(raised))
            for raised in (exc, caught)
            if raised is not None
        )

    def forget(self) -> None:
        """Drop the references to exceptions."""
        self.reported = self.passed = self.span = None
        self.inner = ()


def layers_of(store: MutableMapping[str, Any], request_id: str) -> Layers:
    """Return the record of a request, made where there is none.

    Arguments:
        store: the scope's state, or the environ.
        request_id: the request's id.

    """
    found: object = store.get(LAYERS)
    if isinstance(found, Layers) and found.request_id == request_id:
        return found
    made = store[LAYERS] = Layers(request_id)
    return made

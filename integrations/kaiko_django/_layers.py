"""What the layers of one request tell each other: the middleware and what wraps Django.

An outer layer (our application wrapper, or the ASGI middleware of an application that Django
is mounted in) leaves the id; the middleware leaves what it answered, so that the answer is
neither parsed nor reported again. Keys of ours stand in the WSGI environ and in the state of
the ASGI scope, where no client can put anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.handlers.asgi import ASGIRequest

from kaiko_middleware import current_request_id

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kaiko_middleware import Reply

__all__ = [
    "ENVIRON_ID",
    "ENVIRON_PASS",
    "ENVIRON_REPLY",
    "STATE_EXIT",
    "hand_out",
    "leave_alone",
    "leave_reply",
    "outer_id",
]

ENVIRON_ID = "kaiko.request_id"
"""The key of the WSGI environ under which the request id stands."""
ENVIRON_REPLY = "kaiko.reply"
"""The key under which the middleware says what it answered."""
ENVIRON_PASS = "kaiko.passthrough"  # noqa: S105 - no password
"""The key under which it says that an error answer is to be left alone."""
STATE_EXIT = "kaiko_exit"
"""The key of the ASGI scope's state under which a wrapper takes what ends the process."""
_STATE_ID = "kaiko_request_id"
_STATE_REPLY = "kaiko_reply"
_STATE_PASS = "kaiko_passthrough"  # noqa: S105 - no password


def outer_id(request: HttpRequest) -> str | None:
    """Return the id that an outer layer of the toolkit gave to the request, if there is one."""
    if isinstance(request, ASGIRequest):
        state: dict[str, object] | None = request.scope.get("state")
        found = None if state is None else state.get(_STATE_ID)
    else:
        found = request.META.get(ENVIRON_ID)
    # It is the current one, too; what a server left of another request's state is not.
    if isinstance(found, str) and found == current_request_id():
        return found
    return None


def hand_out(request: HttpRequest, exc: BaseException) -> bool:
    """Have the wrapper raise `exc` once the request is answered; False where there is none."""
    scope: dict[str, dict[str, object]] = getattr(request, "scope", {})
    take = scope.get("state", {}).get(STATE_EXIT)
    if not callable(take):
        return False
    take(exc)
    return True


def leave_reply(request: HttpRequest, reply: Reply) -> None:
    """Tell outer layers what is answered here."""
    _leave(request, ENVIRON_REPLY, _STATE_REPLY, reply)


def leave_alone(request: HttpRequest) -> None:
    """Tell outer layers that the error answer of this request passes as it is."""
    _leave(request, ENVIRON_PASS, _STATE_PASS, True)


def _leave(request: HttpRequest, environ_key: str, state_key: str, value: object) -> None:
    if isinstance(request, ASGIRequest):
        state: dict[str, object] | None = request.scope.get("state")
        if state is not None:
            state[state_key] = value
    else:
        request.META[environ_key] = value

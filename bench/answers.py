"""What the services answer: the same on every framework, and how an author writes it by hand."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

MISSING = "Context 'ctx_1' has expired"


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


def by_hand(status: int) -> tuple[dict[str, object], dict[str, str]]:
    """Return body and headers of the contract's answer as a careful author writes them.

    Arguments:
        status: 404 for the missing context, 500 for a bug.

    """
    request_id = f"req-{secrets.token_hex(5)}"
    headers = {
        "X-Request-ID": request_id,
        "X-Should-Retry": "true" if status >= 500 else "false",
        "Cache-Control": "no-store",
    }
    return body_by_hand(status, request_id), headers


def body_by_hand(status: int, request_id: str) -> dict[str, object]:
    """Return the body alone."""
    error: dict[str, object] = {
        "type": "not_found_error",
        "code": "context_not_found",
        "message": MISSING,
        "param": "context_id",
        "request_id": request_id,
    }
    if status >= 500:
        error |= {
            "type": "server_error",
            "code": "internal",
            "message": "Unexpected server error",
            "param": None,
        }
    return {"error": error}


def fail(frames: int = 4) -> dict[str, str]:
    """Raise what nobody foresaw, some frames deep."""
    if frames:
        return fail(frames - 1)
    contexts: dict[str, dict[str, str]] = {}
    return contexts["ctx_1"]


def check(name: str, found: object, expected: int) -> None:
    """Refuse to measure another answer than the one that is meant."""
    if found != expected:
        msg = f"{name} answers {found}, not {expected}"
        raise RuntimeError(msg)


def check_envelope(
    name: str,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    expected: tuple[str, str, str | None],
) -> None:
    """Refuse to compare answers that are not the contract's envelope.

    Arguments:
        name: what is asked.
        headers: those of the answer.
        body: its body.
        expected: type, code and param.

    """
    error = json.loads(body)["error"]
    found = (error["type"], error["code"], error["param"])
    names = {key.lower() for key, _ in headers}
    missing = {b"x-request-id", b"x-should-retry", b"cache-control"} - names
    if found != expected or set(error) != _MEMBERS or missing:
        msg = f"{name} answers {error}, without {missing or 'a missing header'}"
        raise RuntimeError(msg)


_MEMBERS = {"type", "code", "message", "param", "request_id"}

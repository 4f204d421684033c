"""One of our middlewares inside of another one: one answer, one record."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from adapters.asgi.apps import error_of, kaiko, raises, said, sends
from adapters.asgi.server import ask, connect
from kaiko_middleware import ConflictError

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp


def test_a_typed_error_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The outer one knows the inner one's answer when it sees the head."""
    caplog.set_level(logging.INFO)
    answer = ask(kaiko(kaiko(raises(ConflictError))))
    assert error_of(answer)["code"] == "conflict"
    assert len(said(caplog)) == 1


@pytest.mark.parametrize(
    ("app", "code"),
    [
        (raises(ConflictError), "conflict"),
        (sends({"type": "websocket.close"}), "permission_denied"),
    ],
    ids=["typed", "closed"],
)
def test_a_denial_is_logged_once(app: ASGIApp, code: str, caplog: pytest.LogCaptureFixture) -> None:
    """Likewise."""
    caplog.set_level(logging.INFO)
    denial = connect(kaiko(kaiko(app))).denial
    assert denial is not None
    assert error_of(denial)["code"] == code
    assert len(said(caplog)) == 1

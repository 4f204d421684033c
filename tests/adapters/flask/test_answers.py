"""Errors from everywhere in a Flask application, and who answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    InternalServerError,
    SecurityError,
    ServiceUnavailable,
)

from adapters.flask.support import (
    INTERNAL,
    SoldOut,
    StockError,
    ask_error,
    make_app,
    mapping,
    raising,
)
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Callable

SOLD_OUT = (409, "flask_sold_out", "sku", "All gone")
MAPPED = (409, "flask_sold_out", "sku", "Mapped")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: SoldOut("All gone"), SOLD_OUT),
        (StockError, MAPPED),
        (lambda: StockError("unknown"), INTERNAL),
        (lambda: ExceptionGroup("g", [SoldOut("All gone")]), SOLD_OUT),
        (lambda: KeyError("kaiko_secret"), INTERNAL),
        (TimeoutError, (503, "timeout", None, "The operation timed out")),
        (lambda: BadRequest("The name is taken"), (400, "bad_request", None, "The name is taken")),
        (BadRequest, (400, "bad_request", None, "The request is invalid")),
        (
            lambda: Forbidden("Forbidden"),
            (403, "permission_denied", None, "The API key does not permit this"),
        ),
        (
            lambda: ServiceUnavailable("db-7 is down"),
            (503, "service_unavailable", None, "The service is temporarily unavailable"),
        ),
        (lambda: InternalServerError("secret"), INTERNAL),
        (
            lambda: SecurityError("Host 'x' is not trusted"),
            (400, "invalid_host", None, "The Host header is not allowed"),
        ),
    ],
)
def test_raised(make: Callable[[], Exception], expected: tuple[object, ...]) -> None:
    """What a view raises has the status, the code and the text of the contract."""
    assert ask_error(raising(make_app(Config(mapping=mapping())), make)) == expected

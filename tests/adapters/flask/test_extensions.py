"""Extensions that answer errors of their own, or keep answers: each set up before and after us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask_caching import Cache
from flask_cors import CORS
from flask_jwt_extended import JWTManager, jwt_required
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect

from adapters.flask.support import INTERNAL, ask_error, error_of
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    Extend = Callable[[Any], None]

pytestmark = pytest.mark.parametrize("first", [True, False], ids=["installed first", "later"])
KEY = "a key of 32 octets, which is enough"


def made(extend: Extend, *, first: bool) -> Flask:
    """Return an application with an extension, installed before or after it."""
    app = Flask("extended")
    app.config.update(SECRET_KEY=KEY, JWT_SECRET_KEY=KEY, CACHE_TYPE="SimpleCache")
    if first:
        install(app)
    extend(app)
    if not first:
        install(app)
    return app


def csrf(app: Any) -> None:
    CSRFProtect(app)
    app.add_url_rule("/x", view_func=lambda: "fine", methods=["POST"])


def limited(app: Any) -> None:
    limiter = Limiter(lambda: "all", app=app, storage_uri="memory://", headers_enabled=True)
    app.add_url_rule("/x", view_func=limiter.limit("0/hour")(lambda: "fine"), endpoint="x")


def tokens(app: Any) -> None:
    JWTManager(app)
    app.add_url_rule("/x", view_func=jwt_required()(lambda: "fine"), endpoint="x")


@pytest.mark.parametrize(
    ("extend", "request_", "told", "kept"),
    [
        (
            csrf,
            {"method": "POST"},
            (400, "bad_request", None, "The CSRF token is missing."),
            (),
        ),
        (
            limited,
            {},
            (429, "too_many_requests", None, "0 per 1 hour"),
            ("x-ratelimit-limit", "retry-after"),
        ),
        (tokens, {}, (401, "invalid_api_key", None, "Missing Authorization Header"), ()),
        (
            tokens,
            {"headers": [("Authorization", "Bearer no.token")]},
            (422, "invalid_value", None, "Not enough segments"),
            (),
        ),
    ],
    ids=["Flask-WTF", "Flask-Limiter", "Flask-JWT-Extended", "Flask-JWT-Extended, no token"],
)
def test_what_an_extension_refuses(
    extend: Extend,
    request_: dict[str, Any],
    told: tuple[Any, ...],
    kept: tuple[str, ...],
    first: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Its reason is the message, and its header fields stay."""
    app = made(extend, first=first)
    answer = ask_wsgi(app, "/x", **request_)
    error = error_of(answer)
    assert (answer.status, error["code"], error["param"], error["message"]) == told
    assert all(answer.one(name) for name in kept)


def test_cors_fields_are_on_every_error(first: bool) -> None:  # noqa: FBT001 - likewise
    """Of a bug, a typed error and the router."""

    def extend(app: Any) -> None:
        def typed() -> str:
            raise NotFoundError("No such cup")

        CORS(app)
        app.add_url_rule("/bug", view_func=lambda: 1 / 0, endpoint="bug")
        app.add_url_rule("/typed", view_func=typed)

    app = made(extend, first=first)
    for path, told in (
        ("/bug", INTERNAL),
        ("/typed", (404, "not_found", None, "No such cup")),
        ("/none", (404, "not_found", None, "The resource was not found")),
    ):
        headers = [("Origin", "https://shop.example")]
        answer = ask_wsgi(app, path, headers=headers)
        error = error_of(answer)
        assert (answer.status, error["code"], error["param"], error["message"]) == told
        assert answer.one("access-control-allow-origin") == "https://shop.example"


def test_what_is_kept_has_no_id(first: bool) -> None:  # noqa: FBT001 - likewise
    """An answer out of a cache, a success or an error, has the id of the request that gets it."""
    asked: list[str] = []

    def extend(app: Any) -> None:
        cache = Cache(app)

        def fine() -> str:
            asked.append("fine")
            return "fine"

        def error() -> tuple[dict[str, str], int]:
            asked.append("error")
            return {"error": "of a team's own"}, 404

        app.add_url_rule("/fine", view_func=cache.cached()(fine), endpoint="fine")
        kept = cache.cached(response_filter=lambda _response: True)(error)
        app.add_url_rule("/error", view_func=kept, endpoint="error")

    app = made(extend, first=first)
    assert len({ask_wsgi(app, "/fine").id for _ in range(2)} - {None}) == 2
    ids = {error_of(ask_wsgi(app, "/error"))["request_id"] for _ in range(2)}
    assert len(ids) == 2
    assert ask_error(app, "/error")[:2] == (404, "not_found")
    assert asked == ["fine", "error"]

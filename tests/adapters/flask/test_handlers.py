"""The service's own error handlers: obeyed, and called once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Blueprint, Flask, abort, request
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound

from adapters.asgi.apps import records_of
from adapters.flask.support import (
    INTERNAL,
    SoldOut,
    StockError,
    add,
    ask_error,
    error_of,
    make_app,
    mapping,
)
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_middleware import (
    Config,
    ConflictError,
    ExceptionMapping,
    KaikoError,
    current_request_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.asgi.server import Answer


class Handler:
    """An error handler that counts its calls."""

    def __init__(self, answer: Any = ("Own words", 418)) -> None:
        self.answer = answer
        self.seen: list[Exception] = []

    def __call__(self, exc: Exception) -> Any:
        self.seen.append(exc)
        return exc if self.answer is None else self.answer


def raising(exc: Callable[[], Exception]) -> Callable[[], str]:
    def view() -> str:
        raise exc()

    return view


def ask(
    raised: Callable[[], Exception],
    key: Any,
    handler: Any,
    *,
    later: bool = True,
    config: Config | None = None,
    **settings: Any,
) -> Answer:
    app = Flask("service")
    app.config.update(settings)
    if not later:
        app.register_error_handler(key, handler)
    install(app, Config(mapping=mapping()) if config is None else config)
    if later:
        app.register_error_handler(key, handler)
    return ask_wsgi(add(app, "/x", raising(raised)), "/x")


@pytest.mark.parametrize("later", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("raised", "key"),
    [
        (SoldOut, SoldOut),
        (SoldOut, ConflictError),
        (SoldOut, KaikoError),
        (StockError, StockError),
        (NotFound, NotFound),
        (NotFound, 404),
        (NotFound, HTTPException),
        (NotFound, Exception),
        (LookupError, LookupError),
        (LookupError, Exception),
        (LookupError, 500),
        (LookupError, InternalServerError),
        (LookupError, HTTPException),
        (TimeoutError, 500),
        (TimeoutError, Exception),
        (lambda: StockError("unknown"), Exception),
        (lambda: StockError("unknown"), 500),
    ],
)
def test_it_is_obeyed(raised: Any, key: Any, later: bool) -> None:  # noqa: FBT001 - a parameter
    """Registered before or after; its answer is rewritten as any other."""
    handler = Handler()
    answer = ask(raised, key, handler, later=later)
    assert (answer.status, error_of(answer)["message"]) == (418, "Own words")
    assert len(handler.seen) == 1
    assert answer.raised is None


@pytest.mark.parametrize(("raised", "code"), [(SoldOut, "Sold"), (StockError, "Mapped")])
@pytest.mark.parametrize("key", [Exception, 500, HTTPException])
def test_what_is_mapped_is_more_than_everything(raised: Any, code: str, key: Any) -> None:
    """A handler of everything is not asked for what has an answer."""
    handler = Handler()
    answer = ask(raised, key, handler)
    assert answer.status == 409
    assert handler.seen == []
    assert code in {"Sold", error_of(answer)["message"]}


def test_it_is_asked_within_its_blueprint() -> None:
    """By Flask's rules: one of everything in a blueprint comes before ours of the application."""
    app = make_app(Config(mapping=mapping()))
    handler = Handler()
    blueprint = Blueprint("b", "b")
    for path, exc in ("/typed", SoldOut), ("/missing", NotFound):
        blueprint.add_url_rule(path, endpoint=path[1:], view_func=raising(exc))
    blueprint.register_error_handler(Exception, handler)
    app.register_blueprint(blueprint)
    add(app, "/outside", raising(SoldOut))
    assert ask_error(app, "/typed")[3] == "Own words"
    assert ask_error(app, "/missing")[3] == "Own words"
    assert ask_error(app, "/outside")[1] == "flask_sold_out"
    assert len(handler.seen) == 2


def test_one_that_returns_the_exception() -> None:
    """As Flask's documentation does for HTTP exceptions: the answer is as precise as without it."""
    handler = Handler(None)
    answer = ask(lambda: NotFound("No such cup"), Exception, handler)
    assert (answer.status, error_of(answer)["message"]) == (404, "No such cup")
    assert len(handler.seen) == 1


def test_one_that_fails() -> None:
    """What it raises is answered: a typed error, or a bug."""

    def typed(_exc: Exception) -> None:
        raise SoldOut("All gone")

    def broken(_exc: Exception) -> None:
        raise ZeroDivisionError

    assert ask(LookupError, LookupError, typed).status == 409
    assert ask(LookupError, LookupError, broken).status == 500
    answer = ask(LookupError, 500, typed)
    assert (answer.status, error_of(answer)["message"]) == (409, "All gone")
    answer = ask(LookupError, 500, broken)
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, ZeroDivisionError)


def test_one_that_is_asynchronous() -> None:
    """Flask awaits it."""

    async def handler(_exc: Exception) -> tuple[str, int]:
        return "Own words", 418

    config = Config(mapping=mapping())
    for raised in NotFound, LookupError, (lambda: StockError("unknown")):
        answer = ask(raised, Exception, handler, config=config)
        assert (answer.status, error_of(answer)["message"]) == (418, "Own words")


def test_the_last_resort_may_answer_well() -> None:
    """Its success is left alone, with the id."""
    answer = ask(LookupError, 500, Handler(("never mind", 200)))
    assert (answer.status, answer.body) == (200, b"never mind")
    assert answer.id


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("secret", 500), (500, "internal", INTERNAL[3])),
        (("secret", 503), (503, "service_unavailable", None)),
        ((iter(["a", "b"]), 500), (500, "internal", None)),
    ],
)
def test_the_last_resorts_answer_is_rewritten(
    given: Any, expected: tuple[object, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """With the exception in our record."""
    bug = LookupError()
    answer = ask(lambda: bug, 500, Handler(given))
    error = error_of(answer)
    assert (answer.status, error["code"]) == expected[:2]
    (record,) = records_of(caplog)
    assert (record.name, record.levelname) == ("kaiko.unmapped", "ERROR")
    assert (record.exc_info or (None, None))[1] is bug


def test_the_last_resort_may_answer_what_no_server_sends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """That is a bug of its own."""
    answer = ask(LookupError, 500, Handler(("Own words", 999)))
    assert (answer.status, error_of(answer)["code"]) == INTERNAL[:2]
    (record,) = records_of(caplog)
    assert "999" in record.getMessage()


def test_the_last_resorts_answer_is_let_through(caplog: pytest.LogCaptureFixture) -> None:
    """Where it says so. Flask logs the bug, and nothing is said of the answer."""

    def handler(_exc: Exception) -> tuple[str, int]:
        request.environ["kaiko_passthrough"] = True
        return "as it is", 500

    assert ask(LookupError, 500, handler).body == b"as it is"
    config = Config(rewrite_answers=False)
    assert ask(LookupError, 500, Handler(("own", 500)), config=config).body == b"own"
    assert records_of(caplog) == []


def test_answers_are_left_alone_without_rewriting() -> None:
    """`rewrite_answers=False`: the service's answers stay, bugs and typed errors are envelopes."""
    config = Config(rewrite_answers=False)
    answer = ask(LookupError, 500, Handler(), config=config)
    assert (answer.status, answer.body) == (418, b"Own words")
    app = make_app(config)
    add(app, "/bug", raising(LookupError))
    add(app, "/typed", raising(SoldOut))
    add(app, "/missing", raising(NotFound))
    add(app, "/own", lambda: ("gone", 410))
    assert ask_error(app, "/bug") == INTERNAL
    assert ask_error(app, "/typed")[0] == 409
    assert ask_error(app, "/missing")[1] == "not_found"
    assert ask_wsgi(app, "/own").body == b"gone"


def test_a_mapping_of_every_exception() -> None:
    """It is asked of what has no other mapping, and Flask is told of no bug."""
    made = ExceptionMapping()
    made.register(Exception, lambda _: SoldOut("Mapped"))
    made.register(NotFound, lambda _: SoldOut("Not here"))
    made.register(KeyboardInterrupt, lambda _: SoldOut("Interrupted"))
    app = make_app(Config(mapping=made))
    add(app, "/x", raising(LookupError))
    add(app, "/missing", lambda: abort(404))
    assert ask_error(app, "/x")[3] == "Mapped"
    assert ask_error(app, "/missing")[3] == "Not here"


@pytest.mark.parametrize("raised", [SoldOut, NotFound, LookupError])
def test_a_request_within_a_request(
    raised: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """A client that a view uses closes nothing; the answer and the record have their own id."""
    app = make_app()
    seen: list[str | None] = []
    kept: list[object] = []
    caplog.set_level("INFO", "kaiko")

    def fail() -> str:
        kept.append(app.test_client().get("/inner"))
        seen.append(current_request_id())
        raise raised

    add(app, "/inner", lambda: "fine")
    add(app, "/x", fail)
    answer = ask_wsgi(app, "/x")
    assert error_of(answer)["request_id"] == answer.id
    assert [record.__dict__["request_id"] for record in records_of(caplog)] == [answer.id]
    assert seen == [answer.id]

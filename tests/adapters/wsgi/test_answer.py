"""`KaikoMiddleware.answer`: for frameworks that give exceptions to a handler of the service's."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from adapters.wsgi.server import Server, make_environ
from kaiko_middleware import Config, ConflictError, NotFoundError, ServiceUnavailableError
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from adapters.asgi.server import Answer

OWN = [("Content-Type", "text/html"), ("Set-Cookie", "a=b"), ("Access-Control-Allow-Origin", "*")]


def answering(
    *raised: BaseException, status: int | None = None, config: Config | None = None
) -> KaikoMiddleware:
    """Return an application whose framework has each exception answered, and then answers."""

    def framework(environ: Any, start: Any) -> Any:
        replies = [wrapped.answer(exc, environ) for exc in raised]
        start(f"{replies[-1].status if status is None else status} Said", OWN)
        return [b"<h1>its own</h1>"]

    wrapped = KaikoMiddleware(framework, config)
    return wrapped


def ask(app: Any, path: str = "/v2/x", **request: Any) -> Answer:
    """Serve one request."""
    return Server().serve(app, make_environ(path, **request))


def test_what_was_answered_is_sent_with_the_frameworks_headers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its body goes, and what its middleware added stays."""
    caplog.set_level(logging.INFO)
    error = ConflictError("It is taken", headers={"X-Own": "1"}, param="name")
    answer = ask(answering(error))
    assert (answer.status, answer.raised) == (409, None)
    assert json.loads(answer.body) == {
        "error": {
            "type": "conflict_error",
            "code": "conflict",
            "message": "It is taken",
            "param": "name",
            "request_id": answer.id,
        }
    }
    assert answer.all("x-own") == ["1"]
    assert answer.all("set-cookie") == ["a=b"]
    assert answer.all("content-type") == ["application/json"]
    assert "X-Request-ID" in answer.all("access-control-expose-headers")[0]
    (record,) = caplog.records
    assert (record.levelname, record.__dict__["status"]) == ("INFO", 409)


def test_an_unmapped_exception_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is the framework's to raise it again."""
    bug = ValueError("secret")
    answer = ask(answering(bug))
    assert (answer.status, answer.raised) == (500, None)
    assert json.loads(answer.body)["error"]["message"] == "Unexpected server error"
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[1] is bug


def test_an_answer_to_head_has_no_body() -> None:
    """As any other."""
    answer = ask(answering(NotFoundError()), method="HEAD")
    assert (answer.status, answer.body, answer.raised) == (404, b"", None)


def test_the_last_exception_counts(caplog: pytest.LogCaptureFixture) -> None:
    """A framework's middleware may fail while the first one is answered; both are logged."""
    caplog.set_level(logging.INFO)
    assert ask(answering(NotFoundError(), ConflictError())).status == 409
    assert [record.__dict__["status"] for record in caplog.records] == [404, 409]


def test_who_answers_otherwise_is_obeyed() -> None:
    """Of another status, the framework's answer counts."""
    assert ask(answering(NotFoundError(), status=200)).body == b"<h1>its own</h1>"
    answer = ask(answering(NotFoundError(), status=403))
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (403, "permission_denied")


def test_what_is_raised_is_answered_whatever_is_left_alone() -> None:
    """`rewrite_answers` speaks of what is returned."""
    answer = ask(answering(NotFoundError("Gone"), config=Config(rewrite_answers=False)))
    assert json.loads(answer.body)["error"]["message"] == "Gone"


@pytest.mark.parametrize("within", [False, True], ids=["alone", "within another"])
def test_a_path_that_is_not_covered_gets_its_exception_back(*, within: bool) -> None:
    """Then it goes where it goes without us."""
    error = NotFoundError()
    app: Any = answering(error, config=Config(paths=["/v2"]))
    app = KaikoMiddleware(app) if within else app
    answer = ask(app, "/site")
    if within:
        assert (answer.status, answer.raised) == (404, None)
    else:
        assert (answer.status, answer.raised) == (0, error)


def test_a_path_that_only_the_outer_layer_leaves_out() -> None:
    """The layer that answers covers it."""
    app = KaikoMiddleware(answering(NotFoundError("Gone")), Config(paths=["/v2"]))
    answer = ask(app, "/site")
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (404, "Gone")


def test_an_outer_layer_reports_it_no_second_time(caplog: pytest.LogCaptureFixture) -> None:
    """It knows the answer of the inner one."""
    caplog.set_level(logging.INFO)
    answer = ask(KaikoMiddleware(answering(NotFoundError("Gone"))))
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (404, "Gone")
    assert answer.all("set-cookie") == ["a=b"]
    assert len(caplog.records) == 1


def test_another_applications_answer_in_its_place_is_rewritten() -> None:
    """Also with the same status: a fallback between two layers may fail as well."""

    def failing(_environ: Any, _start: Any) -> Any:
        raise ServiceUnavailableError("The first source is down")

    def falling_back(environ: Any, start: Any) -> Any:
        assert Server().serve(KaikoMiddleware(failing), environ).status == 503
        start("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"no other source"]

    answer = ask(KaikoMiddleware(falling_back))
    assert answer.status == 503
    assert json.loads(answer.body)["error"]["request_id"] == answer.id

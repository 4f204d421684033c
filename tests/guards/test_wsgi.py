"""The guards in front of WSGI applications: alike with and without the envelope middleware."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import pytest

from guards.test_asgi import BROKEN, KEY, REVOKED, UNKNOWN, AsyncKeys, Keys
from guards.test_memory import Clock
from kaiko_guards import ApiKeys, BodyLimit, Deadline, RateLimit, deadline
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import Config, NotFoundError
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.settings_check import ConfigError
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    Stack = Callable[[WSGIApplication, list[Any]], WSGIApplication]


def alone(app: WSGIApplication, guards: list[Any]) -> WSGIApplication:
    return GuardMiddleware(app, guards)


def in_envelope(app: WSGIApplication, guards: list[Any]) -> WSGIApplication:
    return KaikoMiddleware(GuardMiddleware(app, guards))


each_stack = pytest.mark.parametrize("stack", [alone, in_envelope], ids=["alone", "in_envelope"])


def answers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with whose key it was."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(environ.get("kaiko.principal")).encode()]


def ask(
    app: WSGIApplication,
    path: str = "/",
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    length: str | None = None,
    peer: str = "192.0.2.1",
) -> tuple[int, dict[str, str], bytes]:
    """Serve one request; return status, header fields and body."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "REMOTE_ADDR": peer}
    setup_testing_defaults(environ)
    if body is not None:
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = length or ""
    for name, value in (headers or {}).items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    heads: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, fields: Any, _exc_info: Any = None, /) -> Any:
        heads.append((status, fields))

    result: Any = app(environ, start_response)
    with closing(result) if hasattr(result, "close") else closing(io.BytesIO()):
        data = b"".join(result)
    status, fields = heads[-1]
    return int(status[:3]), {name.lower(): value for name, value in fields}, data


def error_of(answer: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    """Return the error of an answer that conforms."""
    status, headers, body = answer
    assert check_answer(status, list(headers.items()), body) == []
    error: dict[str, Any] = json.loads(body)["error"]
    return error


@each_stack
@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "invalid_api_key"),
        (UNKNOWN, 401, "invalid_api_key"),
        (REVOKED, 403, "key_revoked"),
        (BROKEN, 503, "service_unavailable"),
    ],
)
def test_a_request_without_a_valid_key_is_refused(
    stack: Stack, key: str | None, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And the application does not hear of it."""
    app = stack(answers, [ApiKeys(Keys())])
    answer = ask(app, headers={} if key is None else {"x-api-key": key})
    assert (answer[0], error_of(answer)["code"]) == (status, code)
    assert [record.name for record in caplog.records].count("kaiko") == 1


@each_stack
def test_a_valid_key_lets_a_request_through(stack: Stack) -> None:
    """And says whose it is; public paths need none."""
    app = stack(answers, [ApiKeys(Keys(), public=("/health",))])
    assert ask(app, headers={"x-api-key": KEY})[2] == b"billing"
    assert ask(app, "/health")[2] == b"None"


@each_stack
def test_a_limit_tells_what_is_left_and_then_refuses(stack: Stack) -> None:
    """By the address, which the server says."""
    app = stack(answers, [RateLimit("2/minute", by="address", clock=Clock())])
    told = [ask(app) for _ in range(3)]
    assert [each[0] for each in told] == [200, 200, 429]
    assert [each[1]["x-ratelimit-remaining"] for each in told] == ["1", "0", "0"]
    assert told[2][1]["retry-after"] == "30"
    assert ask(app, peer="192.0.2.2")[0] == 200
    assert ask(app, peer="")[0] == 200


@pytest.mark.parametrize(
    ("make", "status"), [(NotFoundError, 404), (ValueError, 500)], ids=["typed", "bug"]
)
def test_an_error_that_is_answered_outside_tells_what_is_left(
    make: type[Exception], status: int
) -> None:
    """The limit governs it as well."""

    def app(*_args: object) -> Iterable[bytes]:
        raise make("secret")

    guarded = KaikoMiddleware(
        GuardMiddleware(app, [RateLimit("2/minute", by="address")]), Config(reraise=False)
    )
    answer = ask(guarded)
    assert answer[0] == status
    assert answer[1]["x-ratelimit-remaining"] == "1"


def test_an_application_that_tells_its_own_limit_is_not_overruled() -> None:
    """A framework's throttle says more of its own than we do."""

    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("X-RateLimit-Limit", "7")])
        return []

    answer = ask(alone(app, [RateLimit("2/minute", by="address")]))
    assert answer[1]["x-ratelimit-limit"] == "7"
    assert "x-ratelimit-remaining" not in answer[1]


def _reader(read: Callable[[Any], object], *, shrugs: bool) -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            read(environ["wsgi.input"])
        except Exception:
            if not shrugs:
                raise
            start_response("400 Bad Request", [])
            return [b"unreadable"]
        start_response("200 OK", [])
        return [b"read"]

    return app


READS: dict[str, Callable[[Any], object]] = {
    "read": lambda stream: stream.read(),
    "read(None)": lambda stream: stream.read(None),
    "read(4)": lambda stream: [stream.read(4) for _ in range(5)],
    "readline": lambda stream: stream.readline(),
    "readlines": lambda stream: stream.readlines(),
    "iter": list,
}


@each_stack
@pytest.mark.parametrize("shrugs", [False, True])
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_body_of_unknown_length_is_counted(
    stack: Stack, read: Callable[[Any], object], *, shrugs: bool
) -> None:
    """However it is read, and whatever the application makes of it."""
    app = stack(_reader(read, shrugs=shrugs), [BodyLimit(10)])
    assert ask(app, method="POST", body=b"x" * 10)[0] == 200
    answer = ask(app, method="POST", body=b"x" * 11)
    assert (answer[0], error_of(answer)["code"]) == (413, "payload_too_large")


@each_stack
def test_a_length_that_is_too_large_is_refused_at_once(stack: Stack) -> None:
    """The application is not called."""
    app = stack(_reader(lambda _stream: pytest.fail("read"), shrugs=False), [BodyLimit(10)])
    assert ask(app, method="POST", body=b"x" * 11, length="11")[0] == 413
    reads = stack(_reader(lambda stream: stream.read(), shrugs=False), [BodyLimit(10)])
    assert ask(reads, method="POST", body=b"x" * 10, length="10")[0] == 200


def test_a_few_lines_are_a_few() -> None:
    """`readlines` takes a hint."""
    told: list[list[bytes]] = []
    app = alone(
        _reader(lambda stream: told.append(stream.readlines(3)), shrugs=False), [BodyLimit(9)]
    )
    ask(app, method="POST", body=b"a\nb\nc\n")
    assert told == [[b"a\n", b"b\n"]]


@each_stack
def test_a_body_that_was_too_large_takes_the_answers_place(stack: Stack) -> None:
    """An application that reads, shrugs and answers later is closed."""
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Any:
            return iter([b"ok"])

        def close(self) -> None:
            closed.append(True)

    def app(environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        try:
            environ["wsgi.input"].read()
        except Exception:  # noqa: BLE001 - as frameworks do
            return Body()
        return []

    assert ask(stack(app, [BodyLimit(1)]), method="POST", body=b"xx")[0] == 413
    assert closed == [True]

    def without_close(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        app(environ, start)
        return []

    assert ask(stack(without_close, [BodyLimit(1)]), method="POST", body=b"xx")[0] == 413


@each_stack
def test_the_application_is_told_what_is_left(stack: Stack) -> None:
    """A thread cannot be stopped; what it calls can be."""
    told: list[float | None] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        told.append(deadline())
        return answers(environ, start_response)

    guarded = stack(app, [Deadline(5, paths={"/export": None})])
    ask(guarded)
    ask(guarded, headers={"x-request-deadline": "2.5"})
    ask(guarded, "/export")
    assert told[0] is not None
    assert 4 < told[0] <= 5
    assert told[1] is not None
    assert 2 < told[1] <= 2.5
    assert told[2] is None
    assert deadline() is None


@each_stack
def test_a_caller_without_time_is_answered_at_once(stack: Stack) -> None:
    """The work would be in vain."""
    answer = ask(stack(answers, [Deadline(5)]), headers={"x-request-deadline": "0"})
    assert (answer[0], error_of(answer)["code"]) == (503, "timeout")


def test_what_fails_after_the_start_is_raised() -> None:
    """The server, or the envelope middleware, ends the answer."""

    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        raise NotFoundError

    with pytest.raises(NotFoundError):
        ask(alone(app, []))


def test_an_asynchronous_verifier_is_refused_at_once() -> None:
    """Nobody here would await its answer."""
    with pytest.raises(ConfigError, match=r"^guards: .*plain verify"):
        GuardMiddleware(answers, [ApiKeys(AsyncKeys())])

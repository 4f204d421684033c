"""What `install` takes over, and what it leaves to the service and to FastAPI."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated, Any, cast

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, WebSocket
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection

from adapters.asgi.server import Answer, ask, connect
from adapters.fastapi.models import Chat, Tracing
from adapters.fastapi.routes import make_app
from adapters.starlette.catching import Watching
from kaiko_fastapi import install
from kaiko_fastapi._declared import Declarations
from kaiko_fastapi._failures import error_of
from kaiko_middleware import Config, ConflictError, KaikoError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

JSON = (("content-type", "application/json"), ("content-length", "2"))

NOWHERE = HTTPConnection({"type": "http", "headers": []})


def error(answer: Answer | None) -> dict[str, Any]:
    """Return what an envelope holds."""
    assert answer is not None
    found: dict[str, Any] = json.loads(answer.body)["error"]
    assert found["request_id"] == answer.id
    return found


def refused(app: FastAPI) -> Answer:
    """Send what validation refuses."""
    return ask(app, "/chat", method="POST", headers=JSON, body=[b"{}"])


async def handmade(_request: Request, exc: Exception) -> Response:
    """A handler of the service's."""
    return JSONResponse({"detail": "By the service"}, getattr(exc, "status", 418))


class TestHandlers:
    """Only FastAPI's defaults are replaced."""

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize(
        "kind",
        [RequestValidationError, StarletteHTTPException, HTTPException],
        ids=["validation", "starlette", "fastapi"],
    )
    def test_own_handler_stays(self, when: str, kind: type[Exception]) -> None:
        """A handler that the service registered, before or after, still answers."""
        app = make_app()
        app.add_api_route("/missing", _missing)
        if when == "before":
            app.add_exception_handler(kind, handmade)
        install(app)
        if when == "after":
            app.add_exception_handler(kind, handmade)
        answer = refused(app) if kind is RequestValidationError else ask(app, "/missing")
        assert (answer.status, error(answer)["message"]) == (418, "By the service")

    def test_own_handler_of_fastapis_exception(self) -> None:
        """A handler of FastAPI's HTTPException leaves the router's own to us."""
        app = make_app()
        app.add_exception_handler(HTTPException, handmade)
        install(app)
        assert error(ask(app, "/nowhere"))["code"] == "not_found"

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_own_handler_of_typed_errors(self, when: str) -> None:
        """It answers what validation refused too, if it was there first."""
        app = make_app()
        if when == "before":
            app.add_exception_handler(KaikoError, handmade)
        install(app)
        if when == "after":
            app.add_exception_handler(KaikoError, handmade)
        answer = refused(app)
        told = {
            "before": "By the service",
            "after": "The 'messages' field is required (and 1 more: model)",
        }
        assert (answer.status, error(answer)["message"]) == (400, told[when])

    def test_plain_function_as_handler(self) -> None:
        """A handler may be a plain function, as anywhere in FastAPI."""

        def plain(_request: Request, _exc: Exception) -> Response:
            return JSONResponse({"detail": "Plainly"}, 409)

        app = make_app()
        app.add_exception_handler(KaikoError, plain)
        install(app)
        assert error(refused(app))["message"] == "Plainly"


async def _missing() -> None:
    raise HTTPException(404, "No such thing")


class TestRefusals:
    """What install itself refuses, it leaves as it was."""

    def test_twice(self) -> None:
        """The second call fails, and the first stays in force."""
        app = make_app()
        install(app)
        with pytest.raises(
            RuntimeError, match=r"kaiko_fastapi\.install: .* already; install it once"
        ):
            install(app)
        assert error(refused(app))["code"] == "missing_field"

    def test_too_late(self) -> None:
        """An application that has started keeps FastAPI's handlers."""
        app = make_app()
        assert refused(app).status == 422
        before = dict(app.exception_handlers)
        with pytest.raises(
            RuntimeError, match=r"kaiko_fastapi\.install: the application has started"
        ):
            install(app)
        assert app.exception_handlers == before

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            (Starlette(), "starlette.Starlette: use kaiko_starlette.install"),
            (APIRouter(), "fastapi.APIRouter: install on the application that has the router"),
            (make_app, "the function make_app: call it, and pass what it returns"),
        ],
        ids=["starlette", "router", "factory"],
    )
    def test_another_application(self, wrong: Any, said: str) -> None:
        """What is due, what was given, and what to do."""
        with pytest.raises(TypeError) as refused:
            install(wrong)
        assert (
            str(refused.value) == f"kaiko_fastapi.install takes a FastAPI application, not {said}"
        )

    def test_wrong_config(self) -> None:
        """A dictionary of settings is no Config, and FastAPI's handlers stay."""
        app = make_app()
        before = dict(app.exception_handlers)
        with pytest.raises(TypeError, match=r"not dict: Config\.from_mapping"):
            install(app, cast("Any", {"paths": ["/v2"]}))  # wrong on purpose
        assert app.exception_handlers == before


class TestLeftAlone:
    """Paths that the configuration does not cover are FastAPI's."""

    @pytest.mark.parametrize(
        "path", ["/chat", "/nowhere", "/contexts/x", "/chat?malformed", "/missing"]
    )
    def test_http(self, path: str) -> None:
        """Its answers are the same to the byte."""
        answers: list[Answer] = []
        for config in (None, Config(paths=("/v2",))):
            app = make_app()
            app.add_api_route("/missing", _missing)
            if config is not None:
                install(app, config)
            post = path.startswith("/chat")
            body = b"{" if "malformed" in path else b"{}"
            answers.append(
                ask(app, path, method="POST" if post else "GET", headers=JSON, body=[body])
            )
        bare, left = answers
        assert (left.status, left.headers, left.body) == (bare.status, bare.headers, bare.body)

    def test_socket(self) -> None:
        """A WebSocket is refused as FastAPI refuses it."""
        app = FastAPI()
        app.add_api_websocket_route("/ws", _numbered)
        install(app, Config(paths=("/v2",)))
        socket = connect(app, "/ws?limit=x")
        assert socket.closed is not None
        assert socket.closed[0] == 1008


async def _numbered(websocket: WebSocket, limit: int) -> None:
    await websocket.accept()
    await websocket.close(1000, str(limit))


class TestSockets:
    """WebSockets whose parameters are refused."""

    def test_denied(self) -> None:
        """Before it is accepted, the answer is the envelope."""
        app = FastAPI()
        app.add_api_websocket_route("/ws", _numbered)
        install(app)
        denial = connect(app, "/ws?limit=x").denial
        assert denial is not None
        assert (denial.status, error(denial)["code"]) == (400, "invalid_limit")

    def test_middleware_sees_no_exception(self) -> None:
        """It would take it for a bug."""
        seen: list[Exception] = []

        app = FastAPI()
        app.add_api_websocket_route("/ws", _numbered)
        app.add_middleware(Watching, seen=seen)
        install(app)
        assert connect(app, "/ws?limit=x").denial is not None
        assert seen == []

    def test_good_one_passes(self) -> None:
        """One that is right is accepted."""
        app = FastAPI()
        app.add_api_websocket_route("/ws", _numbered)
        install(app)
        socket = connect(app, "/ws?limit=3")
        assert (socket.accepted, socket.closed) == (True, (1000, "3"))

    def test_included(self) -> None:
        """One of an included router is told by its own parameters."""
        app, router = FastAPI(), APIRouter()
        router.add_api_websocket_route("/ws", _numbered)
        app.include_router(router, prefix="/v2")
        install(app)
        assert error(connect(app, "/v2/ws").denial)["param"] == "limit"


class TestMounted:
    """Applications in applications."""

    def test_installed_in_both(self, caplog: pytest.LogCaptureFixture) -> None:
        """Each is precise, with one id and one record."""
        caplog.set_level(logging.INFO, logger="kaiko")
        outer, inner = FastAPI(), make_app()
        outer.mount("/sub", inner)
        install(outer)
        install(inner)
        answer = ask(outer, "/sub/chat", method="POST", headers=JSON, body=[b"{}"])
        assert error(answer)["param"] == "messages"
        assert len([record for record in caplog.records if record.name.startswith("kaiko")]) == 1

    def test_installed_outside(self) -> None:
        """An inner application's own answers are envelopes."""
        outer, inner = FastAPI(), make_app()
        outer.mount("/sub", inner)
        install(outer)
        answer = ask(
            outer,
            "/sub/chat",
            method="POST",
            headers=JSON,
            body=[b'{"messages":[{"role":"x"}],"model":"m"}'],
        )
        assert (answer.status, error(answer)["code"]) == (422, "invalid_value")


class TestPydantic:
    """A model that fails in the service's own code is a bug of the service."""

    def test_unmapped(self) -> None:
        """It is a 500, and nothing of it is said."""

        async def view() -> None:
            Chat.model_validate({"messages": "secret"})

        app = FastAPI()
        app.add_api_route("/x", view)
        install(app)
        answer = ask(app, "/x")
        assert error(answer)["code"] == "internal"
        assert isinstance(answer.raised, ValidationError)


class TestRaisedByTheService:
    """A validation error that the service raises itself."""

    @pytest.mark.parametrize(
        ("errors", "status", "param"),
        [
            ([], 422, None),
            (["odd"], 422, None),
            ([{"type": "missing"}], 422, None),
            ([{"type": "missing", "loc": []}], 422, None),
            ([{"type": "missing", "loc": ["query", "undeclared"]}], 400, None),
            ([{"type": "value_error", "loc": ("body", "messages", 0, "role")}], 422, None),
            ([{"type": "value_error", "loc": ("nowhere",)}], 422, None),
            ([{"type": "value_error", "loc": (["body"], {})}], 422, None),
            ([{"type": "value_error", "loc": ("query", None)}], 422, None),
        ],
    )
    def test_any_list(self, errors: list[Any], status: int, param: str | None) -> None:
        """Whatever it holds is answered, and no name that was not declared is said."""

        async def view() -> None:
            raise RequestValidationError(errors)

        app = FastAPI()
        app.add_api_route("/x", view)
        install(app)
        answer = ask(app, "/x")
        assert (answer.status, error(answer)["param"]) == (status, param)

    def test_outside_of_any_route(self) -> None:
        """There is then nothing declared at all."""

        async def view(_request: Request) -> Response:
            raise RequestValidationError([{"type": "value_error", "loc": ("query", "x")}])

        app = FastAPI()
        app.router.add_route("/x", view)
        install(app)
        assert error(ask(app, "/x"))["code"] == "invalid_value"


async def _token() -> str:
    return ""


async def _other(key: Annotated[int, Query()]) -> str:
    return str(key)


async def _keyed(token: Annotated[str, Depends(_token)]) -> str:
    return token


class TestDependencies:
    """What `yield` dependencies see, and what they turn it into."""

    def test_typed_error_passes_through(self) -> None:
        """A dependency sees the typed error, and it is answered."""
        seen: list[BaseException] = []

        async def watches() -> AsyncIterator[None]:
            try:
                yield
            except KaikoError as exc:
                seen.append(exc)
                raise

        async def view() -> None:
            raise NotFoundError("No such thing")

        app = FastAPI()
        app.add_api_route("/x", view, dependencies=[Depends(watches)])
        install(app)
        assert error(ask(app, "/x"))["message"] == "No such thing"
        assert len(seen) == 1

    def test_typed_error_in_teardown(self) -> None:
        """Raised before the answer is sent, it is the answer."""

        async def refuses() -> AsyncIterator[None]:
            yield
            raise ConflictError("Too late")

        async def view() -> None: ...

        app = FastAPI()
        app.add_api_route("/x", view, dependencies=[Depends(refuses, scope="function")])
        install(app)
        assert error(ask(app, "/x"))["code"] == "conflict"

    def test_overridden(self) -> None:
        """The parameters of a dependency that a test put in place have no declared name."""

        app = FastAPI()
        app.add_api_route("/x", _keyed)
        app.dependency_overrides[_token] = _other
        install(app)
        assert (error(ask(app, "/x?key=x"))["code"], ask(app, "/x?key=1").status) == (
            "invalid_value",
            200,
        )


class TestUndescribed:
    """Where what FastAPI keeps of a route cannot be read, only names are lost."""

    def test_schema_that_cannot_be_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing below such a field has a name."""

        class Unmade:
            @classmethod
            def __get_pydantic_core_schema__(cls, *_: object) -> Any:
                raise NameError("not there any more")

        app = make_app()
        install(app)
        for route in app.routes:
            dependant: object = getattr(route, "dependant", None)
            if getattr(route, "path", "") == "/traced" and isinstance(dependant, Dependant):
                (field,) = dependant.header_params
                monkeypatch.setattr(field.field_info, "annotation", Unmade)
        assert Tracing.model_fields
        assert error(ask(app, "/traced"))["code"] == "missing_field"


def test_form_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI says of a form what it says of JSON: no word of JSON is said of it."""

    async def full(*_: object, **__: object) -> None:
        raise ValueError("no space left on the device")

    monkeypatch.setattr(Request, "form", full)
    app = make_app()
    install(app)
    form = (("content-type", "application/x-www-form-urlencoded"), ("content-length", "3"))
    answer = ask(app, "/form", method="POST", headers=form, body=[b"a=b"])
    assert (answer.status, error(answer)["code"]) == (400, "bad_request")


def test_what_clients_make_up_is_not_kept() -> None:
    """However many keys and names come, a route keeps a bounded number of short ones."""
    declared = Declarations().of({"route": _route("/map")})

    def refuse(key: str) -> None:
        error_of([{"type": "int_parsing", "loc": ("body", key)}], {}, NOWHERE, declared)

    for number in range(2000):
        refuse(f"key-{number}")
    assert 0 < len(declared.failures) <= 512
    declared.failures.clear()
    refuse("x" * 1000)
    error_of([{"type": "extra_forbidden", "loc": ("body", "x")}], {}, NOWHERE, declared)
    assert declared.failures == {}


def _route(path: str) -> object:
    return next(route for route in make_app().routes if getattr(route, "path", "") == path)

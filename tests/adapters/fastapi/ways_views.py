"""What views, their dependencies and their validation do, and what becomes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response, Security
from fastapi.responses import FileResponse, JSONResponse
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2PasswordBearer,
)
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.staticfiles import StaticFiles

from adapters.fastapi.models import Chat, Message
from adapters.fastapi.routes import make_app
from adapters.fastapi.ways import Way
from adapters.starlette.row import Alone, Ask, Envelope, Gone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

INTERNAL = Envelope(500, "internal")
JSON = (("content-type", "application/json"),)


def one(
    endpoint: Callable[..., Any], *, methods: tuple[str, ...] = ("GET",), **route: Any
) -> Callable[[], FastAPI]:
    """Return a maker of an application with one route."""

    def make() -> FastAPI:
        app = FastAPI()
        app.add_api_route("/x", endpoint, methods=list(methods), **route)
        return app

    return make


def raising(make: Callable[[], BaseException]) -> Callable[[], FastAPI]:
    """Return a maker of an application whose view raises what `make` makes."""

    async def view() -> None:
        raise make()

    return one(view)


def depending(*dependencies: Callable[..., Any], **how: Any) -> Callable[[], FastAPI]:
    """Return a maker of an application whose view depends on these."""

    async def view() -> dict[str, str]:
        return {"ok": "yes"}

    return one(view, dependencies=[Depends(each, **how) for each in dependencies])


def mounted(make: Callable[[], FastAPI]) -> Callable[[], FastAPI]:
    """Return a maker of an application that another one is mounted in."""

    def outer() -> FastAPI:
        app = FastAPI()
        app.mount("/sub", make())
        return app

    return outer


def included(make: Callable[[], FastAPI]) -> Callable[[], FastAPI]:
    """Return a maker of an application that includes the router of another one."""

    def outer() -> FastAPI:
        app, router = FastAPI(), APIRouter()
        for route in make().routes:
            router.routes.append(route)
        app.include_router(router, prefix="/v1")
        return app

    return outer


def guarded(scheme: Any) -> Callable[[], FastAPI]:
    """Return a maker of an application whose view asks for credentials."""

    return one(lambda: None, dependencies=[Security(scheme)])


def bug() -> Exception:
    """An exception that nobody mapped."""
    return ValueError("secret")


async def raises() -> None:
    """A dependency that fails."""
    raise bug()


async def forbids() -> None:
    """A dependency that refuses."""
    raise HTTPException(403, "from dependency")


async def fails_early() -> AsyncIterator[None]:
    """A dependency that fails before it yields."""
    raise bug()
    yield


def fails_late() -> Iterator[None]:
    """A dependency that fails after it has yielded."""
    yield
    raise bug()


async def converts() -> AsyncIterator[None]:
    """A dependency that turns what the view raised into an answer."""
    try:
        yield
    except ValueError:
        raise HTTPException(418, "converted") from None


async def swallows() -> AsyncIterator[None]:
    """A dependency that lets what the view raised vanish."""
    try:
        yield
    except ValueError:
        pass


def failing_under(dependency: Callable[..., Any]) -> Callable[[], FastAPI]:
    """Return a maker of an application whose view fails under a dependency."""
    return one(raises, dependencies=[Depends(dependency)])


async def group() -> None:
    """A view that refuses in a task group."""
    raise ExceptionGroup("tasks", [HTTPException(404, "No such thing")])


def only_get() -> FastAPI:
    """An application with one route, for GET alone."""
    return one(lambda: None)()


def static() -> FastAPI:
    """An application with static files."""
    app = FastAPI()
    app.mount("/static", StaticFiles(directory="."))
    return app


def with_frontend() -> FastAPI:
    """An application that serves a frontend's files."""
    app = FastAPI()
    app.frontend("/", directory=".")
    return app


UNCAUGHT = (
    Way("uncaught/endpoint-async", raising(bug), Ask(), INTERNAL),
    Way("uncaught/ExceptionGroup-HTTPException", one(group), Ask(), Envelope(404, "not_found")),
    Way("uncaught/sub-app", mounted(raising(bug)), Ask("/sub/x"), INTERNAL),
)

HTTP_EXCEPTIONS = (
    Way(
        "HTTPException/str",
        raising(lambda: HTTPException(400, "detail text", {"X-Own": "1"})),
        Ask(),
        Envelope(400, "bad_request", (("x-own", "1"),)),
    ),
    Way(
        "HTTPException/None", raising(lambda: HTTPException(404)), Ask(), Envelope(404, "not_found")
    ),
    Way(
        "HTTPException/dict",
        raising(lambda: HTTPException(400, {"code": "x", "why": [1, 2]})),
        Ask(),
        Envelope(400, "x"),
    ),
    Way(
        "HTTPException/list",
        raising(lambda: HTTPException(400, ["a", "b"])),
        Ask(),
        Envelope(400, "bad_request"),
    ),
    Way(
        "HTTPException/NaN-detail",
        raising(lambda: HTTPException(400, {"x": float("nan")})),
        Ask(),
        Envelope(400, "bad_request"),
    ),
    Way(
        "HTTPException/unserialisable-detail",
        raising(lambda: HTTPException(400, object())),
        Ask(),
        Envelope(400, "bad_request"),
    ),
    Way(
        "HTTPException/304",
        raising(lambda: HTTPException(304)),
        Ask(),
        Alone(304, "no error"),
    ),
    Way(
        "HTTPException/starlette",
        raising(lambda: StarletteHTTPException(409, "from starlette")),
        Ask(),
        Envelope(409, "conflict"),
    ),
    Way(
        "HTTPException/included",
        included(raising(lambda: HTTPException(400, "detail text"))),
        Ask("/v1/x"),
        Envelope(400, "bad_request"),
    ),
)

ROUTING = (
    Way("routing/sub-app-404", mounted(only_get), Ask("/sub/y"), Envelope(404, "not_found")),
    Way(
        "routing/405-HEAD",
        only_get,
        Ask(method="HEAD"),
        Envelope(405, "method_not_allowed", (("allow", "GET"),)),
    ),
    Way(
        "routing/405-included",
        included(only_get),
        Ask("/v1/x", "POST"),
        Envelope(405, "method_not_allowed", (("allow", "GET"),)),
    ),
    Way("routing/redirect-slash", only_get, Ask("/x/"), Alone(307, "no error")),
    Way("static/404", static, Ask("/static/none"), Envelope(404, "not_found")),
    Way(
        "frontend/405",
        with_frontend,
        Ask("/pyproject.toml", "POST"),
        Envelope(405, "method_not_allowed"),
        needs="frontends",
    ),
    Way(
        "frontend/POST-404",
        with_frontend,
        Ask("/none", "POST"),
        Envelope(404, "not_found"),
        needs="frontends",
    ),
)

DEPENDENCIES = (
    Way("dependency/raises-async", depending(raises), Ask(), INTERNAL),
    Way("dependency/HTTPException", depending(forbids), Ask(), Envelope(403, "permission_denied")),
    Way("dependency/yield-setup", depending(fails_early), Ask(), INTERNAL),
    Way(
        "dependency/yield-exit-sync",
        depending(fails_late),
        Ask(),
        Alone(200, "the answer was sent before"),
    ),
    Way(
        "dependency/yield-exit-function-scope",
        depending(fails_late, scope="function"),
        Ask(),
        INTERNAL,
    ),
    Way("dependency/yield-converts", failing_under(converts), Ask(), Envelope(418, "im_a_teapot")),
    Way("dependency/yield-swallows", failing_under(swallows), Ask(), INTERNAL),
)

_API_KEY = Envelope(401, "invalid_api_key", (("www-authenticate", "APIKey"),))


def _challenged(challenge: str) -> Envelope:
    return Envelope(401, "invalid_api_key", (("www-authenticate", challenge),))


def _scoped() -> HTTPException:
    challenge = {"WWW-Authenticate": 'Bearer scope="me"'}
    return HTTPException(401, "Not enough permissions", challenge)


SECURITY = (
    Way("security/bearer-missing", guarded(HTTPBearer()), Ask(), _challenged("Bearer")),
    Way("security/basic-missing", guarded(HTTPBasic()), Ask(), _challenged("Basic")),
    Way("security/digest-missing", guarded(HTTPDigest()), Ask(), _challenged("Digest")),
    Way("security/key-header-missing", guarded(APIKeyHeader(name="x-api-key")), Ask(), _API_KEY),
    Way("security/key-query-missing", guarded(APIKeyQuery(name="key")), Ask(), _API_KEY),
    Way("security/key-cookie-missing", guarded(APIKeyCookie(name="key")), Ask(), _API_KEY),
    Way(
        "security/oauth-missing",
        guarded(OAuth2PasswordBearer(tokenUrl="token")),
        Ask(),
        _challenged("Bearer"),
    ),
    Way(
        "security/basic-undecodable",
        guarded(HTTPBasic()),
        Ask(headers=(("authorization", "Basic ***"),)),
        _challenged("Basic"),
    ),
    Way("security/scopes", raising(_scoped), Ask(), _challenged('Bearer scope="me"')),
)


def _post(path: str, body: object, headers: tuple[tuple[str, str], ...] = JSON) -> Ask:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = (("content-length", str(len(sent))),) if sent else ()
    return Ask(path, "POST", (*headers, *length), (sent,))


def lax() -> FastAPI:
    """An application that reads JSON of no declared type."""

    async def view(chat: Chat) -> None:
        del chat

    app = FastAPI(strict_content_type=False)
    app.add_api_route("/chat", view, methods=["POST"])
    return app


_VALUE = Envelope(422, "invalid_value")
_TYPE = Envelope(415, "unsupported_media_type")
_ABSENT = Envelope(400, "missing_field")
_GOOD: dict[str, object] = {"messages": [{"role": "user"}], "model": "m"}

VALIDATION = (
    Way(
        "validation/path-huge-int",
        make_app,
        Ask(f"/contexts/{'9' * 5000}"),
        Envelope(400, "invalid_context_id"),
    ),
    Way("validation/query-missing", make_app, Ask("/filtered"), _ABSENT),
    Way(
        "validation/query-several",
        make_app,
        Ask("/contexts/1?limit=101&tags=x&size=y"),
        Envelope(400, "invalid_limit"),
    ),
    Way("validation/body-missing", make_app, _post("/chat", b""), Envelope(400, "missing_body")),
    Way(
        "validation/body-missing-no-content-type",
        make_app,
        _post("/chat", b"", ()),
        Envelope(400, "missing_body"),
    ),
    Way(
        "validation/json-null",
        make_app,
        _post("/list", b"null"),
        _VALUE,
        needs="null bodies",
    ),
    Way(
        "validation/body-nested",
        make_app,
        _post("/tagged", {"kind": "dog", "tricks": ["x"]}),
        Envelope(422, "invalid_tricks"),
        rough=_VALUE,
    ),
    Way(
        "validation/body-enum",
        make_app,
        _post("/chat", _GOOD | {"messages": [{"role": "x"}]}),
        Envelope(422, "invalid_role"),
        rough=_VALUE,
    ),
    Way("validation/body-list-item", make_app, _post("/list", [{"role": "user"}, {}]), _ABSENT),
    Way("validation/body-union", make_app, _post("/union", {"kind": "cat"}), _ABSENT),
    Way(
        "validation/NaN-input-echo",
        make_app,
        _post("/chat", b'{"messages":[],"model":NaN}'),
        Envelope(422, "invalid_model"),
        rough=_VALUE,
    ),
    Way(
        "validation/lone-surrogate-key",
        make_app,
        _post("/chat", b'{"messages":[],"model":"m","\\ud800":1}'),
        _VALUE,
    ),
    Way(
        "validation/json-bigint",
        make_app,
        _post("/chat", b'{"model":' + b"9" * 5000 + b"}"),
        Envelope(400, "invalid_json"),
        rough=Envelope(400, "bad_request"),
    ),
    Way(
        "validation/wrong-content-type",
        make_app,
        _post("/chat", b"{}", (("content-type", "text/plain"),)),
        _TYPE,
    ),
    Way(
        "validation/wrong-content-type-bytes",
        make_app,
        _post("/chat", b"\xff", (("content-type", "text/plain"),)),
        _TYPE,
    ),
    Way("validation/no-content-type", make_app, _post("/chat", b"{}", ()), _TYPE),
    Way(
        "validation/no-content-type-lax",
        lax,
        _post("/chat", b"{", ()),
        Envelope(400, "invalid_json"),
    ),
    Way(
        "validation/garbage-content-type",
        make_app,
        _post("/chat", b"{}", (("content-type", ";;;"),)),
        _TYPE,
    ),
    Way(
        "validation/form-type",
        make_app,
        _post("/form", b"name=n&years=x", (("content-type", "application/x-www-form-urlencoded"),)),
        Envelope(422, "invalid_years"),
        rough=_VALUE,
    ),
    Way(
        "validation/form-got-json",
        make_app,
        _post("/form", {"name": "n"}),
        _TYPE,
        rough=_ABSENT,
    ),
)


def _limited(**limits: Any) -> Callable[[], FastAPI]:
    def make() -> FastAPI:
        app = FastAPI(**limits)
        app.router.routes += make_app().routes
        return app

    return make


def _multipart(boundary: str) -> tuple[tuple[str, str], ...]:
    return (("content-type", f"multipart/form-data{boundary}"),)


_TWO_FILES = (
    b'--b\r\nContent-Disposition: form-data; name="upload"; filename="a"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="upload"; filename="b"\r\n\r\n2\r\n--b--\r\n'
)
_TOO_LARGE = Envelope(413, "payload_too_large")


def _mounted_under_limit() -> FastAPI:
    app = FastAPI(max_body_size=20)
    app.mount("/sub", make_app())
    return app


BODIES = (
    Way(
        "body/multipart-malformed",
        make_app,
        _post("/file", b"garbage", _multipart("; boundary=b")),
        Envelope(400, "invalid_form"),
        rough=Envelope(400, "bad_request"),
    ),
    Way(
        "body/multipart-no-boundary",
        make_app,
        _post("/file", b"garbage", _multipart("")),
        Envelope(400, "invalid_form"),
        rough=Envelope(400, "bad_request"),
    ),
    Way(
        "body/form-limit-files",
        _limited(form_limits={"max_files": 1}),
        _post("/file", _TWO_FILES, _multipart("; boundary=b")),
        Envelope(400, "too_many_fields"),
        rough=Envelope(400, "bad_request"),
        needs="form limits",
    ),
    Way(
        "body-limit/content-length",
        _limited(max_body_size=20),
        _post("/chat", b" " * 21),
        _TOO_LARGE,
        needs="body limits",
    ),
    Way(
        "body-limit/sub-app",
        _mounted_under_limit,
        _post("/sub/chat", b" " * 21),
        _TOO_LARGE,
        needs="body limits",
    ),
    Way(
        "disconnect/half-close",
        make_app,
        Ask("/chat", "POST", (*JSON, ("content-length", "9")), (b"{",), leaves=True),
        Gone(),
        rough=Envelope(400, "bad_request"),
    ),
)


class _Opaque:
    """An object that no encoder knows."""

    __slots__ = ()


async def _no_message() -> Any:
    return {"text": "no role"}


async def _not_a_number() -> dict[str, float]:
    return {"x": float("nan")}


async def _untyped() -> Any:
    return {"x": float("nan")}


async def _opaque() -> Any:
    return _Opaque()


async def _handmade() -> Response:
    return JSONResponse({"handmade": True}, 503, {"Retry-After": "7"})


async def _by_status(response: Response) -> dict[str, str]:
    response.status_code = 404
    return {"handmade": "by status_code"}


async def _no_file() -> Response:
    return FileResponse("none")


async def _fails_after(_request: Request) -> Response:
    return JSONResponse({"ok": "sent"}, background=BackgroundTask(raises))


RESPONSES = (
    Way(
        "response/ResponseValidationError",
        one(_no_message, response_model=Message),
        Ask(),
        INTERNAL,
    ),
    Way("response/NaN", one(_not_a_number), Ask(), Alone(200, "FastAPI writes null")),
    Way(
        "response/NaN-JSONResponse",
        one(_untyped, response_class=JSONResponse),
        Ask(),
        Alone(200, "FastAPI writes null"),
        needs="NaN as null",
    ),
    Way("response/unserialisable", one(_opaque), Ask(), INTERNAL),
    Way(
        "returned/503",
        one(_handmade),
        Ask(),
        Envelope(503, "service_unavailable", (("retry-after", "7"),)),
    ),
    Way("returned/status_code", one(_by_status), Ask(), Envelope(404, "not_found")),
    Way("file/missing", one(_no_file), Ask(), INTERNAL),
    Way(
        "after-response/background",
        one(_fails_after),
        Ask(),
        Alone(200, "the answer was sent before"),
    ),
)

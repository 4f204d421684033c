"""A Flask application is installed with one call, before or after what it serves."""

from __future__ import annotations

from flask import Flask, Response, abort

from kaiko_flask import install
from kaiko_middleware import Config, ExceptionMapping, NotFoundError


class Service(Flask):
    """A service's own class."""


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


app = Flask(__name__)
install(app)
install(Service(__name__), Config(paths=("/v2",), mapping=ExceptionMapping()))
install(app, config=None)
install(app=app, config=Config(reraise=False))


@app.get("/v2/contexts/<name>")
def context(name: str) -> Response:
    """Raise a typed error."""
    raise ContextNotFound(f"Context '{name}' has expired")


@app.get("/v2/gone")
def gone() -> dict[str, str]:
    """Answer with one of Werkzeug's."""
    abort(410, "Gone for good")


@app.errorhandler(ContextNotFound)
def own(error: ContextNotFound) -> tuple[dict[str, str], int]:
    """Answer a typed error otherwise."""
    return {"message": error.message}, error.status

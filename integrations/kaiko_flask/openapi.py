"""The error answers in the OpenAPI document of flask-smorest, or of APIFlask.

>>> from flask import Flask
>>> from flask_smorest import Api
>>> from kaiko_flask import install
>>> from kaiko_flask.openapi import document_errors
>>> app = Flask(__name__)
>>> app.config.update(API_TITLE="V2", API_VERSION="2", OPENAPI_VERSION="3.0.3")
>>> install(app)
>>> document_errors(Api(app))
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from kaiko_middleware import Config
from kaiko_middleware import openapi as core
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.openapi import errors_of, examples

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError

    # APIFlask's type, but for its other ways to give them.
    _Responses = dict[int | str, dict[str, str | dict[str, dict[str, Any]]]]

__all__ = ["document_errors", "responses"]


def responses(*classes: type[KaikoError]) -> _Responses:
    """Return the `responses=` of `doc` for a view that raises `classes`.

    It is flask-smorest's `@blueprint.doc`, or APIFlask's `@app.doc`.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: an argument is something else.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> [*responses(NotFoundError, ConflictError)]
    ['404', '409']
    """
    return {
        str(status): {
            "description": STATUSES[status].message,
            "content": {"application/json": {"examples": examples(errors)}},
        }
        for status, errors in errors_of(*classes).items()
    }


def document_errors(api: Any, config: Config | None = None) -> None:
    """Let the document of an API show the envelope, with its headers, on every operation.

    Arguments:
        api: flask-smorest's `Api`, which has its application, or APIFlask's application.
        config: the settings that the application is installed with; all defaults when left out.

    """
    used = Config() if config is None else config
    generate = getattr(api, "_generate_spec", None)
    if generate is None:
        _document_errors_of(api.spec, used)
        return

    def generate_spec() -> Any:
        # Before the service's `spec_processor`, which may be set later.
        spec = generate()
        _document_errors_of(spec, used)
        return spec

    api._generate_spec = generate_spec  # noqa: SLF001 - it has no public counterpart


def _document_errors_of(spec: Any, used: Config) -> None:
    generate = spec.to_dict

    def to_dict() -> dict[str, Any]:
        document: dict[str, Any] = deepcopy(generate())
        core.document_errors(document, used)
        return document

    spec.to_dict = to_dict

"""The error answers in the OpenAPI document of flask-smorest.

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

__all__ = ["document_errors", "responses"]


def responses(*classes: type[KaikoError]) -> dict[str, dict[str, Any]]:
    """Return the `responses=` of flask-smorest's `@blueprint.doc` for a view that raises `classes`.

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
    """Let the document of an `Api` show the envelope, with its headers, on every operation.

    Arguments:
        api: flask-smorest's `Api`, which has its application.
        config: the settings that the application is installed with; all defaults when left out.

    """
    used = Config() if config is None else config
    spec = api.spec
    generate = spec.to_dict

    def to_dict() -> dict[str, Any]:
        document: dict[str, Any] = deepcopy(generate())
        core.document_errors(document, used)
        return document

    spec.to_dict = to_dict

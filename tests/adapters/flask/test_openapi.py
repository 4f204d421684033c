"""flask-smorest's document shows the errors that clients get."""

from __future__ import annotations

import json
from typing import Any

import flask_smorest
import pytest
from flask import Flask
from openapi_spec_validator import validate

from adapters.flask.support import SoldOut
from adapters.flask.test_webargs import NewContext
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_flask.openapi import document_errors, responses
from kaiko_middleware import Config


def document(config: Config | None, version: str) -> Any:
    app = Flask("service")
    app.config.update(API_TITLE="a", API_VERSION="1", OPENAPI_VERSION=version)
    app.config.update(OPENAPI_URL_PREFIX="/", OPENAPI_JSON_PATH="openapi.json")
    install(app, config)
    api = flask_smorest.Api(app)
    document_errors(api, config)
    blueprint = flask_smorest.Blueprint("b", "b")
    view: Any = blueprint.arguments(NewContext)(lambda _: "ok")
    view = blueprint.doc(responses=responses(SoldOut))(view)
    blueprint.add_url_rule("/v2/x", endpoint="x", view_func=view, methods=["POST"])
    api.register_blueprint(blueprint)
    made = json.loads(ask_wsgi(app, "/openapi.json").body)
    assert json.loads(ask_wsgi(app, "/openapi.json").body) == made
    return made


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_document(version: str) -> None:
    """It is valid, and each error answer is the envelope, with its codes."""
    made = document(None, version)
    validate(made)
    answers = made["paths"]["/v2/x"]["post"]["responses"]
    assert {"400", "409", "422", "default"} <= answers.keys()
    for status, answer in answers.items():
        if status.isdecimal():
            assert "X-Request-ID" in answer["headers"]
    examples = answers["409"]["content"]["application/json"]["examples"]
    assert examples["flask_sold_out"]["value"]["error"]["param"] == "sku"


def test_paths_that_are_not_ours() -> None:
    """They are left as they are."""
    made = document(Config(paths=["/v3"]), "3.0.3")
    assert "400" not in made["paths"]["/v2/x"]["post"]["responses"]

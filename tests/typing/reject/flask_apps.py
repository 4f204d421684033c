"""What is no Flask application, or no configuration, is refused."""

from __future__ import annotations

from flask import Blueprint, Flask
from starlette.applications import Starlette

from kaiko_flask import install
from kaiko_middleware import Config

app = Flask(__name__)

install()  # error
install(Flask)  # error
install(app.wsgi_app)  # error
install(Blueprint("b", "b"))  # error
install(Starlette())  # error
install(app, {"paths": ["/v2"]})  # error
install(app, paths=("/v2",))  # error
install(app, Config)  # error
install(Config(), app)  # error

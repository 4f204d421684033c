"""kaiko-middleware for Flask: `install(app)`, and every error answer is an envelope.

>>> from flask import Flask
>>> from kaiko_flask import install
>>> from kaiko_middleware import NotFoundError
>>> app = Flask(__name__)
>>> install(app)
>>> @app.get("/contexts/<context_id>")
... def context(context_id: str) -> dict[str, str]:
...     raise NotFoundError(f"Context '{context_id}' has expired")
>>> app.test_client().get("/contexts/ctx_1").json["error"]["message"]
"Context 'ctx_1' has expired"
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_flask", "flask")

from kaiko_flask._install import install

__all__ = ["install"]

"""What is no configuration, or no class of a typed error, is refused."""

from __future__ import annotations

from litestar import Litestar
from litestar.exceptions import HTTPException

from kaiko_litestar import KaikoPlugin, responses
from kaiko_middleware import NotFoundError

KaikoPlugin({"paths": ["/v2"]})  # error
KaikoPlugin(paths=("/v2",))  # error
KaikoPlugin(Litestar())  # error
responses(404)  # error
responses("not_found")  # error
responses(NotFoundError())  # error
responses(HTTPException)  # error
responses([NotFoundError])  # error

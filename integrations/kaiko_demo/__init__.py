"""A small V2 service that reaches every row of the contract by a real cause.

Its domain (`service` and the modules it uses) knows no framework and raises typed errors.
`starlette_app`, `litestar_app`, `flask_app` and `django_views` connect it to HTTP. `causes` lists
one request for each way to fail, and `kaiko-middleware demo` sends them to every stack. The service
calls a fake provider of language models that fails on request (`provider`), and an archive, a
second V2 service (`archive_app`). Each runs in a separate process.
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_demo", "httpx2", "stamina", "anyio")

from kaiko_demo.cause import Behind, Cause, Expected, Request
from kaiko_demo.causes import CAUSES
from kaiko_demo.seed import demo_service
from kaiko_demo.service import DemoService

__all__ = ["CAUSES", "Behind", "Cause", "DemoService", "Expected", "Request", "demo_service"]

"""A small V2 service that reaches every row of the contract by its real cause.

Its domain (`service`, and what that is made of) knows no framework and raises typed
errors; `starlette_app` and `django_views` translate HTTP to it and back. `causes` lists
one request for each way to fail, and `kaiko-middleware demo` sends them to every stack.
Behind it stand a provider of language models that fails in chosen ways (`provider`) and an
archive, which is a second V2 service (`archive_app`), each in a process of its own.
"""

from __future__ import annotations

from kaiko_demo.cause import Behind, Cause, Expected, Request
from kaiko_demo.causes import CAUSES
from kaiko_demo.seed import demo_service
from kaiko_demo.service import DemoService

__all__ = ["CAUSES", "Behind", "Cause", "DemoService", "Expected", "Request", "demo_service"]

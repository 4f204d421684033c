"""A small V2 service that reaches every row of the contract by its real cause.

Its domain (`service`, and what that is made of) knows no framework and raises typed
errors; `starlette_app` and `django_views` translate HTTP to it and back. `causes` lists
one request for each way to fail, and `kaiko-middleware demo` sends them to every stack.
"""

from __future__ import annotations

from kaiko_demo.causes import CAUSES, Cause, Expected, Request
from kaiko_demo.seed import demo_service
from kaiko_demo.service import DemoService

__all__ = ["CAUSES", "Cause", "DemoService", "Expected", "Request", "demo_service"]

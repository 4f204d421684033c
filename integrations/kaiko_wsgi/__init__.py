"""kaiko-middleware for any WSGI application: one middleware, no framework.

>>> def app(environ, start_response):
...     raise LookupError("a bug")
>>> from kaiko_wsgi import KaikoMiddleware
>>> app = KaikoMiddleware(app)

Put it outermost: every error answer of what it wraps is then an envelope.
"""

from __future__ import annotations

from kaiko_wsgi.middleware import KaikoMiddleware

__all__ = ["KaikoMiddleware"]
